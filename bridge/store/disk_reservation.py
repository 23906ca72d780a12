"""Reserves disk space before a request is paid for, so that a full disk cannot lose its result."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from pathlib import Path

from bridge.common.i18n import _
from bridge.store.private_files import SAFELY, StorageError, open_private

#: The file that occupies the space. A killed job leaves it behind.
RESERVATION_FILE = ".room"


class DiskReservation:
    """Disk space in a folder, released in equal shares as the real files are written. Thread-safe."""

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
        self._lock = threading.Lock()
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
        with self._lock:
            self._size = max(0, self._size - self._share)
            with contextlib.suppress(OSError):  # then there is a little less space for a moment
                os.truncate(self._file, self._size)

    def close(self) -> None:
        """Releases all of it."""
        with contextlib.suppress(OSError):
            self._file.unlink()
