"""Writes PNG, of 8 or 16 bits a channel; https://www.w3.org/TR/png-3/.

Pillow holds no colours of 16 bits, and takes twice as long at 8 bits, because it tries five filters on each row.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by the number of channels
_UP = 2  # the filter: each byte less the one above it
_LONGEST_CHUNK = 1 << 30  # bytes; lengths have 31 bits
_LEVEL, _MEMORY = 1, 9  # of zlib; the fastest level


def png(pixels: NDArray[np.uint8] | NDArray[np.uint16], chunks: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """A PNG.

    Args:
        pixels: [height, width] or [height, width, 1–4].
        chunks: names and contents to put before the pixels.
    """
    height, width, channels = (*pixels.shape, 1)[:3]
    bits = 8 * pixels.dtype.itemsize
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0)
    # Z_RLE: filtered rows of a photograph become smaller with it alone, in the same time
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zlib.Z_RLE)
    packed = packer.compress(filtered.data) + packer.flush()
    data = [(b"IDAT", packed[at : at + _LONGEST_CHUNK]) for at in range(0, len(packed), _LONGEST_CHUNK)]
    parts = [(b"IHDR", header), *chunks, *data, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, parts))


def _chunk(part: tuple[bytes, bytes]) -> bytes:
    content = b"".join(part)
    return struct.pack(">I", len(part[1])) + content + struct.pack(">I", zlib.crc32(content))
