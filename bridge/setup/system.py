"""Helpers of the set-up: programs, files and a lock."""

from __future__ import annotations

import errno
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bridge.common import systems
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store.locks import Lock, alone

#: A line in which uv, pip or urllib says that the disk is at fault, without uv's first word, and whether it is full.
_DISK = r"(?m)^\s*(?:cause: )?(.*(?:(No space left|quota exceeded)|Read-only file system|Permission denied).*)"
_STEP = 0.1  # seconds between two looks at a program that runs
#: The locks that a program gets which `run` starts: if this process is killed, the program may go on for a while.
#: A lock that was released has no handle.
_taken: list[Lock] = []
#: Held while `run` starts a program. Whoever interrupts this process takes it first, so that no program is lost.
starting = threading.Lock()


class SetupError(PhotioError):
    """The set-up cannot go on; the sentence says what to do.

    `code` is "network", "proxy", "disk", "permission" or "setup".
    """

    code = "setup"


def failed_to_store(error: OSError, details: str = "") -> SetupError:
    """The error for a file that could not be written."""
    reason = ": ".join(filter(None, (error.filename, error.strerror or str(error))))
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SetupError(_("The disk is full: free some space, then try again."), details or reason, "disk")
    sentence = _("Photio's folder cannot be written to (“{reason}”): correct that, then try again.")
    return SetupError(sentence.format(reason=reason), details or reason, "permission")


def last_lines(*said: str) -> str:
    """The last eight lines of what a program said."""
    return "\n".join("\n".join(said).strip().splitlines()[-8:])


def failed_to_fetch(said: str) -> SetupError:
    """The error for what a program said that could not fetch something."""
    details = last_lines(said)
    if found := re.search(_DISK, said):
        return failed_to_store(OSError(errno.ENOSPC if found[2] else errno.EACCES, found[1]), details)
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
    kept = [lock.handle for lock in _taken if lock.handle is not None]
    with ExitStack() as at_the_end:
        try:
            with starting:
                program = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    encoding="utf-8",
                    errors="replace",
                    env=systems.without_foreign() | dict(variables or {}),
                    creationflags=systems.no_window(),
                    pass_fds=() if sys.platform == "win32" else kept,
                )
                at_the_end.enter_context(program)
                at_the_end.callback(program.kill)  # which does nothing if it has ended
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: {error.strerror}")
        left = seconds
        while left > 0:
            look()
            with suppress(subprocess.TimeoutExpired):
                said = program.communicate(timeout=_STEP)
                return subprocess.CompletedProcess(command, program.returncode, *said)
            left -= _STEP  # counted in steps: a computer that sleeps meanwhile is not late
        late = f"{command[0]} did not end within {seconds:.0f} seconds"
        return subprocess.CompletedProcess(command, 127, "", late)


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
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
        _taken.append(lock)
        yield
