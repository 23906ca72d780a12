"""Finds the environment with the bridge's packages that belongs to this GIMP. `bridge.setup` builds it.

An environment is at `<data directory>/photio/environments/<name>`. The name has three parts: which packages (a checksum
of the lock file; loading `hashlib` would take 5 ms), what it runs in (native, Flatpak, Snap, AppImage) and the
interpreter of GIMP's plug-ins. So one plug-in folder serves several GIMPs, and nothing in it is an absolute path.

Standard library only, valid on Python 3.10, and quick to import.
"""

from __future__ import annotations

import os
import sys
import zlib

from bridge.common import systems

#: A file in each environment that is complete and was proved to work. A bridge that runs in it locks this file for
#: sharing; see `bridge.__main__`.
MARKER = ".photio-complete"
RELEASES = ((3, 11), (3, 14))  # the first and the last Python release that the locked packages have wheels for
#: By whether MI-GAN's packages are among them.
LOCKS = {True: "requirements-neural.lock", False: "requirements.lock"}


def directory() -> str:
    """The folder of all environments of this user, here."""
    return os.path.join(systems.user_directory("data"), "photio", "environments")


def packages(lock: str) -> str:
    """The first part of an environment's name, from the content of its lock file. Raises `OSError`."""
    with open(lock, "rb") as stream:
        return f"{zlib.crc32(stream.read()):08x}"


def folder(bridge: str, neural: bool) -> str:
    """The folder of the environment for this interpreter and what it runs in, whether it exists or not.

    Args:
        bridge: the plug-in's folder `bridge`, which has the lock files.
        neural: with the packages that MI-GAN needs.

    Raises:
        OSError: the lock file cannot be read.
    """
    kind = systems.sandbox()
    # An AppImage is mounted at another path each time, and brings the same interpreter.
    program = "" if kind == "appimage" else os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    machine = os.uname().machine if hasattr(os, "uname") else ""
    interpreter = f"{program} {sys.version_info[:2]} {machine}"
    last = zlib.crc32(interpreter.encode(errors="surrogateescape"))
    return os.path.join(directory(), f"{packages(os.path.join(bridge, LOCKS[neural]))}-{kind}-{last:08x}")


def usable(environment: str) -> bool:
    """Whether an environment is complete and its interpreter is still there."""
    return os.path.exists(os.path.join(environment, MARKER)) and os.path.exists(systems.environment_python(environment))


def find(bridge: str) -> str | None:
    """The folder of an environment that the bridge can run in; one with MI-GAN's packages first. None: there is none.

    Raises:
        OSError: a lock file cannot be read.
    """
    return next(filter(usable, (folder(bridge, neural) for neural in LOCKS)), None)


def command(environment: str, bridge: str, *arguments: str) -> list[str]:
    """The command line that starts the bridge with these arguments.

    Bytecode goes into the environment: the plug-in's folder stays as it is, and nothing is compiled twice.
    """
    bytecode = os.path.join(environment, "bytecode")
    return [systems.environment_python(environment), "-I", "-X", f"pycache_prefix={bytecode}", bridge, *arguments]
