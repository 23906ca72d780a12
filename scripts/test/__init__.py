"""Runs the tests part by part, in an environment of their own: the parts of `test.py`."""
