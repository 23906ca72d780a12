"""Job folders: a job's parameters, what was sent and what was received, as files.

docs/architecture.md lists the files. A folder is called <date>-<time>-<random>, such as 20261123-104501-3fa9c1.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store import locks, places
from bridge.store.private_files import (
    SAFELY,
    StorageError,
    make_private_folder,
    open_private,
    read_private,
    write_private,
)

FORMAT = 1
RECORD_FILE = "request.json"

#: The names of job folders. Nothing else in the journal is ever touched.
NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")

#: Before the name of a folder that is being removed.
REMOVED = ".gone-"

#: In a job folder, locked while a bridge runs the job.
BUSY_FILE = ".busy"

#: In a job folder, occupies disk space for the results. A killed job leaves it behind.
RESERVATION_FILE = ".room"

#: In bytes: more than `bridge.regen.transport.LONGEST_ANSWER`, which takes long to import.
LONGEST_ANSWER_FILE = 1 << 27

#: In bytes. With eight variations, a long prompt is in it nine times, in escapes if it is not English.
_LONGEST_RECORD = 16 << 20

_log = logging.getLogger(__name__)


class DiskReservation:
    """Disk space in a folder, released in equal shares as the real files are written. For one thread at a time.

    It is reserved before a request is paid for, so that a full disk cannot lose its result.
    """

    def __init__(self, folder: Path, size: int, shares: int) -> None:
        """Reserves the space.

        Args:
            folder: where the file is made.
            size: in bytes.
            shares: the number of times that `release_share` will be called.

        Raises:
            StorageError: there is less space left on the disk.
        """
        self._file = folder / RESERVATION_FILE
        self._size, self._share = size, size // shares
        try:
            with os.fdopen(open_private(self._file, os.O_WRONLY | os.O_CREAT | SAFELY), "wb") as file:
                if shutil.disk_usage(folder).free < size:  # reserving more than there is would fill the disk
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                if hasattr(os, "posix_fallocate"):  # elsewhere other programs may still take the space
                    os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            self.close()
            raise StorageError(
                _(
                    "There is too little room in “{folder}” for the result ({megabytes} MB), so nothing was sent: make "
                    "room, then try again."
                ).format(folder=folder.parent, megabytes=-(-size // 1_000_000)),
                f"{type(error).__name__}: {error}",
            ) from error

    def release_share(self) -> None:
        """Releases one share, for a file that is about to be written."""
        self._size = max(0, self._size - self._share)
        with contextlib.suppress(OSError):  # then there is a little less space for a moment
            os.truncate(self._file, self._size)

    def close(self) -> None:
        """Releases all of it."""
        with contextlib.suppress(OSError):
            self._file.unlink()


class JournalError(PhotioError):
    """A job folder cannot be made, or does not exist any more."""

    code = "journal"


class JobFolder:
    """One job's folder and its `request.json`, the record."""

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
        folder = cls(journal / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}")
        try:
            make_private_folder(journal)
            folder.path.mkdir(mode=0o700)
            folder.path.chmod(0o700)  # whatever the umask
        except OSError as error:
            raise JournalError(
                _("Photio cannot write to {folder} ({reason}): make it writable, then try again.").format(
                    folder=journal, reason=error.strerror
                ),
                repr(error),
            ) from error
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

        An answer gets its share of the reserved disk space, and its checksum is noted.

        Raises:
            StorageError: the disk is full, the folder is gone or must not be written to.
        """
        is_answer = name.startswith("answer-")
        with self._lock:
            if self._discarded:
                return
            if is_answer and self._reservation:
                self._reservation.release_share()
            write_private(self.file(name), data, lasting)
        if is_answer:
            checksum = {name: hashlib.sha256(data).hexdigest()}
            try:
                self.change(lambda record: {**record, "answers": {**part(record, "answers"), **checksum}})
            except StorageError as error:  # the answer itself is safe
                _log.warning("%s: no checksum: %s", name, error.details)

    def reserve(self, size: int, shares: int) -> contextlib.closing[DiskReservation]:
        """Reserves disk space (bytes) for so many answers and their results; raises as `DiskReservation`."""
        self._reservation = DiskReservation(self.path, size, shares)
        return contextlib.closing(self._reservation)

    def release(self) -> None:
        """Unlocks the folder: now the history may complete or delete it."""
        self._busy.release()

    def record(self) -> dict[str, Any]:
        """The record, which can be written again; empty if it is missing or damaged. Raises as `read_private`."""
        content = read_private(self.file(RECORD_FILE), _LONGEST_RECORD)
        try:
            found = json.loads(content.decode(), parse_constant=lambda name: None) if content else {}
            if content and b"\\u" in content:  # an escape can make half a pair of surrogates, which UTF-8 cannot encode
                json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, **facts: Any) -> None:
        """Adds facts (JSON values) to the record and keeps what other processes wrote. Raises as `save`."""
        self._rewrite(lambda record: {"format": FORMAT, **record, **facts})

    def change(self, how: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Replaces the record with the result of `how`. A record that was deleted stays so. Raises as `save`."""
        self._rewrite(lambda record: how(record) if record else {})

    def note_placed(self, variations: tuple[int, ...]) -> None:
        """Notes that these variations were inserted into an image. Raises as `save`."""
        now = {str(number): time.time() for number in variations}
        self.change(lambda record: {**record, "state": "placed", "placed": {**part(record, "placed"), **now}})

    def _may_have_been_billed(self) -> bool:
        try:
            return self.record().get("may_be_billed") is True
        except StorageError:  # nobody knows
            return True

    def discard_if_unanswered(self) -> None:
        """Removes the folder if nothing was received, so that nothing is lost.

        In a shared journal, what may have been billed stays on record: who repeats jobs must not repeat that one.
        """
        noted = places.journal_is_shared() and self._may_have_been_billed()
        with self._lock:  # or another thread's file would make the folder again
            if not noted and not any(has_answer(file.name) for file in self.path.glob("a*")):
                self._discarded = True
                self.release()
                shutil.rmtree(self.path, ignore_errors=True)

    def _rewrite(self, how: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Replaces the record, under a lock between processes; not with an empty one."""
        with locks.alone(lock_file(self.path.parent)):
            if record := how(self.record()):
                self.save(RECORD_FILE, json.dumps(record, indent=2, ensure_ascii=False).encode())


def has_answer(name: str) -> bool:
    """Whether a file of that name in a job folder may contain an answer that was paid for."""
    return name.startswith(("answer-", "arriving-"))


def lock_file(journal: Path) -> Path:
    """A file beside the journal, locked while a record is changed or a folder removed: several bridges may run."""
    return journal.with_name(f"{journal.name}.lock")


def part(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a record that should be an object; empty if it is none."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}
