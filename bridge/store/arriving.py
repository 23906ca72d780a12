"""Writes an answer to the disk while it arrives, in case this process is killed before it saves the answer.

All received bytes are appended to a file in the job folder at once. The file is removed when the answer is saved. From
a file that is left, `bridge.history.arrivals` makes the answer.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from bridge.regen.validation import spellings
from bridge.store.private_files import open_private

#: The file for crop 1, variation 2 is arriving-1-2.
NAME = re.compile(r"arriving-([0-9]{1,4})-([0-9]{1,2})")

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_log = logging.getLogger(__name__)


class Arriving:
    """One answer's file. Thread-safe. Errors are only logged: they must not stop the answer itself.

    Args:
        path: the file.
        secret: the API key, which is not written: the service may echo it.
    """

    def __init__(self, path: Path, secret: str | None) -> None:
        self._path = path
        self._secrets = spellings(secret)
        self._handle: int | None = None
        self._removed = False
        self._held = b""  # the last bytes, if they may be the beginning of the key
        self._lock = threading.Lock()

    def hide(self, secret: str | None) -> None:
        """Sets the API key, if it was not known before. Call it before `begin`."""
        self._secrets = spellings(secret)

    def begin(self) -> None:
        """Starts a new answer; one that was begun before is dropped."""
        with self._lock:
            self._close()
            self._held = b""
            if not self._removed:
                with self._errors_logged():
                    self._handle = open_private(self._path, _FLAGS)

    def write(self, content: bytes) -> None:
        """Appends received bytes."""
        with self._lock:
            if self._handle is None:
                return
            content = self._held + content
            for secret in self._secrets:
                content = content.replace(secret, b"[key]")
            held = max((_overlap(content, secret) for secret in self._secrets), default=0)
            self._held = content[len(content) - held :]
            with self._errors_logged():
                left = memoryview(content)[: len(content) - held]
                while left:
                    left = left[os.write(self._handle, left) :]

    def remove(self) -> None:
        """Removes the file, for good."""
        with self._lock:
            self._removed = True
            self._close()
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @contextlib.contextmanager
    def _errors_logged(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _log.warning("%s: cannot be written: %s", self._path.name, error)
            self._close()


def _overlap(content: bytes, secret: bytes) -> int:
    """The number of bytes at the end of `content` that may be the beginning of `secret`."""
    longest = min(len(secret) - 1, len(content))
    return next((count for count in range(longest, 0, -1) if content.endswith(secret[:count])), 0)
