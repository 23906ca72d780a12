"""The scenes, how they are played and shown: the parts of `screenshots.py`."""
