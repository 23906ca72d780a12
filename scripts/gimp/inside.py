"""Runs a Python file inside GIMP for `gimp.py run`: with its own arguments, and with an exit status."""

import json
import os
import sys
import traceback
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio, GLib, GObject  # noqa: E402


def run(file: str, arguments: list[str], scripts: str) -> int:
    """Runs `file` as `__main__`. Returns its exit status: 0, its argument of `sys.exit`, or 1 after a traceback.

    The folder `scripts` comes last on the path, for the parts of our own scripts that run here.
    """
    sys.argv = [file, *arguments]
    sys.path.insert(0, str(Path(file).parent))
    sys.path.append(scripts)
    known = {"Gimp": Gimp, "Gegl": Gegl, "Gio": Gio, "GLib": GLib, "GObject": GObject}
    try:
        code = compile(Path(file).read_bytes(), file, "exec")
        exec(code, {"__name__": "__main__", "__file__": file, **known})
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001  (shows whatever ends the file, as `python3 file` does)
        traceback.print_exc()
        return 1
    return 0


order = json.loads(os.environ.pop("PHOTIO_RUN"))
Gegl.init(None)
if "lines" in order:
    sys.stdout = open(order["lines"], "w", encoding="utf-8", buffering=1)  # noqa: SIM115  (open to the end)
status = run(order["file"], order["arguments"], order["scripts"])
sys.stdout.flush()
sys.stderr.flush()
Path(order["status"]).write_text(str(status))
