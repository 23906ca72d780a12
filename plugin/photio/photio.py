#!/usr/bin/env python3
"""Photio for GIMP: what GIMP starts. Declares the procedures and their menu entries."""

import gc
import os
import sys

# loading modules creates no garbage, but looking for it would take a tenth of the time
gc.disable()

# not the resolved path: a developer's installation consists of links, and `bridge` is beside the link
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# babl would fill 268 MB to measure whether tables speed up conversions; they do only for more pixels than are read here
os.environ.setdefault("BABL_LUT", "0")
# … and spend 50 ms on trying long chains of conversions, which does not pay for so few pixels
os.environ.setdefault("BABL_PATH_LENGTH", "2")

import early  # noqa: E402

early.start(sys.argv)

import gi  # noqa: E402

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gimp  # noqa: E402

from procedures import NAMES, create  # noqa: E402

gc.freeze()  # modules are never garbage
gc.enable()


class Photio(Gimp.PlugIn):
    """The plug-in."""

    def do_query_procedures(self) -> list[str]:
        """The names of the procedures."""
        return list(NAMES)

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """Declares one procedure."""
        return create(self, name)

    def do_set_i18n(self, _name: str) -> bool:
        """GIMP need not load catalogues: `bridge.common.i18n` has translated all texts that GIMP gets."""
        return False


Gimp.main(Photio.__gtype__, sys.argv)
