"""Job folders: a job's parameters, what was sent and what was received, as files.

<journal>/20261123-104501-3fa9c1/
    request.json          the job, its plan and its state; no key; written before anything is sent
    selection.pgm         the selection
    base-1.pnm            a crop as GIMP exported it
    sent-1.png            … and as it was sent
    mask-1.png            the mask that was sent with it
    arriving-1-2          crop 1, variation 2: the part of the answer that has arrived, until its image is saved
    answer-1-2.png        the answer for crop 1, variation 2, byte for byte
    result-1-2-1.pnm      the pixels that GIMP places: crop 1, variation 2, area 1
    layer-mask-1.pgm      … and their layer mask
    picture-2-256.png     a picture of variation 2 in its image, 256 px long; made when it is first shown
    .busy                 locked while a bridge runs the job
    .room                 disk space that is reserved for the results
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store import locks
from bridge.store.disk_reservation import DiskReservation
from bridge.store.private_files import StorageError, make_private_folder, read_private, write_private

FORMAT = 1
RECORD_FILE = "request.json"

#: In bytes. With eight variations, a long prompt is in it nine times, in escapes if it is not English.
LONGEST_RECORD = 16 << 20

#: The names of job folders. Nothing else in the journal is ever touched.
NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")

#: In a job folder, locked while a bridge runs the job.
BUSY_FILE = ".busy"

_log = logging.getLogger(__name__)


class JournalError(PhotioError):
    """A job folder cannot be made, or does not exist any more."""

    code = "journal"


class JobFolder:
    """One job's folder and its `request.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._discarded = False
        self._busy = locks.Lock(path / BUSY_FILE)
        self._reservation: DiskReservation | None = None

    @classmethod
    def create(cls, journal: Path) -> JobFolder:
        """A new folder in `journal`, that only this user can read. It is locked until `release` or our end.

        Raises:
            JournalError: it could not be made.
        """
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        try:
            make_private_folder(journal)
            (journal / name).mkdir(mode=0o700)
            (journal / name).chmod(0o700)  # whatever the umask
        except OSError as error:
            raise JournalError(
                _("Photio cannot write to {folder} ({reason}): make it writable, then try again.").format(
                    folder=journal, reason=error.strerror
                ),
                repr(error),
            ) from error
        folder = cls(journal / name)
        folder._busy.take()
        return folder

    @classmethod
    def existing(cls, journal: Path, name: str) -> JobFolder:
        """The folder of an earlier job.

        Raises:
            JournalError: there is none of that name.
        """
        if not NAME.fullmatch(name) or not (journal / name).is_dir() or (journal / name).is_symlink():
            raise JournalError(_("This result is no longer in the history."), repr(name[:100]))
        return cls(journal / name)

    @property
    def id(self) -> str:
        """The folder's name: unique, and sorts by time."""
        return self.path.name

    def file(self, name: str) -> Path:
        """The path of a file in the folder."""
        return self.path / name

    def save(self, name: str, data: bytes, lasting: bool = True) -> None:
        """Saves a file atomically; see `write_private`. Does nothing after `discard_if_unanswered` has removed it all.

        Raises:
            StorageError: the disk is full, the folder is gone or must not be written to.
        """
        with self._lock:
            if self._discarded:
                return
            write_private(self.file(name), data, lasting)
        if name.startswith("answer-"):
            self._note_checksum(name, hashlib.sha256(data).hexdigest())

    @contextmanager
    def reserve(self, size: int, shares: int) -> Iterator[None]:
        """Reserves disk space (bytes) for the results; see `DiskReservation`.

        Raises:
            StorageError: there is too little space.
        """
        self._reservation = DiskReservation(self.path, size, shares)
        try:
            yield
        finally:
            self._reservation.close()
            self._reservation = None

    def release_share(self) -> None:
        """Releases one share of the reserved space, for a file that is about to be written."""
        if self._reservation:
            self._reservation.release_share()

    def release(self) -> None:
        """Unlocks the folder: now the history may complete or delete it."""
        self._busy.release()

    def record(self) -> dict[str, Any]:
        """The content of `request.json`; empty if it is missing or damaged.

        Raises:
            StorageError: it cannot be read.
        """
        content = read_private(self.file(RECORD_FILE), LONGEST_RECORD)
        try:
            found = understood(content) if content else {}
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, **facts: Any) -> None:
        """Adds facts (JSON values) to `request.json` and keeps the others, which another process may have written.

        Raises:
            StorageError: as `save`.
        """
        self.change(lambda record: {"format": FORMAT, **record, **facts})

    def change(self, how: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Replaces the record with the result of `how`, under a lock between processes; None: it stays as it is.

        Raises:
            StorageError: as `save`.
        """
        with locks.alone(lock_file(self.path.parent)):
            record = how(self.record())
            if record is not None:
                self.save(RECORD_FILE, json.dumps(record, indent=2, ensure_ascii=False).encode())

    def note_placed(self, variations: tuple[int, ...]) -> None:
        """Notes that these variations were inserted into an image.

        Raises:
            StorageError: as `save`.
        """

        def placed(record: dict[str, Any]) -> dict[str, Any]:
            now = {str(number): time.time() for number in variations}
            return {**record, "state": "placed", "placed": {**_fields(record, "placed"), **now}}

        self.change(lambda record: placed(record) if record else None)  # a deleted record stays deleted

    def _note_checksum(self, name: str, checksum: str) -> None:
        def noted(record: dict[str, Any]) -> dict[str, Any]:
            return {**record, "answers": {**_fields(record, "answers"), name: checksum}}

        try:
            self.change(lambda record: noted(record) if record else None)
        except StorageError as error:  # the answer itself is safe
            _log.warning("%s: no checksum: %s", name, error.details)

    def discard_if_unanswered(self) -> None:
        """Removes the folder if nothing was received, so that nothing is lost."""
        with self._lock:  # or another thread's file would make the folder again
            if not any(has_answer(file.name) for file in self.path.glob("a*")):
                self._discarded = True
                self.release()
                shutil.rmtree(self.path, ignore_errors=True)


def understood(content: bytes) -> Any:
    """A record's JSON. All of it can be written again.

    Raises:
        ValueError, RecursionError: it is not JSON, or it contains half a pair of surrogates, which UTF-8 cannot encode.
    """
    parsed = json.loads(content.decode(), parse_constant=lambda name: None)
    if b"\\u" in content:  # only an escape can make half a pair
        json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


def has_answer(name: str) -> bool:
    """Whether a file of that name in a job folder may contain an answer that was paid for."""
    return name.startswith(("answer-", "arriving-"))


def lock_file(journal: Path) -> Path:
    """A file beside the journal, locked while a record is changed or a folder removed: several bridges may run."""
    return journal.with_name(f"{journal.name}.lock")


def _fields(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a record that should be an object; empty if it is none."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}
