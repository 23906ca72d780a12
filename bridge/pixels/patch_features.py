"""Describes each pixel by the patch around it, in a few whole numbers that can be compared exactly.

The numbers are a windowed discrete cosine transform of the luma and, with fewer orders, of two colour differences.
They are so small that float32 holds every sum of their products exactly. So a matrix product gives the same bits in
whatever order a processor or a thread adds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: px. Patches are squares of 2 · `RADIUS` + 1 px.
RADIUS = 3
#: px: the Gaussian window over a patch.
_SIGMA = 2.0
#: Features are counted in half levels. Two patches then differ by less than 13.3 million = 4 · 49 · 67,500 in the sum
#: of squares, where 67,500 is the most for one pixel of 0–255 (red and blue against green). float32 counts to
#: 2^24 = 16.8 million.
_STEPS = 2
#: The luma's weights: ITU-R BT.601. With the usual weights of the colour differences their bound would not hold.
_LUMA, _DIFFERENCE = (0.3, 0.59, 0.11), 0.6
#: The orders down and across that describe the luma and each of the colour differences.
_LUMA_ORDERS = tuple((down, across) for down in range(4) for across in range(4) if down + across <= 3)
_COLOUR_ORDERS = ((0, 0), (0, 1), (1, 0))


def _filters() -> Floats:
    """The windowed cosines of orders 0–3, orthonormal, [4, 2 · RADIUS + 1].

    The last bits of exponentials, cosines and a decomposition depend on the processor: they are rounded off.
    """
    length = 2 * RADIUS + 1
    x = np.arange(length)
    window = np.exp(-0.5 * ((x - RADIUS) / _SIGMA) ** 2)
    cosines = np.stack([np.cos(np.pi * (x + 0.5) * order / length) for order in range(4)]) * window
    orthonormal = np.linalg.qr(cosines.T)[0].T
    return np.asarray(np.round(orthonormal, 4), np.float32)


_FILTERS = _filters()


def describe(picture: Floats) -> Floats:
    """The features of each pixel of a picture: the squared distance of two pixels' features tells how alike they are.

    Args:
        picture: [H, W, C], levels of 0–255; C is 3, or 1 for gray. Beyond its border the outermost px are repeated.

    Returns:
        float32 [H, W, 16], or [H, W, 10] for gray: whole numbers, half levels.
    """
    count = len(_LUMA_ORDERS) + (2 * len(_COLOUR_ORDERS) if picture.shape[2] == 3 else 0)
    features = np.empty((*picture.shape[:2], count), np.float32)
    number = 0
    for plane, orders in _planes(picture):
        rows = {down: _filtered(plane, _FILTERS[down], 0) for down, _across in orders}
        for down, across in orders:
            np.rint(_filtered(rows[down], _FILTERS[across], 1), out=features[..., number])
            number += 1
    return features


def _planes(picture: Floats) -> Iterator[tuple[Floats, tuple[tuple[int, int], ...]]]:
    """Luma and colour differences, in half levels and centred, each with its orders."""
    if picture.shape[2] == 1:
        yield (picture[..., 0] - 128) * np.float32(_STEPS), _LUMA_ORDERS
        return
    red, green, blue = (np.float32(_STEPS) * picture[..., channel] for channel in range(3))
    luma = np.float32(_LUMA[0]) * red + np.float32(_LUMA[1]) * green + np.float32(_LUMA[2]) * blue
    yield luma - np.float32(128 * _STEPS), _LUMA_ORDERS
    for primary in (blue, red):
        yield (primary - luma) * np.float32(_DIFFERENCE), _COLOUR_ORDERS


def _filtered(plane: Floats, weights: Floats, axis: int) -> Floats:
    """Correlation along one axis, added in a fixed order."""
    reach = [(0, 0), (0, 0)]
    reach[axis] = (RADIUS, RADIUS)
    padded = np.moveaxis(np.pad(plane, reach, mode="edge"), axis, 0)
    length = plane.shape[axis]
    total = weights[0] * padded[:length]
    for place in range(1, 2 * RADIUS + 1):
        total += weights[place] * padded[place : place + length]
    return np.moveaxis(total, 0, axis)
