"""Locks between processes that share the journal. They end with the process. Standard library only."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.common.deadline import Deadline
from bridge.store.private_files import SAFELY, open_private

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: The longest time to wait for a lock, in seconds. Others hold it for some milliseconds, unless they are suspended.
LONGEST_WAIT = 3.0

_STEP = 0.005  # seconds


class Lock:
    """A file that one process at a time can lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._releasing = threading.Lock()  # closing a handle twice could close another file, which got the same number

    @property
    def handle(self) -> int | None:
        """The open file, while this process has the lock. A program that inherits it keeps the lock, too."""
        return self._handle

    def take(self, longest_wait: float = LONGEST_WAIT) -> bool:
        """Waits for the lock, at most `longest_wait` seconds. Returns whether this process has it now.

        Also False if the file cannot be made or the file system has no locks. The caller decides what to do then.
        """
        left = Deadline(longest_wait, _STEP)
        with contextlib.suppress(OSError):
            self._handle = open_private(self._path, os.O_RDWR | os.O_CREAT | SAFELY)
            while not (taken := _lock(self._handle)) and not left.over:
                left.wait(time.sleep)
            if taken:
                return True
        self.release()
        return False

    def release(self) -> None:
        """Releases the lock, if this process has it."""
        with self._releasing:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None


@contextlib.contextmanager
def alone(path: Path, longest_wait: float = LONGEST_WAIT) -> Iterator[Lock]:
    """Lets only one process at a time run the block, which gets the lock.

    If there are no locks, or a suspended process holds this one, the block runs all the same: it is usually short, and
    a result that was paid for must not wait for ever.
    """
    lock = Lock(path)
    lock.take(longest_wait)
    try:
        yield lock
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether another `Lock` has locked this file, in any process."""
    return _could_lock(path, shared=True) is False  # shared: two callers must not take each other for the holder


def share(path: Path) -> None:
    """Locks a file for sharing until this process ends; until then `nobody_shares` is False.

    It has no effect if the file is missing or the file system has no locks.
    """
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | SAFELY)  # never closed
        if sys.platform != "win32":  # there, an open file is enough: neither it nor its folder can be renamed
            _lock(handle, shared=True)


def nobody_shares(path: Path) -> bool:
    """Whether certainly no process shares the file. False if the file system has no locks.

    On Windows always True: there the caller's attempt to rename the folder fails instead.
    """
    return sys.platform == "win32" or _could_lock(path, shared=False) is True


def _could_lock(path: Path, shared: bool) -> bool | None:
    """Whether the file can be locked; None if it is missing or the file system has no locks."""
    try:
        handle = os.open(path, os.O_RDWR | SAFELY)
        try:
            return _lock(handle, shared)
        finally:
            os.close(handle)
    except OSError:
        return None


def _lock(handle: int, shared: bool = False) -> bool:
    """Locks an open file at once. Returns whether that succeeded: not if another process has locked it.

    Raises:
        OSError: it cannot be locked at all.
    """
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
