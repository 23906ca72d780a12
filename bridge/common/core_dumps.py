"""What a crash of ours may leave on the disk: no memory, for the key is in it.

Both sides import it, as `bridge.protocol` and `i18n`: standard library only, valid on Python 3.10.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

_LINUX_FILTER = Path("/proc/self/coredump_filter")


def forbid() -> None:
    """From here on, a crash of this process or of one that it starts writes no memory to the disk. Not on Windows.

    The limit does it where cores are files. Linux does not keep to it where they go to a program (core(5);
    systemd-coredump does by itself), so that program gets a core without any memory: the state of the processor alone.
    Making the process undumpable (prctl(2)) would also hide /proc/PID from its own user, and password managers look
    there to tell who wants the key.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (0, hard))  # whoever looks for a fault may lift it: prlimit(1)
    with contextlib.suppress(OSError):  # another system, or a Linux that makes no cores at all
        _LINUX_FILTER.write_text("0")
