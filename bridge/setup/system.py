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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge.common import systems
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store.locks import Lock, alone

_STEP = 0.1  # seconds between two looks at a program that runs
#: The locks that a program gets which `run` starts: if this process is killed, the program may go on for a while.
_held: list[Lock] = []


class SetupError(PhotioError):
    """The set-up cannot go on; the sentence says what to do.

    `code` is "network", "proxy", "disk", "permission" or "setup".
    """

    code = "setup"


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


def last_lines(*said: str) -> str:
    """The last eight lines of what a program said."""
    return "\n".join("\n".join(said).strip().splitlines()[-8:])


def failed_to_fetch(said: str) -> SetupError:
    """The error for what a program said that could not fetch something."""
    lines, details = said.splitlines(), last_lines(said)
    for text, number in _STORING.items():
        if found := next((line for line in lines if text in line), None):
            error = failed_to_store(OSError(number, found.strip().removeprefix("cause: ")))
            return SetupError(error.sentence, details, error.code)
    if re.search("[Hh]ash mismatch|MATCH THE HASHES|is another hash", said):
        sentence = _("What was fetched is not what Photio knows, so it was not kept: check the mirror, then try again.")
        return SetupError(sentence, details)
    if re.search("tunnel error|Tunnel connection failed|ProxyError|407:? Proxy Auth", said):
        sentence = _("The proxy did not let Photio fetch its packages: check HTTPS_PROXY or the desktop's settings.")
        return SetupError(sentence, details, "proxy")
    if "in the provided package locations" in said:
        return SetupError(_("The folder in PHOTIO_WHEELS lacks a package: add it, then try again."), details)
    if re.search(r"onnxruntime\S* has no wheels", said):
        sentence = _("MI-GAN is not available for this computer: go on with PatchMatch, which works here.")
        return SetupError(sentence, details)
    if "No interpreter found" in said:
        return SetupError(_("There is no Python 3.11 to 3.14 here: install one, then try again."), details)
    sentence = _("Photio's packages could not be fetched: check the internet connection, then try again.")
    return SetupError(sentence, details, "network")


def run(
    command: Sequence[str],
    seconds: float = 60.0,
    variables: Mapping[str, str] | None = None,
    look: Callable[[], None] = lambda: None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, without the variables of another Python. It fails with status 127 if it cannot run.

    Args:
        variables: more environment variables.
        look: called again and again while the program runs. If it raises anything, the program is killed.
    """
    go_on = _hold_interrupts()
    try:
        program = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=systems.without_foreign() | dict(variables or {}),
            creationflags=systems.no_window(),
            pass_fds=() if sys.platform == "win32" else [lock.handle for lock in _held if lock.handle is not None],
        )
    except OSError as error:
        go_on()
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: {error.strerror}")
    with program:
        try:
            go_on()
            left = seconds
            while left > 0:
                look()
                with suppress(subprocess.TimeoutExpired):
                    said = program.communicate(timeout=_STEP)
                    return subprocess.CompletedProcess(command, program.returncode, *said)
                left -= _STEP  # counted in steps: a computer that sleeps meanwhile is not late
            late = f"{command[0]} did not end within {seconds:.0f} seconds"
            return subprocess.CompletedProcess(command, 127, "", late)
        finally:
            program.kill()  # which does nothing if it has ended


def _hold_interrupts() -> Callable[[], None]:
    """Lets Ctrl-C wait until what is returned is called: it would lose a program that is just being started."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))

    def go_on() -> None:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if came:
            raise KeyboardInterrupt

    return go_on


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
    with alone(path, math.inf) as lock:
        _held.append(lock)
        try:
            yield
        finally:
            _held.pop()
