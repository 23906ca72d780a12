"""Photio's bridge: plans, sends and fits regenerations. Knows nothing of GIMP."""

__version__ = "0.1.0"
