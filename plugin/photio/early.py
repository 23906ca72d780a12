"""Starts the bridge before GIMP's libraries are loaded: both take a while, and this way at the same time.

Standard library only, and little of that.
"""

from __future__ import annotations

import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))

#: What AppImage, Flatpak, Windows and macOS builds of GIMP set for their own interpreter and libraries.
FOREIGN_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
    "GI_TYPELIB_PATH",
)

#: Pictures come and go: with glibc's own settings each takes fresh memory from the system, and gives it back. Elsewhere
#: nobody reads these.
KEEPING_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_ARENA_MAX": "1"}

_started: list[subprocess.Popen[bytes]] = []


def command() -> list[str]:
    """How to start the bridge, as `install.py` wrote it down.

    Raises:
        OSError, ValueError, KeyError, TypeError, RecursionError: it did not, or not completely.
    """
    with open(os.path.join(HERE, "install.json"), encoding="utf-8") as record:
        installed = json.load(record)
    found = [installed["python"], *installed["isolated"], installed["bridge"], "service"]
    if not all(isinstance(part, str) for part in found):
        raise TypeError("not a command")
    return found


def start(arguments: list[str]) -> None:
    """Starts a bridge for the procedure that GIMP is about to run; what goes wrong is told by whoever needs it.

    Args:
        arguments: the plug-in's; GIMP also starts it only to ask what it offers.
    """
    if "-run" not in arguments or os.name != "posix":
        return
    clean = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    clean = {**clean, **KEEPING_MEMORY}
    try:
        _started.append(subprocess.Popen(command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return


def taken() -> subprocess.Popen[bytes] | None:
    """The bridge that was started, for the first who asks."""
    return _started.pop() if _started else None
