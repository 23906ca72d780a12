"""Locks between processes that share the journal. They end with the process that holds them. Standard library only."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.common.deadline import Deadline
from bridge.store.private_files import open_private

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

#: So long, in seconds, others are waited for; they hold a lock for some milliseconds, unless they are stopped.
PATIENCE = 3.0

_STEP = 0.005  # seconds

#: Open files; they close, and their locks end, with this process.
_shared: list[int] = []


class Lock:
    """A file that one process at a time can hold, as long as it lives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._releasing = threading.Lock()  # closed twice, a number could be somebody else's file by then

    def take(self, patience: float = PATIENCE) -> bool:
        """Whether it is ours now, after at most `patience` seconds.

        False also where it cannot be made or the file system has no locks: whoever may not go on then, must say so.
        """
        left = Deadline(patience, _STEP)
        with contextlib.suppress(OSError):
            self._handle = open_private(self._path, _FLAGS | os.O_CREAT)
        while self._handle is not None:
            try:
                _lock(self._handle)
                return True
            except (BlockingIOError, PermissionError):
                if not left.over:
                    left.wait(time.sleep)
                    continue
                self.release()
            except OSError:
                self.release()
        return False

    def release(self) -> None:
        """Lets others have it; nothing happens when it is not ours."""
        with self._releasing:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Only one process at a time gets past here.

    Where there are no locks, or a stopped process keeps one, it goes on without: what follows is short, and a result
    that was paid for must not wait for ever.
    """
    lock = Lock(path)
    lock.take()
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether another `Lock` has this file now, in whichever process."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        _lock(handle, shared=True)  # so that two who ask do not take each other for the holder
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def share(path: Path) -> bool:
    """Shares a file with others until this process ends: as long, `nobody_shares` is not true.

    Returns whether it is shared now. It is not when the file is missing, or when the file system has no locks.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        return False
    try:
        if sys.platform != "win32":  # there, an open file is enough: neither it nor its folder can be renamed
            _lock(handle, shared=True)
    except OSError:
        os.close(handle)
        return False
    _shared.append(handle)
    return True


def nobody_shares(path: Path) -> bool:
    """Whether surely no process shares that file; False where the file system has no locks.

    On Windows always True: renaming the file's folder tells there.
    """
    if sys.platform == "win32":
        return True
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        _lock(handle)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _lock(handle: int, shared: bool = False) -> None:
    """Locks an open file at once.

    Raises:
        BlockingIOError, PermissionError: somebody else has it.
        OSError: it cannot be locked.
    """
    if sys.platform == "win32":
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
