"""The zip for users, the check of the locked packages, and the files for Flathub: the parts of `release.py`."""
