"""What a mask means: which of its values are regenerated. Standard library only, because `scripts/demo.py` uses it too.

Masks are drawn in both ways. A drawing tells which one it is if its smaller part, which lies off the edges, is what is
to be regenerated. Anything else is refused before something is paid for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from bridge.common.errors import PhotioError

#: What the white of a mask may mean.
MEANINGS = ("keep", "edit")

#: Values so near to black and white, 0–255, may be traces of these in a lossy file.
BLACK, WHITE = 16, 239

#: A mask has at most this share of values between black and white.
MOST_BETWEEN = 0.1

#: Up to this share of a mask, and of its edges, is the smaller part.
SMALLER = 0.4


class MaskError(PhotioError):
    """A mask does not say what is to be regenerated."""

    code = "mask"


class Shares(NamedTuple):
    """Shares of a mask's values, 0–1: the white ones, those between black and white, the white ones of the edges."""

    white: float
    between: float
    edges: float


def coverage(values: bytes, width: int, told: str | None = None, lossy: bool = False) -> tuple[bytes, str]:
    """How much each pixel is regenerated, 0–255, and what the mask's white means: "keep" or "edit".

    Args:
        values: of a gray mask, or of a mask's alpha, row by row.
        width: px.
        told: the meaning, where the user says it.
        lossy: whether they come from a lossy file. Only there, values near to black and white count as these: elsewhere
            they are what the user drew, the ends of a soft edge for example.

    Raises:
        MaskError: the mask does not say it, or it keeps or regenerates everything.
    """
    means = told or _told_apart(shares(values, width))
    covered = values.translate(_table(means, lossy))
    if covered.count(0) == len(covered):
        raise MaskError("The mask keeps the whole picture: there is nothing to regenerate.")
    if covered.count(255) == len(covered):
        raise MaskError("The mask regenerates the whole picture: leave a part of it as it is.")
    return covered, means


def shares(values: bytes, width: int) -> Shares:
    """The shares in a mask; arguments as for `coverage`."""
    edges = values[:width] + values[-width:] + values[::width] + values[width - 1 :: width]
    extremes = bytes((*range(BLACK + 1), *range(WHITE, 256)))
    between = len(values.translate(None, extremes)) / len(values)
    return Shares(_white(values), between, _white(edges))


def _white(values: bytes) -> float:
    return len(values.translate(None, bytes(range(128)))) / len(values)


def _told_apart(found: Shares) -> str:
    if found.between > MOST_BETWEEN:
        raise MaskError(
            f"The mask is no drawing in black and white ({found.between:.0%} of it is neither): give one, or say what "
            "its white means with “--mask-means keep” or “--mask-means edit”."
        )
    if found.white in (0, 1):
        raise MaskError("The mask is the same everywhere: it must show which part is to be regenerated.")
    if found.white <= SMALLER and found.edges <= SMALLER:
        return "edit"
    if found.white >= 1 - SMALLER and found.edges >= 1 - SMALLER:
        return "keep"
    raise MaskError(
        f"The mask does not show whether its white part ({found.white:.0%}) or its black part is to be regenerated: "
        "say what white means with “--mask-means keep” or “--mask-means edit”."
    )


def _table(means: str, lossy: bool) -> bytes:
    """The coverage of each value."""
    white = bytes(range(256))
    if lossy:
        white = bytes(min(max(round((value - BLACK) * 255 / (WHITE - BLACK)), 0), 255) for value in white)
    return white if means == "edit" else bytes(255 - value for value in white)


def is_lossy(file: Path) -> bool:
    """Whether a picture's file is a JPEG or a lossy WebP (RFC 9649), which change black and white a little.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        start = stream.read(12)
        if start[:4] + start[8:] == b"RIFFWEBP":
            while len(chunk := stream.read(8)) == 8 and chunk[:4] != b"VP8 ":
                size = int.from_bytes(chunk[4:], "little")
                stream.seek(size + size % 2, os.SEEK_CUR)  # an odd one is followed by a byte of padding
            return chunk[:4] == b"VP8 "
    return start.startswith(b"\xff\xd8\xff")
