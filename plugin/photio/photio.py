#!/usr/bin/env python3
"""Photio for GIMP: what GIMP starts. Declares the procedures and their menu entries."""

import gc
import os
import sys

# no garbage is made while modules are loaded, but a tenth of that time is spent looking for it
gc.disable()

# not the resolved path: a developer's installation is made of links, and `bridge` stands beside the link
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# babl would fill 268 MB to find out whether tables speed up conversions: they do, for more pixels than are read here
os.environ.setdefault("BABL_LUT", "0")
# … and try long chains of conversions, 50 ms before the first one, to find a faster one than for pixels as few as ours
os.environ.setdefault("BABL_PATH_LENGTH", "2")

import early  # noqa: E402

early.start(sys.argv)

import gi  # noqa: E402

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gimp  # noqa: E402

from procedures import NAMES, create  # noqa: E402

gc.freeze()  # modules stay
gc.enable()


class Photio(Gimp.PlugIn):
    """The plug-in."""

    def do_query_procedures(self) -> list[str]:
        """What this plug-in offers, by name."""
        return list(NAMES)

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """Declares one of them."""
        return create(self, name)

    def do_set_i18n(self, _name: str) -> bool:
        """GIMP need not look for catalogues: `bridge.common.i18n` does, and what GIMP is told is translated already."""
        return False


Gimp.main(Photio.__gtype__, sys.argv)
