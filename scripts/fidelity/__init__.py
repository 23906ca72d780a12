"""The parts of `fidelity.py`."""
