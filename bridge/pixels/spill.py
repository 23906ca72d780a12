"""Finds what an answer added beyond the part that it was to regenerate: the rest of an object that did not fit.

Only what is one piece with a change inside counts, and only what really changed. A service also changes colours, noise
and sharpness, everywhere. So the difference to what was sent is compared with the difference around the margin, where
nothing was to change. All sums are of whole numbers, so that they are the same on every processor.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.pixels.connected import labelled
from bridge.pixels.imaging import Pixels, feather, grow

#: Differences are averaged over squares of this size, px: noise and blur vanish, an object stays.
WINDOW = 5
#: The contrast of the surroundings is averaged over squares of this size, px.
CONTRAST_WINDOW = 9
#: Levels. A smaller difference is never taken for an object; and so many more for each level of contrast.
LEAST_DIFFERENCE, PER_CONTRAST = 10.0, 0.5
#: A difference counts if it is larger by this factor than what nine tenths of the surroundings stay below.
FACTOR, SHARE = 2.0, 0.9
#: px. What ends at the edge seems to reach so far beyond it: differences are averaged, and answers are scaled.
BLEED = 4
#: px². A piece has so much beyond that, and so much around the margin is needed to compare with.
LEAST_PIECE, LEAST_COMPARED = 12, 256
#: px. A piece is widened and its edge is softened by so much. There the answer shows what was there before.
WIDENED, SOFTENED = 2, 2
#: Shifts of colours are measured for so many tones of each channel; fewer px of a tone do not tell.
TONES, LEAST_OF_TONE = 32, 48
#: Every so manieth row and column is compared: no statistic needs more.
EVERY = 3

_UNIT = 16  # differences are whole sixteenths of a level
_SCALE = _UNIT * WINDOW * WINDOW  # of a sum over a window
_NEARLY_ALL, _LARGEST_FADE = 250, 256

Mask = NDArray[np.bool_]
Whole = NDArray[np.int32]


class Where(NamedTuple):
    """The parts of a picture, bool [H, W] each.

    Attributes:
        inside: what the service was to regenerate.
        within: `inside`, and the margin in which more may be shown.
        around: where nothing was to change, and nothing will be shown.
        fade: px over which what is shown inside fades out at most.
    """

    inside: Mask
    within: Mask
    around: Mask
    fade: int


def spilled(sent: Pixels, answer: NDArray[np.float32], where: Where) -> Pixels | None:
    """Where an answer shows the rest of what it added inside.

    Args:
        sent: [H, W, 3], sRGB, 0–255: what the service got.
        answer: [H, W, 3], 0.0–255.0, in the colours of `sent`.

    Returns:
        How much has to be shown, uint8 [H, W]: all that pieces have beyond the inside, and their part of the edge over
        which the inside fades out. It fades out over a few px. None if there is nothing.
    """
    inside, around = where.inside, where.around
    if np.count_nonzero(around) < LEAST_COMPARED:
        return None
    sample = (slice(EVERY // 2, None, EVERY),) * 2
    difference = _sums(np.rint((answer - sent) * np.float32(_UNIT)).astype(np.int32), WINDOW)
    tones = _sums(sent.astype(np.int32), WINDOW) // (WINDOW * WINDOW)
    away = np.zeros(inside.shape, np.int32)
    for channel in range(3):
        of_channel, tone = difference[..., channel], tones[..., channel]
        shifts = _shifts(of_channel[sample], tone[sample], around[sample])
        np.maximum(away, np.abs(of_channel - shifts[tone]), out=away)
    tolerance = np.float32(LEAST_DIFFERENCE * _SCALE) + _contrast(sent) * np.float32(PER_CONTRAST * _SCALE)
    ratio = away / tolerance
    usual = float(np.quantile(ratio[sample][around[sample]], SHARE, method="lower"))
    return _pieces(_opened(where.within & (ratio > max(1.0, FACTOR * usual))), inside, where.fade)


def fade_of(mask: Pixels) -> int:
    """Over how many px a mask, uint8 [H, W], fades out at most; rounded up to a power of two, and no more than 256."""
    full, width = mask >= _NEARLY_ALL, 1
    while width < _LARGEST_FADE and bool(((mask > 0) & ~_near(full, width)).any()):
        width *= 2
    return width


def _near(mask: Mask, reach: int) -> Mask:
    """Where a true px is no more than `reach` columns and rows away."""
    return np.asarray(_sums(mask.astype(np.int32), 2 * reach + 1) > 0)


def _shifts(difference: Whole, tone: Whole, around: Mask) -> Whole:
    """The usual difference around the margin for each tone of a channel, 0–255: a drift of colours, as any curve."""
    seen, of_tone = difference[around], tone[around] * TONES // 256
    centres, shifts = list[float](), list[float]()
    for number in range(TONES):
        own = seen[of_tone == number]
        if own.size >= LEAST_OF_TONE:
            centres.append((number + 0.5) * 256 / TONES - 0.5)
            shifts.append(float(np.median(own)))
    if not centres:
        return np.full(256, np.median(seen) if seen.size else 0, np.int32)
    return np.rint(np.interp(np.arange(256), centres, shifts)).astype(np.int32)


def _contrast(sent: Pixels) -> NDArray[np.float32]:
    """The mean difference between neighbouring px, levels: the most of any channel, float32 [H, W]."""
    whole = sent.astype(np.int32)
    steps = np.zeros_like(whole)
    steps[:, 1:] += np.abs(whole[:, 1:] - whole[:, :-1])
    steps[1:] += np.abs(whole[1:] - whole[:-1])
    most = _sums(steps, CONTRAST_WINDOW).max(axis=2)
    return most.astype(np.float32) / np.float32(2 * CONTRAST_WINDOW * CONTRAST_WINDOW)


def _sums(values: Whole, window: int) -> Whole:
    """Sums over squares of `window` px around each px, [H, W, C]; the edges are continued."""
    for axis in (0, 1):
        padding = [(0, 0)] * values.ndim
        padding[axis] = (window // 2 + 1, window // 2)
        total = np.cumsum(np.pad(values, padding, mode="edge"), axis=axis, dtype=np.int32)
        lines = np.moveaxis(total, axis, 0)
        values = np.moveaxis(lines[window:] - lines[:-window], 0, axis)
    return values


def _opened(mask: Mask) -> Mask:
    """The mask without what is thinner than 3 px."""
    worn = np.pad(mask, 1)
    worn = worn[:-2] & worn[1:-1] & worn[2:]
    worn = np.pad(worn[:, :-2] & worn[:, 1:-1] & worn[:, 2:], 1)
    wide = worn[:-2] | worn[1:-1] | worn[2:]
    return np.asarray(wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:])


def _pieces(changed: Mask, inside: Mask, fade: int) -> Pixels | None:
    """What the pieces that lie inside and beyond have beyond, and up to `fade` px inside, with a soft edge."""
    labels, count = labelled(changed)
    if not count:
        return None
    here = np.bincount(labels[changed & inside], minlength=count)
    beyond = changed & ~_near(inside, BLEED)
    chosen = (here > 0) & (np.bincount(labels[beyond], minlength=count) >= LEAST_PIECE)
    if not chosen.any():
        return None
    pieces = np.append(chosen, False)[labels]  # −1, no part, is the last
    shown = pieces & _near(pieces & beyond, fade + BLEED)
    return feather(grow(shown.astype(np.uint8) * np.uint8(255), WIDENED + SOFTENED), SOFTENED)
