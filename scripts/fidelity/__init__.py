"""Photographs, measures and engines: the parts of `fidelity.py`."""
