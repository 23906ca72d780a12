"""Helpers of the installer: programs, files and a lock."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.store.locks import Lock

_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV")


class SetupError(PhotioError):
    """The installer cannot go on; the sentence says what to do."""

    code = "setup"


@dataclass(frozen=True)
class Outcome:
    """A program's exit status (127 if it cannot be run), standard output and standard error."""

    status: int
    output: str
    errors: str

    def last_lines(self, count: int = 8) -> str:
        lines = (self.output + "\n" + self.errors).strip().splitlines()
        return "\n".join(lines[-count:])


def run(command: Sequence[str], seconds: float = 60.0) -> Outcome:
    """Runs a program to its end, without the variables of another Python. All failures are in the `Outcome`."""
    # A user's pip.conf may contain "user = true", which pip refuses in a virtual environment. English, because the
    # bridge's checks become rows of the installer's table.
    own = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "LANGUAGE": "en"}
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            env={name: value for name, value in os.environ.items() if name not in _FOREIGN} | own,
        )
    except subprocess.TimeoutExpired:
        return Outcome(127, "", f"{command[0]} did not end within {seconds:.0f} seconds")
    except OSError as error:
        return Outcome(127, "", f"{command[0]}: {error.strerror}")
    return Outcome(done.returncode, done.stdout, done.stderr)


def remove(path: Path) -> None:
    """Removes a file, a link or a folder with its content, if it exists. Links are not followed."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def remove_if_empty(*folders: Path) -> None:
    """Removes those of the folders that exist and are empty, one after the other. Links are left alone."""
    for folder in folders:
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Locks the file, so that a second installer waits. The lock ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = Lock(path)
    lock.take(math.inf)
    try:
        yield
    finally:
        lock.release()
