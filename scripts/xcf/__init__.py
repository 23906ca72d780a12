"""Reads XCF files without GIMP: the parts of `xcf.py`."""
