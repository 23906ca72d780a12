"""Small files that only their owner may read: settings and the key. Standard library only."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.common.i18n import _

#: Flags for `os.open`: it follows no symbolic link, does not wait for a named pipe, and changes no line ends.
SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class StorageError(PhotioError):
    """A file of ours cannot be read or written."""

    code = "storage"


def write_private(path: Path, content: bytes, lasting: bool = True) -> None:
    """Replaces a file atomically, mode 0600 whatever the umask, in a directory of mode 0700.

    A symbolic link at `path` is replaced, not followed. A directory that exists keeps its mode.

    Args:
        lasting: wait for the disk, so that the file survives a power cut right afterwards.

    Raises:
        StorageError: it cannot be written; the previous file is still there.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        make_private_folder(path.parent)
        handle = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if lasting:
                file.flush()
                os.fsync(handle)
        os.replace(draft, path)
        if lasting and os.name != "nt":  # there directories cannot be opened; NTFS journals renames by itself
            _sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise StorageError(
            _("“{file}” cannot be written: make room, or make its folder yours.").format(file=path),
            f"{type(error).__name__}: {error}",
        ) from error


def make_private_folder(path: Path) -> None:
    """Makes a folder and its missing parents, mode 0700 whatever the umask.

    Raises:
        OSError: it cannot be made.
    """
    missing = [path, *path.parents]
    missing = missing[: next((at for at, folder in enumerate(missing) if folder.exists()), len(missing))]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)


def open_private(path: str | Path, flags: int) -> int:
    """As `os.open`. A new file has mode 0600 whatever the umask, which may deny even the owner access."""
    handle = os.open(path, flags, 0o600)
    if flags & os.O_CREAT and hasattr(os, "fchmod"):
        with contextlib.suppress(OSError):  # the file existed, and belongs to another user
            os.fchmod(handle, 0o600)
    return handle


def _sync(directory: Path) -> None:
    """Makes a rename in the directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_private(path: Path, limit: int) -> bytes | None:
    """A regular file's content; None when there is no such file.

    Args:
        path: not followed when it is a symbolic link.
        limit: the largest file to read, in bytes.

    Raises:
        StorageError: a link, no regular file, too large or not readable.
    """
    try:
        if path.is_symlink():
            sentence = _("“{file}” is a symbolic link, which is not followed: put the file itself there.")
            raise StorageError(sentence.format(file=path))
        handle = os.open(path, os.O_RDONLY | SAFELY)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise StorageError(_("“{file}” is not a file: move it away.").format(file=path))
            # not simply up to the limit: `read` allocates as much memory as it is asked for
            content = file.read(status.st_size + 1) if status.st_size <= limit else None
    except FileNotFoundError:
        return None
    except OSError as error:
        sentence = _("“{file}” cannot be read: make it yours, or remove it.")
        raise StorageError(sentence.format(file=path), str(error)) from error
    if content is None or len(content) > limit:
        raise StorageError(_("“{file}” is larger than {limit} bytes: remove it.").format(file=path, limit=limit))
    return content


def close_to_others(path: Path) -> bool:
    """Removes all rights of other users from a file. Returns whether they had any.

    Raises:
        StorageError: the rights cannot be changed.
    """
    if os.name == "nt":  # there the user's profile folder is closed to others
        return False
    try:
        if not path.lstat().st_mode & 0o077:
            return False
        path.chmod(0o600)
    except OSError as error:
        sentence = _("“{file}” can be read by others: let nobody but yourself read it.")
        raise StorageError(sentence.format(file=path), str(error)) from error
    return True
