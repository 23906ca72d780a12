"""Room on the disk that is taken before anything is paid for, so that a full disk cannot lose what was paid for."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from pathlib import Path

from bridge.common.i18n import _
from bridge.store.private_files import StorageError, open_private

#: The file that holds the room; a killed job leaves it behind.
ROOM_FILE = ".room"

_MEGABYTE = 1_000_000


class Room:
    """So many bytes in a folder, given back share by share as the real files come. Safe from any thread."""

    def __init__(self, folder: Path, size: int, shares: int) -> None:
        """Takes the room.

        Args:
            size: in bytes.
            shares: how often `give_back` will be called.

        Raises:
            StorageError: there is not so much left on the disk.
        """
        self._file = folder / ROOM_FILE
        self._size, self._share = size, size // shares
        self._lock = threading.Lock()
        try:
            _take(self._file, size)
        except OSError as error:
            self.close()
            raise StorageError(
                _(
                    "There is too little room in “{folder}” for the result ({megabytes} MB), so nothing was sent: make "
                    "room, then try again."
                ).format(folder=folder.parent, megabytes=-(-size // _MEGABYTE)),
                f"{type(error).__name__}: {error}",
            ) from error

    def give_back(self) -> None:
        """Gives one share back, for something that is about to be written."""
        with self._lock:
            self._size = max(0, self._size - self._share)
            with contextlib.suppress(OSError):  # then a little less is free for a moment
                os.truncate(self._file, self._size)

    def close(self) -> None:
        """Gives all of it back."""
        with contextlib.suppress(OSError):
            self._file.unlink()


def _take(file: Path, size: int) -> None:
    handle = open_private(file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0))
    try:
        if shutil.disk_usage(file.parent).free < size:  # asked first: taking what is not there would fill the disk
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if hasattr(os, "posix_fallocate"):  # elsewhere others may still take it meanwhile
            os.posix_fallocate(handle, 0, size)
    finally:
        os.close(handle)
