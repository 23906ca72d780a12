"""Undoes what the service did to colours that it should have kept: seen around the repair, corrected everywhere."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.pixels.diffusion import diffuse
from bridge.pixels.match_sharpness import match_sharpness
from bridge.pixels.resampling import SUPPORT, resampled

#: px; colours are compared as averages of such cells, so that neither noise nor blur biases the gain.
CELL = 16
#: Of rows and columns each second one is compared: a cell's average needs no more.
EVERY = 2
#: px around the repair that are not compared: the service blends there.
GUARD = 3
#: What has to be left around the repair: px, and share of the picture.
LEAST_PIXELS, LEAST_SHARE = 256, 0.01
#: A service that keeps a picture recognisable stays within this; beyond it the fit has found something else.
GAIN_LIMITS = (0.8, 1.25)
#: Levels. Answers beyond these may have been clipped: they say nothing about the gain.
DARKEST, BRIGHTEST = 2, 253
#: Levels, for all three: the least spread of an honest residual; the contrast below which a gain cannot be told
#: from an offset; the most that the smooth field corrects.
LEAST_SCALE, LEAST_CONTRAST, FIELD_LIMIT = 0.5, 3.0, 24.0
#: Levels. A fit that a further round moves by less has arrived.
SETTLED = 0.01
#: Cells: the standard deviation of the field's smoothing.
FIELD_REACH = 1.6

_TUKEY = 4.685  # 95 % efficiency on Gaussian residuals: P. J. Huber, "Robust Statistics", 1981, chapter 7
_MAD = 1.4826  # standard deviations per median absolute deviation, for Gaussian residuals
_ROUNDS = 8

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class Correction(NamedTuple):
    """What a service did to colours: a gain for each channel, [3], and what is to be added behind it, levels for each
    cell, [h, w, 3]."""

    gain: Doubles
    field: Doubles


class _Cells(NamedTuple):
    """Averages of cells over what was kept: levels [3, h, w], and trust in each, 0.0–1.0, [3, h, w].

    Channel by channel, for numpy is slow with axes as short as three channels.
    """

    sent: Doubles
    answer: Doubles
    trust: Doubles


def match_colour(sent: NDArray[np.uint8], answer: NDArray[np.uint8] | Floats, edited: NDArray[np.bool_]) -> Floats:
    """The answer in the colours of the picture that was sent: `find_correction`, `correct`.

    Args:
        sent: [H, W, 3], sRGB, what the service got.
        answer: [H, W, 3], sRGB, what it gave back.
        edited: [H, W]; true where it was to regenerate.

    Returns:
        [H, W, 3], sRGB levels 0.0–255.0, not rounded (they may be slightly beyond).

    Raises:
        ValueError: the arrays do not fit together.
    """
    if sent.ndim != 3 or sent.shape[2] != 3 or answer.shape != sent.shape or edited.shape != sent.shape[:2]:
        raise ValueError(f"pictures of {sent.shape} and {answer.shape} and {edited.shape} do not fit together")
    kept = kept_around(edited)
    compared = sampled(sent, EVERY), sampled(eight_bits(answer), EVERY)
    found = find_correction(*compared, sampled(kept, EVERY), CELL // EVERY)
    if found is None:
        return answer.astype(np.float32)
    height, width = kept.shape
    return correct(found, sent, answer, kept, (0, 0, width / CELL, height / CELL))


def kept_around(edited: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[H, W]; true where a service should have kept what it got."""
    return ~_grown(edited, GUARD)


def sampled(pixels: NDArray[Any], every: int) -> NDArray[Any]:
    """Each `every`th row and column."""
    return np.ascontiguousarray(pixels[every // 2 :: every, every // 2 :: every])


def eight_bits(levels: NDArray[np.uint8] | Floats) -> NDArray[np.uint8]:
    """Levels as whole ones, 0–255."""
    whole = levels if levels.dtype == np.uint8 else np.clip(np.rint(levels), 0, 255)
    return whole.astype(np.uint8, copy=False)


def find_correction(
    sent: NDArray[np.uint8], answer: NDArray[np.uint8], kept: NDArray[np.bool_], cell: int
) -> Correction | None:
    """What a service did to colours that it should have kept.

    Both should be the same picture there. Per channel `answer = gain · sent + offset` is fitted by iteratively
    reweighted least squares (P. J. Huber, "Robust Statistics", 1981, chapter 7, with Tukey's biweight: what the
    service really changed has no say), then the residual is continued smoothly into the repair.

    Args:
        sent, answer: [H, W, 3], sRGB, what the service got and gave back, or evenly spread px of them.
        kept: [H, W]; of `kept_around`.
        cell: of these px.

    Returns:
        None where too little was kept to compare (under 1 %, or 256 of these px).
    """
    count = int(np.count_nonzero(kept))
    if count < LEAST_PIXELS or count < LEAST_SHARE * kept.size:
        return None
    # unsigned: what is below DARKEST becomes the greatest
    honest = (answer - np.uint8(DARKEST)) <= BRIGHTEST - DARKEST
    honest &= np.repeat(kept, 3, axis=1).reshape(answer.shape)
    cells = _cells(sent, answer, honest, cell)
    gain, offset, agreed = _fit(cells)
    residual = cells.sent - (cells.answer - _each(offset)) / _each(gain)
    return Correction(gain, np.moveaxis(_field(residual, agreed), 0, 2) - offset / gain)


def correct(
    correction: Correction,
    sent: NDArray[np.uint8],
    answer: NDArray[np.uint8] | Floats,
    kept: NDArray[np.bool_],
    window: tuple[float, float, float, float],
) -> Floats:
    """A part of an answer in the colours of what was sent.

    Where the answer is clipped at 0 or 255, it takes the colours that were clipped around it. At last the softness
    that the service's autoencoder gave to details is undone (`match_sharpness`). These two look at the part alone:
    enough of what was kept around the repair should be in it.

    Args:
        sent, answer, kept: [h, w, 3] and [h, w], that part; as for `match_colour` and `find_correction`. Floats
            where it was scaled.
        window: the part's left, top, right and bottom edge, in cells.

    Returns:
        [h, w, 3], as `match_colour`.
    """
    # whole rows: numpy is slow with axes as short as three channels
    gains = np.tile((1 / correction.gain).astype(np.float32), answer.shape[1])
    corrected: Floats = (answer.reshape(len(answer), -1) * gains).reshape(answer.shape)
    corrected += _enlarged(correction.field, kept.shape, window)
    cell = max(2, round(kept.shape[1] / (window[2] - window[0])))
    _restore_clipped(corrected, sent, eight_bits(answer), kept, cell)
    return match_sharpness(sent, corrected, ~kept)


def _grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    """Widened by `by` px, a square: two passes, whatever the radius."""
    (height, width), padded = mask.shape, np.pad(mask, by)
    rows = padded[:height].copy()
    for shift in range(1, 2 * by + 1):
        rows |= padded[shift : shift + height]
    grown = rows[:, :width].copy()
    for shift in range(1, 2 * by + 1):
        grown |= rows[:, shift : shift + width]
    return grown


def _each(values: Doubles) -> Doubles:
    """A value per channel, [C], for cells, [C, h, w]."""
    return values[:, None, None]


def _sums(values: NDArray[np.uint8] | Floats, cell: int) -> Doubles:
    """Sums over cells of [H, W, C], [C, h, w]; those at the right and lower edge may be of fewer px."""
    height, width, channels = values.shape
    padded = np.pad(values, ((0, -height % cell), (0, -width % cell), (0, 0)))
    # slice after slice: adding whole arrays is what numpy does ten times as fast as summing short axes
    lines = padded.reshape(-1, cell, padded.shape[1] * channels)
    rows: NDArray[Any] = lines[:, 0].astype(np.uint16 if values.dtype == np.uint8 else np.float64)
    for at in range(1, cell):
        rows += lines[:, at]
    columns = rows.reshape(len(rows), -1, cell, channels)
    sums: Doubles = columns[:, :, 0].astype(np.float64)
    for at in range(1, cell):
        sums += columns[:, :, at]
    return np.ascontiguousarray(np.moveaxis(sums, 2, 0))


def _cells(sent: NDArray[np.uint8], answer: NDArray[np.uint8], honest: NDArray[np.bool_], cell: int) -> _Cells:
    """Both pictures under one small Gaussian-like window that sees only what is `honest`, [H, W, 3]."""
    shown = np.negative(honest.view(np.uint8))  # all bits of each
    counts, sent_sums, answer_sums = (
        _blurred(_sums(values, cell), 0.6) for values in (honest.view(np.uint8), sent & shown, answer & shown)
    )
    # a cell of which little is left compares the window's far ends: no trust
    trust = np.where(counts >= cell * cell / 4, np.minimum(counts / (cell * cell), 1), 0)
    divisor = np.maximum(counts, 1)
    return _Cells(sent_sums / divisor, answer_sums / divisor, trust)


def _blurred(values: Doubles, sigma: float) -> Doubles:
    """A Gaussian of `sigma` cells along the last two axes of [C, h, w], zeros beyond the edges.

    Adds shifted copies. A product of matrices would be added up in an order that depends on the processor.
    """
    taps = _taps(sigma)
    reach = len(taps) // 2
    for axis in (1, 2):
        length = values.shape[axis]
        widths = [(0, 0)] * 3
        widths[axis] = (reach, reach)
        padded = np.moveaxis(np.pad(values, widths), axis, 0)
        total = taps[0] * padded[:length]
        for at, tap in enumerate(taps[1:], 1):
            total += tap * padded[at : at + length]
        values = np.ascontiguousarray(np.moveaxis(total, 0, axis))
    return values


@lru_cache(maxsize=4)
def _taps(sigma: float) -> tuple[float, ...]:
    """The weights of a Gaussian of `sigma` cells, from left to right; the last bits of `exp` depend on the processor,
    so they are rounded away."""
    reach = max(1, round(3 * sigma))
    weights = [math.exp(-0.5 * (at / sigma) ** 2) for at in range(-reach, reach + 1)]
    return tuple(round(weight / math.fsum(weights), 9) for weight in weights)


def _median(values: Doubles, trust: Doubles) -> float:
    """Of the values that have any trust; 0 where none has."""
    seen = values[trust > 0]
    return float(np.median(seen)) if seen.size else 0.0


def _agreement(residual: Doubles, trust: Doubles, centre: Doubles | float = 0.0) -> Doubles:
    """`trust` less what is out of line: Tukey's biweight of the residual, [C, …]; one channel speaks for all."""
    distance = np.zeros(residual.shape[1:])
    for away, seen in zip(np.abs(residual - centre), trust, strict=True):
        scale = max(LEAST_SCALE, _MAD * _median(away, seen))
        distance = np.maximum(distance, np.where(seen > 0, away / (_TUKEY * scale), 0))
    return np.asarray(trust * (1 - np.minimum(distance, 1) ** 2) ** 2)


def _fit(cells: _Cells) -> tuple[Doubles, Doubles, Doubles]:
    """Gain and offset, [3] each, of `answer = gain · sent + offset`; and the trust left to each cell, [3, h, w]."""
    sent, answer, trust = (each.reshape(3, -1) for each in cells)
    gain = np.ones(3)
    # from the median difference: least squares would start among the outliers
    offset = np.array([_median(*each) for each in zip(answer - sent, trust, strict=True)])
    for _ in range(_ROUNDS):
        weights = _agreement(answer - gain[:, None] * sent - offset[:, None], trust)
        weight = weights.sum(axis=1)
        total = np.maximum(weight, 1e-9)
        middle, shifted = ((weights * side).sum(axis=1) / total for side in (sent, answer))
        spread = sent - middle[:, None]
        weighted = weights * spread
        variance = (weighted * spread).sum(axis=1) / total
        covariance = (weighted * (answer - shifted[:, None])).sum(axis=1) / total
        # the prior gain of 1 counts as much as a contrast of LEAST_CONTRAST: decides in flat pictures only
        last, gain = gain, np.clip((covariance + LEAST_CONTRAST**2) / (variance + LEAST_CONTRAST**2), *GAIN_LIMITS)
        before, offset = offset, np.where(weight > 0, shifted - gain * middle, 0.0)
        if np.abs(offset - before).max() < SETTLED and np.abs(gain - last).max() * 255 < SETTLED:
            break
    gain = np.where(weight > 0, gain, 1.0)
    return gain, offset, weights.reshape(cells.trust.shape)


def _field(residual: Doubles, agreed: Doubles) -> Doubles:
    """What gain and offset left, smooth and continued to where nothing was kept, levels [C, h, w]."""
    field = np.zeros_like(residual)
    weights = agreed
    for _ in range(3):
        support = _blurred(weights, FIELD_REACH)
        field = np.divide(_blurred(weights * residual, FIELD_REACH), support, out=field, where=support > 1e-3)
        weights = _agreement(residual, agreed, field)
    unknown = support <= 1e-3
    alike = bool((unknown == unknown[:1]).all())  # but for what is clipped they are
    for channels in [slice(None)] if alike else [slice(each, each + 1) for each in range(len(field))]:
        hole = unknown[channels][0]
        known = np.moveaxis(field[channels], 0, 2)
        field[channels] = 0 if hole.all() else np.moveaxis(diffuse(known, hole), 2, 0)
    return np.clip(field, -FIELD_LIMIT, FIELD_LIMIT)


def _enlarged(field: Doubles, shape: tuple[int, ...], window: tuple[float, float, float, float]) -> Floats:
    """A value per cell, [h, w, C], as a smooth value per px, [*shape, C]: of a part whose edges are given in cells."""
    # beyond the edges it goes on as it is there: else the outermost half cells would be flat, with a crease beside them
    padded = np.pad(field, ((SUPPORT, SUPPORT), (SUPPORT, SUPPORT), (0, 0)), mode="edge").astype(np.float32)
    left, top, right, bottom = window
    box = (SUPPORT + left, SUPPORT + top, SUPPORT + right, SUPPORT + bottom)
    return resampled(padded, (shape[1], shape[0]), box)


def _restore_clipped(
    corrected: Floats, sent: NDArray[np.uint8], answer: NDArray[np.uint8], kept: NDArray[np.bool_], cell: int
) -> None:
    """Gives clipped areas what the clipping took, as seen where they were kept; in place.

    A white cloud that came back as 255 would be a grey 237 once a gain of 1.05 and 6 levels are undone.
    """
    for limit in (0, 255):
        if np.count_nonzero(answer == limit) < LEAST_PIXELS:
            continue
        # soft: 252 beside 255 is no edge
        depth = np.clip(1 - np.abs(np.arange(256, dtype=np.float32) - limit) / 4, 0, 1)
        for channel in range(3):
            clipped = kept & (answer[..., channel] == limit)
            if np.count_nonzero(clipped) < LEAST_PIXELS:
                continue
            counts = _sums(clipped.astype(np.float32)[..., None], cell)
            losses = _sums(np.where(clipped, sent[..., channel] - corrected[..., channel], 0)[..., None], cell)
            lost = np.divide(losses, counts, out=np.zeros_like(losses), where=counts > 0)
            trust = np.where(np.abs(lost) <= FIELD_LIMIT, counts / (cell * cell), 0)
            whole = (0, 0, kept.shape[1] / cell, kept.shape[0] / cell)
            field = _enlarged(np.moveaxis(_field(lost, trust), 0, 2), kept.shape, whole)[..., 0]
            corrected[..., channel] += depth[answer[..., channel]] * field
