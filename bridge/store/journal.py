"""Job folders: what was asked, what was sent and what came back, as files that outlive every process here.

<journal>/20261123-104501-3fa9c1/
    request.json          the job, its plan and what became of it; no key; there as soon as something may be sent
    selection.pgm         the selection
    base-1.pnm            a crop as it left GIMP
    sent-1.png            … and as the service got it
    mask-1.png            the mask that went with it
    arriving-1-2          crop 1, variation 2: what has come of the service's answer, until its image is saved
    answer-1-2.png        the answer for crop 1, variation 2, byte for byte
    result-1-2-1.pnm      what GIMP places: crop 1, variation 2, area 1
    layer-mask-1.pgm      … and through which mask
    picture-2-256.png     how variation 2 looks in its image, 256 px long: made when it is first shown
    .busy                 held as long as a bridge works at it
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
from bridge.store.disk_reservation import Room
from bridge.store.private_files import StorageError, make_private_folder, read_private, write_private

FORMAT = 1
RECORD_FILE = "request.json"

#: In bytes; eight variations tell a long prompt nine times, in escapes where it is not English.
LONGEST_RECORD = 16 << 20

#: What a job folder is called; nothing else in the journal is ever touched.
NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")

#: In a job folder, held as long as somebody works in it.
BUSY_FILE = ".busy"

_log = logging.getLogger(__name__)


class JournalError(PhotioError):
    """A job folder could not be made, or is gone."""

    code = "journal"


class JobFolder:
    """One job's folder and its `request.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._discarded = False
        self._busy = locks.Lock(path / BUSY_FILE)
        self._room: Room | None = None

    @classmethod
    def create(cls, journal: Path) -> JobFolder:
        """A new folder in `journal`, only for this user's eyes; it is in work until `rest` or our end.

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
        """The folder of a job that was begun before.

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
        """Where the file of that name is."""
        return self.path / name

    def save(self, name: str, data: bytes, lasting: bool = True) -> None:
        """Saves a file so that it is either whole or not there; if it is to be `lasting`, also after a power cut.

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
    def room(self, size: int, shares: int) -> Iterator[None]:
        """Holds room on the disk (bytes) for what is to come; see `bridge.store.disk_reservation`.

        Raises:
            StorageError: there is too little.
        """
        self._room = Room(self.path, size, shares)
        try:
            yield
        finally:
            self._room.close()
            self._room = None

    def give_room_back(self) -> None:
        """One share of the room is about to be filled."""
        if self._room:
            self._room.give_back()

    def rest(self) -> None:
        """Nobody works in it any longer: the history may complete or delete it."""
        self._busy.release()

    def record(self) -> dict[str, Any]:
        """What `request.json` says; empty when it says nothing that can be understood.

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
        """Adds facts (anything that JSON knows) to `request.json`, whoever wrote it last.

        Raises:
            StorageError: as `save`.
        """
        self.change(lambda record: {"format": FORMAT, **record, **facts})

    def change(self, how: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Replaces the record by what `how` makes of it, with nobody in between; None: it stays as it is.

        Raises:
            StorageError: as `save`.
        """
        with locks.alone(lock_file(self.path.parent)):
            record = how(self.record())
            if record is not None:
                self.save(RECORD_FILE, json.dumps(record, indent=2, ensure_ascii=False).encode())

    def note_placed(self, variations: tuple[int, ...]) -> None:
        """Remembers that these variations are in an image.

        Raises:
            StorageError: as `save`.
        """

        def placed(record: dict[str, Any]) -> dict[str, Any]:
            now = {str(number): time.time() for number in variations}
            return {**record, "state": "placed", "placed": {**_fields(record, "placed"), **now}}

        self.change(lambda record: placed(record) if record else None)  # one that was deleted stays so

    def _note_checksum(self, name: str, checksum: str) -> None:
        def noted(record: dict[str, Any]) -> dict[str, Any]:
            return {**record, "answers": {**_fields(record, "answers"), name: checksum}}

        try:
            self.change(lambda record: noted(record) if record else None)
        except StorageError as error:  # the answer itself is safe
            _log.warning("%s: no checksum: %s", name, error.details)

    def discard_if_unanswered(self) -> None:
        """Removes the folder when nothing was received: then nothing is lost."""
        with self._lock:  # what another thread still writes must not make the folder anew
            if not any(has_answer(file.name) for file in self.path.glob("a*")):
                self._discarded = True
                self.rest()
                shutil.rmtree(self.path, ignore_errors=True)


def understood(content: bytes) -> Any:
    """What a record's JSON says; nothing in it that could not be written again.

    Raises:
        ValueError, RecursionError: it is no JSON, or it holds half a pair of surrogates, which UTF-8 does not have.
    """
    told = json.loads(content.decode(), parse_constant=lambda name: None)
    if b"\\u" in content:  # only an escape can make half a pair
        json.dumps(told, ensure_ascii=False).encode()
    return told


def has_answer(name: str) -> bool:
    """Whether a job folder's file of that name may be all that there is of something paid for."""
    return name.startswith(("answer-", "arriving-"))


def lock_file(journal: Path) -> Path:
    """Held while a record is changed or a folder removed: more than one bridge may be at work. Beside the journal."""
    return journal.with_name(f"{journal.name}.lock")


def _fields(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a record that ought to be an object."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}
