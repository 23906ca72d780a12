#!/usr/bin/env python3
"""A bare inpainting plug-in of two processes, as quick as a short one gets; see `bench.py`.

It plans, exports, sends a PNG over loopback, decodes the answer and places it: no window, no matching, no journal, no
error is told. GIMP starts it as a plug-in; the benchmark also uses it with its bridge already running.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# as Photio has them, else babl alone takes longer than all of the rest
os.environ.setdefault("BABL_LUT", "0")
os.environ.setdefault("BABL_PATH_LENGTH", "2")

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, GObject  # noqa: E402

PROCEDURE = "photio-bench-sketch"


class Sketch:
    """A bridge, and what it is asked.

    Args:
        task: see `bench_photio.first`.
    """

    def __init__(self, task):
        bridge = str(Path(__file__).resolve().with_name("bench_sketch_bridge.py"))
        self._task = task
        self._process = subprocess.Popen([task["python"], "-I", bridge], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, image):
        """The new layer."""
        import bench_layers

        to_bridge, from_bridge = self._process.stdin, self._process.stdout
        to_bridge.write(json.dumps(self._task).encode() + b"\n")
        to_bridge.flush()
        planned = json.loads(from_bridge.readline())
        crop, box = planned["crop"], planned["box"]
        coverage = bench_layers.selection(image, crop)
        to_bridge.write(bench_layers.pixels(image, crop) + coverage)
        to_bridge.flush()
        rgb = from_bridge.read(3 * box[2] * box[3])
        mask = from_bridge.read(box[2] * box[3])
        return bench_layers.inserted(image, box, rgb, mask)

    def close(self):
        """Lets the bridge end; nobody waits for it."""
        self._process.stdin.close()


class Plugin(Gimp.PlugIn):
    """One procedure: an image, a drawable, and the task as JSON."""

    def do_query_procedures(self):
        """Its name."""
        return [PROCEDURE]

    def do_create_procedure(self, name):
        """Declares it."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, _run, None)
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
        procedure.add_string_argument("task", "Task", "What to do, as JSON", "", GObject.ParamFlags.READWRITE)
        return procedure

    def do_set_i18n(self, _name):
        """There are no translations."""
        return False


def _run(procedure, _mode, image, _drawables, config, _data):
    sketch = Sketch(json.loads(config.get_property("task")))
    Gegl.init(None)
    sketch.run(image)
    sketch.close()
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


if __name__ == "__main__":
    Gimp.main(Plugin.__gtype__, sys.argv)
