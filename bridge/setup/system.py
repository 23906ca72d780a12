"""Small things that installing needs from the operating system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.common.errors import PhotioError

_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV")


class SetupError(PhotioError):
    """Installing cannot go on; the sentence says what to do."""

    code = "setup"


@dataclass(frozen=True)
class Outcome:
    """What a program answered: exit status (127 when it cannot be run), and what it wrote."""

    status: int
    output: str
    errors: str

    def last_lines(self, count: int = 8) -> str:
        lines = (self.output + "\n" + self.errors).strip().splitlines()
        return "\n".join(lines[-count:])


def run(command: Sequence[str], seconds: float = 60.0) -> Outcome:
    """Run a program to its end, and never raise for what it does."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        return Outcome(127, "", f"{command[0]} did not end within {seconds:.0f} seconds")
    except OSError as error:
        return Outcome(127, "", f"{command[0]}: {error.strerror}")
    return Outcome(done.returncode, done.stdout, done.stderr)


def _environment() -> dict[str, str]:
    # A user's pip.conf may say "user = true", which pip refuses inside a virtual environment. The bridge's own
    # checks become rows of the installer's table, which is in English.
    cleaned = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    return {**cleaned, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "LANGUAGE": "en"}


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder, if it is there; links are never followed."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold the lock file; a second installer waits. A killed one's lock is free again."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+b") as stream:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
