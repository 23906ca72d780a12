"""The window of *History…*."""
