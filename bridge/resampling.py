"""Scales answers without rounding them, each axis as a few products of matrices: Pillow takes a third longer."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: px to each side, of the smaller picture.
SUPPORT = 3

#: So many lines are made by one product: of more, too many weights would be 0.
_LINES = 32


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
    return _turned(_turned(pixels, size[1], top, bottom), size[0], left, right)


def _turned(pixels: NDArray[np.uint8] | Floats, count: int, start: float, stop: float) -> Floats:
    """The rows from `start` to `stop` as `count` rows, which become columns: [W, count, C].

    Few lines at a time, from the first conversion to their place in the result: they stay in the processor's cache.
    """
    height, width, channels = pixels.shape
    rows = pixels.reshape(height, -1)
    turned = np.empty((width, count, channels), np.float32)
    starts, weights = _weights(height, count, start, stop)
    for first in range(0, count, _LINES):
        mine, begin = weights[first : first + _LINES], starts[first : first + _LINES]
        matrix = np.zeros((len(mine), begin[-1] - begin[0] + mine.shape[1]), np.float32)
        np.put_along_axis(matrix, (begin - begin[0])[:, None] + np.arange(mine.shape[1]), mine, axis=1)
        seen = slice(max(0, begin[0]), min(height, begin[0] + matrix.shape[1]))
        lines = matrix[:, seen.start - begin[0] : seen.stop - begin[0]] @ rows[seen].astype(np.float32, copy=False)
        turned[:, first : first + len(lines)] = lines.reshape(len(lines), width, channels).swapaxes(0, 1)
    return turned


def _weights(height: int, count: int, start: float, stop: float) -> tuple[NDArray[np.intp], Floats]:
    """Of `height` rows the first one that each new row is made of, [count], and the weights from there, [count, n]."""
    step = (stop - start) / count
    stretch = max(1.0, step)
    centres = start + step * (np.arange(count) + 0.5)
    starts = np.floor(centres - SUPPORT * stretch).astype(np.intp)
    places = starts[:, None] + np.arange(ceil(2 * SUPPORT * stretch) + 1)
    distances = (places + 0.5 - centres[:, None]) / stretch
    seen = (np.abs(distances) < SUPPORT) & (places >= 0) & (places < height)
    weights = np.where(seen, np.sinc(distances) * np.sinc(distances / SUPPORT), 0)
    return starts, (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
