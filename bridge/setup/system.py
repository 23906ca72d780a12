"""Helpers of the set-up: programs, files and a lock."""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bridge.common import systems
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store.locks import Lock

_STEP = 0.1  # seconds between two looks at a program that runs
#: The locks that a program gets which `run` starts: if this process is killed, the program may go on for a while.
_held: list[int] = []


class SetupError(PhotioError):
    """The set-up cannot go on; the sentence says what to do.

    `code` is "network", "proxy", "disk", "permission" or "setup".
    """

    code = "setup"

    def __init__(self, sentence: str, details: str = "", code: str = "setup") -> None:
        super().__init__(sentence, details)
        self.code = code


def failed_to_store(error: OSError) -> SetupError:
    """The error for a file that could not be written."""
    details = ": ".join(filter(None, (error.filename, error.strerror or str(error))))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError(_("The disk is full: free some space, then try again."), details, "disk")
    sentence = _("Photio's folder cannot be written to (“{reason}”): correct that, then try again.")
    return SetupError(sentence.format(reason=details), details, "permission")


#: What uv, pip and urllib say when the disk is at fault, and the error's number.
_STORING = {
    "No space left": errno.ENOSPC,
    "quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "Permission denied": errno.EACCES,
}
_PROXY = re.compile("tunnel error|Tunnel connection failed|ProxyError|407:? Proxy Auth")
_HASH = re.compile("hash mismatch|match the hashes|is another hash", re.IGNORECASE)


def failed_to_fetch(said: str) -> SetupError:
    """The error for what a program said that could not fetch something."""
    lines = said.strip().splitlines()
    details = "\n".join(lines[-8:])
    for text, number in _STORING.items():
        if found := next((line for line in lines if text in line), None):
            error = failed_to_store(OSError(number, found.strip().removeprefix("cause: ")))
            return SetupError(error.sentence, details, error.code)
    if _HASH.search(said):
        sentence = _("What was fetched is not what Photio knows, so it was not kept: check the mirror, then try again.")
        return SetupError(sentence, details)
    if _PROXY.search(said):
        sentence = _("The proxy did not let Photio fetch its packages: check HTTPS_PROXY or the desktop's settings.")
        return SetupError(sentence, details, "proxy")
    if "in the provided package locations" in said:
        return SetupError(_("The folder in PHOTIO_WHEELS lacks a package: add it, then try again."), details)
    if "No interpreter found" in said:
        return SetupError(_("There is no Python 3.11 to 3.14 here: install one, then try again."), details)
    sentence = _("Photio's packages could not be fetched: check the internet connection, then try again.")
    return SetupError(sentence, details, "network")


@dataclass(frozen=True)
class Outcome:
    """A program's exit status (127 if it cannot be run), standard output and standard error."""

    status: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        return self.output + "\n" + self.errors

    def last_lines(self, count: int = 8) -> str:
        lines = self.said.strip().splitlines()
        return "\n".join(lines[-count:])


def run(
    command: Sequence[str],
    seconds: float = 60.0,
    variables: Mapping[str, str] | None = None,
    look: Callable[[], None] = lambda: None,
) -> Outcome:
    """Runs a program to its end, without the variables of another Python. All failures are in the `Outcome`.

    Args:
        variables: more environment variables.
        look: called again and again while the program runs. If it raises anything, the program is killed.
    """
    left = seconds
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        go_on = _hold_interrupts()
        try:
            program = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=systems.without_foreign() | dict(variables or {}),
                creationflags=systems.no_window(),
                pass_fds=() if sys.platform == "win32" else tuple(_held),
            )
        except OSError as error:
            go_on()
            return Outcome(127, "", f"{command[0]}: {error.strerror}")
        try:
            go_on()
            while program.poll() is None and left > 0:
                look()
                try:
                    program.wait(_STEP)
                except subprocess.TimeoutExpired:
                    left -= _STEP  # counted in steps: a computer that sleeps meanwhile is not late
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()
        if left <= 0:
            return Outcome(127, "", f"{command[0]} did not end within {seconds:.0f} seconds")
        return Outcome(program.returncode, *(_text(stream) for stream in (output, errors)))


def _hold_interrupts() -> Callable[[], None]:
    """Lets Ctrl-C wait until what is returned is called: it would lose a program that is just being started."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))

    def go_on() -> None:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if came:
            raise KeyboardInterrupt

    return go_on


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace").replace("\r\n", "\n")


def size(folder: Path) -> int:
    """The bytes of all files in a folder that may change meanwhile."""
    total = 0
    for place, _folders, files in os.walk(folder):
        for name in files:
            with suppress(OSError):  # gone meanwhile
                total += os.lstat(os.path.join(place, name)).st_size
    return total


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
    """Locks the file, so that a second set-up waits. The lock ends with the process and all that `run` started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = Lock(path)
    lock.take(math.inf)
    before = list(_held)
    _held.extend([] if lock.handle is None else [lock.handle])
    try:
        yield
    finally:
        _held[:] = before
        lock.release()
