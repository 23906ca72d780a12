"""XCF files that GIMP has packed with gzip, bzip2 or xz."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
import zlib
from collections.abc import Callable
from typing import IO, Any, BinaryIO

#: How each kind begins, whatever the file is called.
_KINDS: tuple[tuple[bytes, Callable[..., IO[Any]]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\0", lzma.open),
)

#: What is unpacked goes into memory up to this size, then into a temporary file; bytes.
_IN_MEMORY = 64 << 20

#: The most that is unpacked, bytes: a file of a few kB can unpack to any size.
LARGEST = 8 << 30

_PORTION = 1 << 20


class DamagedError(Exception):
    """What is packed does not unpack."""


class TooLargeError(Exception):
    """It unpacks to more than `LARGEST`."""


def unpacked(file: BinaryIO, beginning: bytes) -> IO[bytes] | None:
    """What a packed file holds, as a file that the caller closes; None if it is not packed.

    Args:
        file: at its start.
        beginning: how its content must begin. If it does not, it is not unpacked any further.

    Raises:
        DamagedError: it cannot be unpacked.
        TooLargeError: it is not unpacked to its end.
        OSError: it cannot be read, or the temporary file cannot be written.
    """
    head = file.read(max(len(magic) for magic, _opened in _KINDS))
    file.seek(0)
    opened = next((opened for magic, opened in _KINDS if head.startswith(magic)), None)
    if opened is None:
        return None
    copy = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  (the caller closes it)
    try:
        with opened(file) as stream:
            _fill(copy, stream, beginning)
    except BaseException as error:
        copy.close()
        without_number = isinstance(error, OSError) and error.errno is None  # so bz2 and gzip say it
        if without_number or isinstance(error, EOFError | zlib.error | lzma.LZMAError):
            raise DamagedError from error
        raise
    return copy


def _fill(copy: IO[bytes], stream: IO[bytes], beginning: bytes) -> None:
    size = 0
    while portion := stream.read(_PORTION):
        if size == 0 and not portion.startswith(beginning):
            copy.write(portion[: len(beginning)])
            break
        size += len(portion)
        if size > LARGEST:
            raise TooLargeError
        copy.write(portion)
    copy.seek(0)
