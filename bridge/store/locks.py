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
from bridge.store.private_files import open_private

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

#: The longest time to wait for a lock, in seconds. Others hold it for some milliseconds, unless they are suspended.
LONGEST_WAIT = 3.0

_STEP = 0.005  # seconds

#: Handles of open files. Their locks end with this process.
_shared: list[int] = []


class Lock:
    """A file that one process at a time can lock."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._releasing = threading.Lock()  # closing a handle twice could close another file, which got the same number

    def take(self, longest_wait: float = LONGEST_WAIT) -> bool:
        """Waits for the lock, at most `longest_wait` seconds. Returns whether this process has it now.

        Also False if the file cannot be made or the file system has no locks. The caller decides what to do then.
        """
        left = Deadline(longest_wait, _STEP)
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
        """Releases the lock, if this process has it."""
        with self._releasing:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Lets only one process at a time run the block.

    If there are no locks, or a suspended process holds this one, the block runs all the same: it is short, and a result
    that was paid for must not wait for ever.
    """
    lock = Lock(path)
    lock.take()
    try:
        yield
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether another `Lock` has locked this file, in any process."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        _lock(handle, shared=True)  # so that two callers do not take each other for the holder
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def share(path: Path) -> bool:
    """Locks a file for sharing until this process ends; until then `nobody_shares` is False.

    Returns whether that succeeded. It fails if the file is missing or the file system has no locks.
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
    """Whether certainly no process shares the file. False if the file system has no locks.

    On Windows always True: there the caller's attempt to rename the folder fails instead.
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
        BlockingIOError, PermissionError: another process has locked it.
        OSError: it cannot be locked.
    """
    if sys.platform == "win32":
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
