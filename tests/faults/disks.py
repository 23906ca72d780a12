"""Small disks, full disks, disks that cannot be written to: tmpfs, where root may mount it."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

MEGABYTE = 1 << 20


def mount(folder: Path, megabytes: int = 4) -> None:
    """Makes the folder's content a disk of that size; what was in it is on the disk."""
    content = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(folder))
    for name, data in content.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)


def read_only(folder: Path) -> None:
    """Nothing can be written to the disk any longer."""
    _run("mount", "-o", "remount,ro", str(folder))


def fill(folder: Path, but: int = 0) -> Callable[[], None]:
    """Another program takes all room but so many bytes; call what it returns to have it given back."""
    taken = folder / "somebody-elses"
    handle = os.open(taken, os.O_WRONLY | os.O_CREAT, 0o600)
    while (left := _left(folder) - but) > 0:
        with contextlib.suppress(OSError):  # somebody was faster: then there is less by now
            os.posix_fallocate(handle, os.fstat(handle).st_size, left)
    os.close(handle)
    return taken.unlink


def _left(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def unmount(folder: Path) -> None:
    """Takes the disk away, if there is one."""
    if os.path.ismount(folder):
        _run("umount", "--lazy", str(folder))


@functools.cache
def can_mount() -> bool:
    """Whether this is allowed here."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory(prefix="photio-mount-") as folder:
        try:
            mount(Path(folder), 1)
        except (OSError, subprocess.CalledProcessError):
            return False
        unmount(Path(folder))
    return True


def no_file_above(size: int) -> Callable[[], None]:
    """A process that calls this can write no file beyond `size` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
