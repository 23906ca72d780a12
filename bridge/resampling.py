"""Scales pictures without rounding them, each axis as a few products of matrices: Pillow takes four times as long."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: px to each side, of the smaller picture.
SUPPORT = 3

#: One product makes so many lines, or, where they are closer than the old ones, those on so many of these: of more,
#: too many weights would be 0.
_LINES = 12


def resampled(
    pixels: NDArray[np.uint8] | Floats, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Floats:
    """A picture, or a part of it, in another size, with the window of C. E. Duchon, "Lanczos Filtering in One and Two
    Dimensions", J. Applied Meteorology 18, 1979; beyond the picture's edges there is nothing.

    Args:
        pixels: [H, W, C].
        size: width and height, px.
        box: left, top, right and bottom edge of the part, px; None: all of it.

    Returns:
        [height, width, C]; unrounded, and by what the window overshoots beyond what `pixels` holds.
    """
    left, top, right, bottom = box or (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0]))
    width, height = size
    # columns take longer than rows: they are made where there are fewer rows
    if height < bottom - top:
        return _columns(_rows(pixels, height, top, bottom), width, left, right)
    first = max(0, floor(top) - SUPPORT - 1)
    seen = pixels[first : ceil(bottom) + SUPPORT + 1]
    return _rows(_columns(seen, width, left, right), height, top - first, bottom - first)


def _rows(pixels: NDArray[np.uint8] | Floats, count: int, start: float, stop: float) -> Floats:
    """What lies between two horizontal lines as `count` rows."""
    height, width, channels = pixels.shape
    lines = pixels.reshape(height, -1)
    made = np.empty((count, width * channels), np.float32)
    for part in _parts(height, count, start, stop, 1):
        # made floats here and not before: so few lines stay in a core's cache, and the whole takes fresh memory
        np.matmul(part.weights, lines[part.seen].astype(np.float32, copy=False), out=made[part.made])
    return made.reshape(count, width, channels)


def _columns(pixels: NDArray[np.uint8] | Floats, count: int, start: float, stop: float) -> Floats:
    """What lies between two vertical lines as `count` columns."""
    height, width, channels = pixels.shape
    lines = pixels.reshape(height, -1).astype(np.float32, copy=False)
    made = np.empty((height, count * channels), np.float32)
    for part in _parts(width, count, start, stop, channels):
        np.matmul(lines[:, part.seen], part.weights.T, out=made[:, part.made])
    return made.reshape(height, count, channels)


class _Part(NamedTuple):
    """A few new lines and the old ones that they are made of, each channel counted, and the weights, [new, old]."""

    made: slice
    seen: slice
    weights: Floats


@lru_cache(maxsize=8)
def _parts(length: int, count: int, start: float, stop: float, channels: int) -> list[_Part]:
    """How `count` lines are made of what lies between two places among `length` lines, the channels of each in turns.

    All weights at once: a loop would take as long as the scaling. Kept, as each answer and each island asks for them.
    """
    step = (stop - start) / count
    stretch, lines = max(1.0, step), min(count, ceil(_LINES / min(1.0, step)))
    centres = (start + step * (np.arange(ceil(count / lines) * lines) + 0.5)).reshape(-1, lines)
    begins = np.floor(centres[:, 0] - SUPPORT * stretch).astype(np.intp)
    places = begins[:, None] + np.arange(ceil((lines - 1) * step + 2 * SUPPORT * stretch) + 1)
    distances = (places[:, None] + 0.5 - centres[..., None]) / stretch
    seen = (np.abs(distances) < SUPPORT) & ((places >= 0) & (places < length))[:, None]
    weights = np.where(seen, np.sinc(distances) * np.sinc(distances / SUPPORT), 0)
    weights /= weights.sum(axis=-1, keepdims=True, where=seen, initial=1e-30)
    # threefold as many products as needed, but the channels stay where they are: moving them takes longer
    spread = np.zeros((*weights.shape[:2], channels, weights.shape[2], channels), np.float32)
    for channel in range(channels):
        spread[:, :, channel, :, channel] = weights
    matrices = spread.reshape(len(weights), lines * channels, -1)
    parts = []
    for number, (begin, matrix) in enumerate(zip(begins.tolist(), matrices, strict=True)):
        made = slice(number * lines * channels, min((number + 1) * lines, count) * channels)
        from_, to = max(0, begin), min(length, begin + places.shape[1])
        inside = matrix[: made.stop - made.start, (from_ - begin) * channels : (to - begin) * channels]
        parts.append(_Part(made, slice(from_ * channels, to * channels), inside))
    return parts
