"""The Regen API: its client, what it answers, and what can go wrong."""
