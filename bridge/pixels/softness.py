"""Measures how much softer an answer is than the picture that was sent, by what both show of what should be kept."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge.pixels.match_colour import eight_bits

Levels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: px: the side of the squares in which detail is compared.
SQUARE = 16
#: So many squares have to be left to compare.
LEAST_SQUARES = 24
#: Levels²: the power of the differences in a square that shows something. Noise of 0.7 levels has this.
LEAST_POWER = 2.0
#: How soft the picture is made, to compare the answer with.
SOFTNESSES = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)


class Kept(NamedTuple):
    """A picture that was sent, and what is left of its detail as it becomes softer.

    Attributes:
        power: [h, w]: in each square, levels².
        compared: bool [h, w]: the squares that were to be kept and show something.
        shares: for each of `SOFTNESSES`, the median of the shares of the power that are left, falling.
    """

    power: Floats
    compared: Mask
    shares: tuple[float, ...]


def kept_detail(sent: Levels, kept: Mask) -> Kept | None:
    """Prepares comparing answers with what was sent.

    Args:
        sent: uint8 [H, W, 3].
        kept: [H, W]; true where the service should have kept it.

    Returns:
        None when there is too little to compare.
    """
    rows, columns = (side // SQUARE for side in kept.shape)
    whole = kept[: rows * SQUARE, : columns * SQUARE].reshape(rows, SQUARE, columns, SQUARE).all(axis=(1, 3))
    power = _power(sent)
    compared = whole & (power >= LEAST_POWER)
    if np.count_nonzero(compared) < LEAST_SQUARES:
        return None
    shares = [1.0]
    for softness in SOFTNESSES[1:]:
        shares.append(min(shares[-1], _share(_power(softened(sent, softness)), power, compared)))
    return Kept(power, compared, tuple(shares))


def softness(answer: Floats, kept: Kept) -> float:
    """How much softer an answer is than what was sent: as if it had been so many times smaller. At least 1.0.

    Args:
        answer: [H, W, 3], 0.0–255.0, of the size of what was sent.

    Returns:
        At most the largest of `SOFTNESSES`; a multiple of an eighth, so that equal answers are never told apart.
    """
    left = _share(_power(eight_bits(answer)), kept.power, kept.compared)
    found = np.interp(-left, [-share for share in kept.shares], SOFTNESSES)
    return round(float(found) * 8) / 8


def softened(picture: Levels, softness: float) -> Levels:
    """A picture as if it had been scaled up by `softness`, uint8 [H, W, 3]: made smaller and larger again."""
    if softness <= 1:
        return picture
    image = Image.fromarray(picture)
    small = [max(1, round(side / softness)) for side in image.size]
    lanczos = Image.Resampling.LANCZOS
    return np.asarray(image.resize((small[0], small[1]), lanczos).resize(image.size, lanczos))


def _power(picture: Levels) -> Floats:
    """The mean square of the differences of differences of neighbours, down and across, in each square of the luma.

    Slopes and straight edges along an axis count nothing there. All sums are of whole numbers, and so exact.
    """
    rows, columns = (side // SQUARE for side in picture.shape[:2])
    px = picture[: rows * SQUARE, : columns * SQUARE].astype(np.int16)
    luma = px[..., 0] + 2 * px[..., 1] + px[..., 2]
    differences = np.zeros(luma.shape, np.int32)
    differences[1:, 1:] = np.diff(np.diff(luma, axis=0), axis=1)
    squares = (differences * differences).reshape(rows, SQUARE, columns, SQUARE).sum(axis=(1, 3), dtype=np.int64)
    return np.asarray(squares / (16 * SQUARE * SQUARE), np.float32)


def _share(power: Floats, before: Floats, compared: Mask) -> float:
    return float(np.median(power[compared] / before[compared]))
