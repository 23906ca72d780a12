"""The parts of `xcf.py`."""
