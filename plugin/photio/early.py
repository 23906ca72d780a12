"""Starts the bridge before GIMP's libraries are loaded, so that both load at the same time.

Imports little, and only from the standard library.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

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

#: glibc settings: memory of freed pictures is reused. By default, glibc would return it to the system and request it
#: again for each picture. Other C libraries ignore these.
KEEPING_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_ARENA_MAX": "1"}

_started: list[subprocess.Popen[bytes]] = []


def command() -> list[str]:
    """The command that starts the bridge, from `install.json`, which `install.py` wrote.

    Raises:
        OSError, ValueError, KeyError, TypeError, RecursionError: the file is missing or damaged.
    """
    with open(os.path.join(HERE, "install.json"), encoding="utf-8") as record:
        installed = json.load(record)
    found = [installed["python"], *installed["isolated"], installed["bridge"], "service"]
    if not all(isinstance(part, str) for part in found):
        raise TypeError("not a command")
    return found


def setup_command(neural: bool) -> list[str]:
    """The command that sets up the environment."""
    more = ["--neural"] if neural else []
    return [sys.executable, "-I", "-B", os.path.join(HERE, "bridge"), "setup", *more]


def start(arguments: list[str]) -> None:
    """Starts a bridge for the procedure that GIMP is about to run. Errors are ignored here: `Bridge` reports them.

    Args:
        arguments: of the plug-in. GIMP also starts it only to query its procedures; then no bridge is started.
    """
    if "-run" not in arguments or os.name != "posix":
        return
    clean = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    clean = {**clean, **KEEPING_MEMORY}
    try:
        _started.append(subprocess.Popen(command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return


def take() -> subprocess.Popen[bytes] | None:
    """The bridge that `start` started. Only the first call gets it."""
    return _started.pop() if _started else None
