"""The window of *Expand…*."""
