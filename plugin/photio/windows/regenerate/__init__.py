"""The window of *Regenerate…*."""
