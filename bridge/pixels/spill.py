"""Finds what an answer added beyond the part that it was to regenerate: the rest of an object that did not fit.

Only what is one piece with a change inside counts, and only what really changed. A service also changes colours, noise
and sharpness, everywhere. So the difference to what was sent is compared with the difference around the margin, where
nothing was to change. All sums are of whole numbers, so that they are the same on every processor.
"""

from __future__ import annotations

from fractions import Fraction
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
LEAST_DIFFERENCE, PER_CONTRAST = 10.0, 0.75
#: A difference counts if it is larger by this factor than what nine tenths of the surroundings stay below.
FACTOR, SHARE = 2.0, 0.9
#: px. What ends at the edge seems to reach so far beyond it: differences are averaged, and answers are scaled.
BLEED = 4
#: px². A piece has so much beyond that, and so much around the margin is needed to compare with.
LEAST_PIECE, LEAST_COMPARED = 12, 256
#: px. Around what lies so far beyond, this much of what lies nearer to the edge belongs to it, too.
TIP = 16
#: px. A piece is widened and its edge is softened by so much. There the answer shows what was there before.
WIDENED, SOFTENED = 2, 2
#: Shifts of colours are measured for so many tones of each channel; fewer px of a tone do not tell.
TONES, LEAST_OF_TONE = 32, 48
#: Every so manieth row and column is compared: no statistic needs more.
EVERY = 3

_UNIT = 16  # differences are whole sixteenths of a level
_SCALE = _UNIT * WINDOW * WINDOW  # of a sum over a window
_SAMPLE = (slice(EVERY // 2, None, EVERY),) * 2
_OUTLIER = 4.0  # medians of all differences from their median
_NEARLY_ALL, _LARGEST_FADE = 250, 256

Mask = NDArray[np.bool_]
Whole = NDArray[np.int32]
Levels = NDArray[np.uint8] | NDArray[np.float32]


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


def spilled(sent: Pixels, answer: Levels, matched: Levels, where: Where) -> Pixels | None:
    """Where an answer shows the rest of what it added inside.

    Args:
        sent: [H, W, 3], sRGB, 0–255: what the service got.
        answer: [H, W, 3], 0.0–255.0: what it gave back.
        matched: the answer in the colours of `sent` (`match_colour`). What changed has changed in both.

    Returns:
        How much has to be shown, uint8 [H, W]: all that pieces have beyond the inside, and their part of the edge over
        which the inside fades out. It fades out over a few px. None if there is nothing.
    """
    inside, around = where.inside, where.around
    if np.count_nonzero(around[_SAMPLE]) < LEAST_COMPARED:
        return None
    tolerance = np.float32(LEAST_DIFFERENCE * _SCALE) + _contrast(sent) * np.float32(PER_CONTRAST * _SCALE)
    changed = where.within
    for levels in (answer, matched):
        ratio = _away(sent, levels, around) / tolerance
        usual = float(np.quantile(ratio[_SAMPLE][around[_SAMPLE]], SHARE, method="lower"))
        changed = changed & (ratio > max(1.0, FACTOR * usual))
    return _pieces(_opened(changed), inside, where.fade)


def _away(sent: Pixels, answer: Levels, around: Mask) -> Whole:
    """How far an answer is from what a drift of colours would have made of what was sent: the most of any channel."""
    difference = _sums(np.rint((answer.astype(np.float32) - sent) * np.float32(_UNIT)).astype(np.int32), WINDOW)
    tones = _sums(sent.astype(np.int32), WINDOW) // (WINDOW * WINDOW)
    away = np.zeros(around.shape, np.int32)
    for channel in range(3):
        got, tone = difference[..., channel], tones[..., channel]
        left = got
        for _round in range(2):  # a drift across the picture looks like one of tones, and the reverse
            left = left - _plane(left, around)
            left = left - _shifts(left, tone, around)
        drift = np.clip(got - left, -tone * _SCALE, (255 - tone) * _SCALE)  # there it ends: black and white
        np.maximum(away, np.minimum(np.abs(left), np.abs(got - drift)), out=away)
    return away


def fade_of(mask: Pixels) -> int:
    """Over how many px a mask, uint8 [H, W], fades out at most; rounded up to a power of two, and no more than 256."""
    full, width = mask >= _NEARLY_ALL, 1
    while width < _LARGEST_FADE and bool(((mask > 0) & ~_near(full, width)).any()):
        width *= 2
    return width


def _near(mask: Mask, reach: int) -> Mask:
    """Where a true px is no more than `reach` columns and rows away."""
    return np.asarray(_sums(mask.astype(np.int32), 2 * reach + 1) > 0)


def _plane(difference: Whole, around: Mask) -> Whole:
    """The drift of a channel across the picture: the plane that fits the differences around the margin, [H, W].

    Least squares over whole numbers, without the outliers.
    """
    rows, columns = np.nonzero(around[_SAMPLE])
    seen = difference[_SAMPLE][rows, columns]
    distance = np.abs(seen - np.median(seen))
    usual = distance <= max(_OUTLIER * float(np.median(distance)), LEAST_DIFFERENCE * _SCALE)
    down, across, level = (each[usual].astype(np.int64) for each in (rows, columns, seen))
    terms = (np.ones_like(down), down, across)
    sums = [[int((one * other).sum()) for other in (*terms, level)] for one in terms]
    flat, slope, tilt = _solved([[Fraction(value) for value in line] for line in sums])
    lines, rest = (np.arange(side) - EVERY // 2 for side in difference.shape)
    return np.asarray(
        np.rint(flat + (slope / EVERY) * lines[:, None] + (tilt / EVERY) * rest[None, :]).astype(np.int32)
    )


def _solved(lines: list[list[Fraction]]) -> list[float]:
    """The solution of linear equations, each a line with its right side last; zeros if they do not have just one."""
    count = len(lines)
    for at in range(count):
        pivot = next((number for number in range(at, count) if lines[number][at]), None)
        if pivot is None:
            return [0.0] * count
        lines[at], lines[pivot] = lines[pivot], lines[at]
        lines[at] = [value / lines[at][at] for value in lines[at]]
        for other in range(count):
            if other != at:
                factor = lines[other][at]
                lines[other] = [one - factor * two for one, two in zip(lines[other], lines[at], strict=True)]
    return [float(line[-1]) for line in lines]


def _shifts(difference: Whole, tone: Whole, around: Mask) -> Whole:
    """The drift of a channel's tones, as any curve: the usual difference around the margin for each tone, [H, W]."""
    return _curve(difference[_SAMPLE], tone[_SAMPLE], around[_SAMPLE])[tone]


def _curve(difference: Whole, tone: Whole, around: Mask) -> Whole:
    seen, of_tone = difference[around], tone[around] * TONES // 256
    centres, shifts = list[float](), list[float]()
    for number in range(TONES):
        own = seen[of_tone == number]
        if own.size >= LEAST_OF_TONE:
            centres.append((number + 0.5) * 256 / TONES - 0.5)
            shifts.append(float(np.median(own)))
    if not centres:
        return np.full(256, np.rint(np.median(seen)), np.int32)
    return np.rint(np.interp(np.arange(256), centres, shifts)).astype(np.int32)


def _contrast(sent: Pixels) -> NDArray[np.float32]:
    """The mean difference between neighbouring px, levels: the most of any channel, float32 [H, W]."""
    whole = sent.astype(np.int32)
    steps = np.zeros_like(whole)
    steps[:, 1:] += np.abs(whole[:, 1:] - whole[:, :-1])
    steps[1:] += np.abs(whole[1:] - whole[:-1])
    most = _sums(steps, CONTRAST_WINDOW).max(axis=2)
    return np.asarray(most.astype(np.float32) / np.float32(2 * CONTRAST_WINDOW * CONTRAST_WINDOW))


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
    rest = pieces & ~inside & _near(pieces & beyond, TIP)
    shown = pieces & _near(rest, fade)
    return feather(grow(shown.astype(np.uint8) * np.uint8(255), WIDENED + SOFTENED), SOFTENED)
