"""Whether the bridge can work here."""
