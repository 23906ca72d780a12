"""An answer's content on the disk while it comes, for the case that nobody lives to save the answer.

What is in memory only, a killed process takes with it. So what the network gave is first of all appended to a file of
the job folder, which goes when the answer is saved; `bridge.history.arrivals` makes an answer of one that was left.
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
    """One answer's file. Never in the way: what cannot be written is not kept, and the log says so. Thread-safe.

    Args:
        path: the file.
        secret: the API key; the service may echo it, and it must not be on the disk.
    """

    def __init__(self, path: Path, secret: str | None) -> None:
        self._path = path
        self._secrets = spellings(secret)
        self._handle: int | None = None
        self._over = False
        self._held = b""  # the end of what came, as long as it may be the beginning of the key
        self._lock = threading.Lock()

    def begin(self) -> None:
        """An answer begins; what came of an earlier one is forgotten."""
        with self._lock:
            self._close()
            self._held = b""
            if not self._over:
                with self._unkept():
                    self._handle = open_private(self._path, _FLAGS)

    def write(self, content: bytes) -> None:
        """Appends what came next."""
        with self._lock:
            if self._handle is None:
                return
            content = self._held + content
            for secret in self._secrets:
                content = content.replace(secret, b"[key]")
            held = max((_overlap(content, secret) for secret in self._secrets), default=0)
            self._held = content[len(content) - held :]
            with self._unkept():
                rest = memoryview(content)[: len(content) - held]
                while rest:
                    rest = rest[os.write(self._handle, rest) :]

    def remove(self) -> None:
        """It is no longer needed."""
        with self._lock:
            self._over = True
            self._close()
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @contextlib.contextmanager
    def _unkept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _log.warning("%s: what comes is not kept: %s", self._path.name, error)
            self._close()


def _overlap(content: bytes, secret: bytes) -> int:
    """How many bytes at the end of `content` may be the beginning of `secret`."""
    longest = min(len(secret) - 1, len(content))
    return next((count for count in range(longest, 0, -1) if content.endswith(secret[:count])), 0)
