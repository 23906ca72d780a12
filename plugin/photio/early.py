"""Starts the bridge before GIMP's libraries are loaded, so that both load at the same time.

Imports little, and nothing but the standard library and what `bridge.common` knows of environments.
"""

from __future__ import annotations

import os
import subprocess
import sys

from bridge.common import environments, systems

BRIDGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bridge")

#: glibc settings: memory of freed pictures is reused. By default, glibc would return it to the system and request it
#: again for each picture. Other C libraries ignore these.
KEEPING_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_ARENA_MAX": "1"}


class NotSetUp(Exception):
    """There is no environment that the bridge could run in."""


_started: list[subprocess.Popen[bytes]] = []


def command() -> list[str]:
    """The command that starts the bridge.

    Raises:
        NotSetUp: this GIMP has no environment for it yet.
    """
    try:
        found = environments.find(BRIDGE)
    except OSError as error:  # a damaged plug-in folder
        raise NotSetUp(str(error)) from error
    if found is None:
        raise NotSetUp(BRIDGE)
    return environments.command(found, BRIDGE, "service")


def setup_command(neural: bool) -> list[str]:
    """The command that makes the environment; with `neural`, it adds MI-GAN. See `bridge.setup.process`."""
    return [sys.executable, "-I", "-B", BRIDGE, "setup", *(["--neural"] if neural else [])]


def start(arguments: list[str]) -> None:
    """Starts a bridge for the procedure that GIMP is about to run. Errors are ignored here: `Bridge` reports them.

    Args:
        arguments: of the plug-in. GIMP also starts it only to query its procedures; then no bridge is started.
    """
    if "-run" not in arguments or os.name != "posix":
        return
    clean = {**systems.without_foreign(), **KEEPING_MEMORY}
    try:
        _started.append(subprocess.Popen(command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean))
    except (OSError, NotSetUp):
        return


def take() -> subprocess.Popen[bytes] | None:
    """The bridge that `start` started. Only the first call gets it."""
    return _started.pop() if _started else None
