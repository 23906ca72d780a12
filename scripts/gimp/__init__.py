"""A real GIMP 3 for tests, demo and measurements: found or set up, then started. Behind `gimp.py`."""
