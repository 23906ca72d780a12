"""Answers while they arrive: this process may be killed before it saves them.

All received bytes are appended to a file in the job folder at once. The file is removed when the answer is saved. Of a
file that is left, `adopt` makes the answer. Standard library only, unless there is one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.regen.validation import spellings
from bridge.store import locks
from bridge.store.journal import BUSY_FILE, LONGEST_ANSWER_FILE, JobFolder
from bridge.store.private_files import SAFELY, open_private, read_private

#: The file for crop 1, variation 2 is arriving-1-2.
NAME = re.compile(r"arriving-([0-9]{1,4})-([0-9]{1,2})")

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

    def begin(self) -> Callable[[bytes], None]:
        """Starts a new answer; one that was begun before is dropped. What it returns takes the answer's bytes."""
        with self._lock:
            self._close()
            self._held = b""
            if not self._removed:
                with self._errors_logged():
                    self._handle = open_private(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | SAFELY)
        return self.write

    def write(self, content: bytes) -> None:
        """Appends received bytes."""
        with self._lock:
            if self._handle is None:
                return
            content = self._held + content
            for secret in self._secrets:
                content = content.replace(secret, b"[key]")
            beginnings = (secret[:length] for secret in self._secrets for length in range(1, len(secret)))
            held = max((len(beginning) for beginning in beginnings if content.endswith(beginning)), default=0)
            end = len(content) - held
            self._held = content[end:]
            with self._errors_logged():
                left = memoryview(content)[:end]
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


def adopt(folder: Path) -> None:
    """Saves what arrived of answers in a job folder, unless somebody works in it; errors are only logged.

    Raises:
        OSError: the folder cannot be read.
    """
    names = [name for name in os.listdir(folder) if NAME.fullmatch(name)]
    if names and not locks.is_held(folder / BUSY_FILE):
        for name in names:
            _adopt(JobFolder(folder), name)


def _adopt(folder: JobFolder, name: str) -> None:
    """Saves one of them as an answer, and then deletes it."""
    saved = name.replace("arriving", "answer")
    try:
        if not any(file.stem == saved for file in folder.path.glob(f"{saved}.*")):
            content = read_private(folder.file(name), LONGEST_ANSWER_FILE)
            if content:
                folder.save(*_answer(saved, content))
                _log.warning("%s: %s was saved from what had come before its bridge was killed", folder.id, saved)
    except PhotioError as error:
        _log.warning("%s: %s: %s", folder.id, name, error.details)
        return
    with contextlib.suppress(OSError):
        folder.file(name).unlink()


def _answer(name: str, content: bytes) -> tuple[str, bytes]:
    """The name and content of the file to save: the image, or what arrived if that is no image."""
    from bridge.regen.answer import encoded_image
    from bridge.regen.decoding import decode_image, suffix
    from bridge.regen.errors import RegenError
    from bridge.regen.transport import HttpAnswer

    try:
        answer = decode_image(encoded_image(HttpAnswer(200, {}, content), None), None)
    except RegenError:
        return f"{name}.unreadable", content
    return f"{name}.{suffix(answer.media_type)}", answer.encoded
