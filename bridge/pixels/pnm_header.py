"""Reads the header of a PNM or PAM file, which shows whether the file is complete. Standard library only.

Accepts exactly what plug-in and bridge write. The plug-in finds the pixels by counting the header's lines
(canvas/placing.py), so an ambiguous header must be rejected.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

_LONGEST = 200  # bytes
_HEADER = re.compile(
    rb"P([56])\n(\d{1,7}) (\d{1,7})\n(255|65535)\n"
    rb"|P7\nWIDTH (\d{1,7})\nHEIGHT (\d{1,7})\nDEPTH 4\nMAXVAL (255|65535)\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
)


@dataclass(frozen=True)
class PnmHeader:
    """The size and layout of a picture.

    Attributes:
        width, height: px.
        channels: 1 (gray), 3 (RGB) or 4 (RGBA).
        depth: bytes per channel, 1 or 2 (big-endian).
        start: offset of the first pixel, in bytes.
    """

    width: int
    height: int
    channels: int
    depth: int
    start: int

    @property
    def row(self) -> int:
        """Bytes per row."""
        return self.width * self.channels * self.depth

    @property
    def end(self) -> int:
        """Offset behind the last pixel, in bytes."""
        return self.start + self.height * self.row


def read_header(path: Path) -> PnmHeader | None:
    """The header of a complete picture; None when the file is missing, damaged or no regular file."""
    try:
        header, length = look(path)
    except OSError:
        return None
    return header if header and length == header.end else None


def look(path: Path) -> tuple[PnmHeader | None, int]:
    """The header of a file, None when it is no picture with pixels; and the file's length in bytes.

    Raises:
        OSError: the file cannot be opened, or it is a link.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        found = _HEADER.match(file.read(_LONGEST)) if stat.S_ISREG(status.st_mode) else None
    if not found:
        return None, status.st_size
    width, height, most = (int(group) for group in found.groups()[1:] if group)
    channels = {b"5": 1, b"6": 3, None: 4}[found[1]]
    header = PnmHeader(width, height, channels, 1 if most == 255 else 2, found.end())
    return (header if header.end > header.start else None), status.st_size
