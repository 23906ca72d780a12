"""Keeps memory out of core dumps, because it holds the API key.

The plug-in imports this too: standard library only, valid on Python 3.10.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

_LINUX_FILTER = Path("/proc/self/coredump_filter")


def forbid() -> None:
    """Keep the memory of this process, and of processes it starts later, out of core dumps. No effect on Windows.

    The size limit covers systems that write cores to files. Linux ignores it when it pipes cores to a program
    (core(5); systemd-coredump enforces it itself), so the filter also excludes all memory from the core.
    An undumpable process (prctl(2)) would hide /proc/PID from its own user. Password managers read that to
    identify the program that asks for the key.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # a debugging user can raise it again: prlimit(1)
    with contextlib.suppress(OSError):  # not Linux, or a kernel without core dumps
        _LINUX_FILTER.write_text("0")
