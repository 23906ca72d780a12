"""Job folders: what was asked, what was sent and what came back, as files that outlive every process here.

<journal>/20261123-104501-3fa9c1/
    request.json          the job, its plan and what became of it; no key; there as soon as something may be sent
    selection.pgm         the selection
    base-1.pnm            a crop as it left GIMP
    sent-1.png            … and as the service got it
    mask-1.png            the mask that went with it
    answer-1-2.png        the answer for crop 1, variation 2, byte for byte
    result-1-2-1.pnm      what GIMP places: crop 1, variation 2, area 1
    layer-mask-1.pgm      … and through which mask
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from bridge.errors import PhotioError
from bridge.private_files import read_private, write_private
from bridge.words import _

FORMAT = 1
RECORD_FILE = "request.json"

_LONGEST_RECORD = 1 << 20  # bytes
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


class JournalError(PhotioError):
    """A job folder could not be made, or is gone."""

    code = "journal"


class JobFolder:
    """One job's folder and its `request.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._discarded = False

    @classmethod
    def create(cls, journal: Path) -> JobFolder:
        """A new folder in `journal`, only for this user's eyes.

        Raises:
            JournalError: it could not be made.
        """
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        try:
            journal.mkdir(parents=True, exist_ok=True, mode=0o700)
            (journal / name).mkdir(mode=0o700)
        except OSError as error:
            raise JournalError(
                _("Photio cannot write to {folder} ({reason}): make it writable, then try again.").format(
                    folder=journal, reason=error.strerror
                ),
                repr(error),
            ) from error
        return cls(journal / name)

    @classmethod
    def existing(cls, journal: Path, name: str) -> JobFolder:
        """The folder of a job that was begun before.

        Raises:
            JournalError: there is none of that name.
        """
        if not _NAME.fullmatch(name) or not (journal / name).is_dir() or (journal / name).is_symlink():
            raise JournalError(_("This result is no longer in the history."), repr(name[:100]))
        return cls(journal / name)

    @property
    def id(self) -> str:
        """The folder's name: unique, and sorts by time."""
        return self.path.name

    def file(self, name: str) -> Path:
        """Where the file of that name is."""
        return self.path / name

    def save(self, name: str, data: bytes) -> None:
        """Saves a file so that it is either whole and on the disk, or not there: also after a power cut.

        Raises:
            StorageError: the disk is full, the folder is gone or must not be written to.
        """
        with self._lock:
            if not self._discarded:
                write_private(self.file(name), data)

    def record(self) -> dict[str, Any]:
        """What `request.json` says; empty when it says nothing that can be understood.

        Raises:
            StorageError: it cannot be read.
        """
        content = read_private(self.file(RECORD_FILE), _LONGEST_RECORD)
        try:
            found = json.loads(content) if content else {}
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, **facts: Any) -> None:
        """Adds facts (anything that JSON knows) to `request.json`, whoever wrote it last.

        Raises:
            StorageError: as `save`.
        """
        record = {"format": FORMAT, **self.record(), **facts}
        self.save(RECORD_FILE, json.dumps(record, indent=2, ensure_ascii=False).encode())

    def note_placed(self, variations: tuple[int, ...]) -> None:
        """Remembers that these variations are in an image.

        Raises:
            StorageError: as `save`.
        """
        before = self.record().get("placed")
        placed = before if isinstance(before, dict) else {}
        self.note(state="placed", placed={**placed, **{str(number): time.time() for number in variations}})

    def discard_if_unanswered(self) -> None:
        """Removes the folder when nothing was received: then nothing is lost."""
        with self._lock:  # what another thread still writes must not make the folder anew
            if not any(self.path.glob("answer-*")):
                self._discarded = True
                shutil.rmtree(self.path, ignore_errors=True)
