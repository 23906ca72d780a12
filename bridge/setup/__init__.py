"""The installer behind `install.py`: finds GIMP, builds the bridge's environment, puts the plug-in in place.

Standard library only, and valid on Python 3.10, because it runs before anything is installed.
"""
