"""Job folders: what was asked, what was sent and what came back, as files that outlive every process here.

<journal>/20261123-104501-3fa9c1/
    request.json          the job, its plan and what became of it; no key
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
import secrets
import shutil
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bridge.errors import PhotioError
from bridge.private_files import write_private
from bridge.protocol import Job

FORMAT = 1


class JournalError(PhotioError):
    """A job folder could not be made."""

    code = "journal"


class JobFolder:
    """One job's folder and its `request.json`."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self._record = record
        self._lock = threading.Lock()
        self._discarded = False

    @classmethod
    def create(cls, journal: Path, job: Job) -> JobFolder:
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
                f"Photio cannot write to {journal} ({error.strerror}): make it writable, then try again.", repr(error)
            ) from error
        folder = cls(journal / name, {"format": FORMAT, "started": time.time(), "job": asdict(job)})
        folder.note(state="open")
        return folder

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

    def note(self, **facts: Any) -> None:
        """Adds facts to `request.json` (anything that JSON knows)."""
        self._record = {**self._record, **facts}
        self.save("request.json", json.dumps(self._record, indent=2, ensure_ascii=False).encode())

    def discard_if_unanswered(self) -> None:
        """Removes the folder when nothing was received: then nothing is lost."""
        with self._lock:  # what another thread still writes must not make the folder anew
            if not any(self.path.glob("answer-*")):
                self._discarded = True
                shutil.rmtree(self.path, ignore_errors=True)
