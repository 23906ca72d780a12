"""The window of *Settings…*."""
