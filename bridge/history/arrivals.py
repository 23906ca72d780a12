"""Saves answers that had arrived, but were not yet saved, when their bridge was killed.

Standard library only, unless there is one.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.store import arriving, locks
from bridge.store.journal import BUSY_FILE, JobFolder
from bridge.store.private_files import read_private

#: More than `bridge.regen.transport.LONGEST_ANSWER`, in bytes.
_LONGEST = 1 << 27

_log = logging.getLogger(__name__)


def adopt(folder: Path) -> bool:
    """Saves what arrived of answers in a job folder in which nobody works.

    Returns:
        Whether something is still unsaved: somebody works in the folder, or it cannot be saved now.
    """
    try:
        names = [name for name in os.listdir(folder) if arriving.NAME.fullmatch(name)]
        if names and locks.is_held(folder / BUSY_FILE):
            return True
        return not all([_adopted(folder, name) for name in names])
    except OSError:
        return False


def _adopted(folder: Path, name: str) -> bool:
    """Saves one of them as an answer, and then deletes it; whether that worked."""
    saved = name.replace("arriving", "answer")
    try:
        if not any(file.stem == saved for file in folder.glob(f"{saved}.*")):
            content = read_private(folder / name, _LONGEST)
            if content:
                JobFolder(folder).save(*_answer(saved, content))
                _log.warning("%s: %s was saved from what had come before its bridge was killed", folder.name, saved)
    except PhotioError as error:
        _log.warning("%s: %s: %s", folder.name, name, error.details)
        return False
    with contextlib.suppress(OSError):
        os.unlink(folder / name)
    return True


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
