"""Finds or sets up a real GIMP 3 and starts it: what `gimp.py` and the scripts that need a GIMP share."""
