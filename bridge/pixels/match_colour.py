"""Undoes what the service did to colours and sharpness that it should have kept.

It is measured around the repair, and corrected everywhere.
"""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bridge.pixels.colour_cells import FIELD_LIMIT, agreement, blurred, cell_sums, enlarged, median, smooth_field

#: px. Colours are compared as averages over cells of this size, so that neither noise nor blur biases the gain.
CELL = 16
#: Every second row and column is compared: the average of a cell needs no more.
EVERY = 2
#: px around the repair that are not compared: the service blends there.
GUARD = 3
#: How much must be left around the repair: px (and px with detail, to compare that), and share of the picture.
LEAST_PIXELS, LEAST_SHARE = 256, 0.01
#: A service that keeps a picture recognisable stays within these gains. Beyond them the fit has found something else.
GAIN_LIMITS = (0.8, 1.25)
#: Levels. Answers beyond these may have been clipped and say nothing about the gain.
DARKEST, BRIGHTEST = 2, 253
#: Levels. With less contrast a gain cannot be distinguished from an offset.
LEAST_CONTRAST = 3.0
#: Levels. The fit ends when a round moves it by less.
SETTLED = 0.01

#: The most that details are strengthened. 2.0 undoes a Gaussian of 0.7 px; more would cause ringing.
LARGEST_AMOUNT = 2.0
#: Sharpening must remove at least this share of the squared difference between what was sent and what came back:
#: blur is not the only thing that changes details.
LEAST_GAIN = 0.3
#: Levels. Details below the first are left alone, and above the second they count fully: the steps of an 8-bit
#: gradient and faint noise are not to be strengthened.
FAINT, CLEAR = 1.0, 3.0
#: Levels. A pixel that differs by more was changed, not blurred.
LARGEST_DIFFERENCE = 48.0
_SHARPNESS_EVERY = 8  # softness is measured in every 8th row: detail is everywhere
_ROUNDS = 8

Levels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Correction(NamedTuple):
    """How to undo what a service did to colours: divide by `gain`, then add `field`."""

    gain: Doubles  #: for each channel, [3]
    field: Doubles  #: levels for each cell, [h, w, 3]


def match_colour(sent: Levels, answer: Levels | Floats, edited: Mask) -> Floats:
    """The answer in the colours of the picture that was sent: `find_correction`, then `correct`.

    Args:
        sent: [H, W, 3], sRGB, 0–255: what the service got.
        answer: [H, W, 3], sRGB, 0–255: what it gave back.
        edited: [H, W]; true where the service was to regenerate.

    Returns:
        float32 [H, W, 3], sRGB, not rounded and possibly slightly beyond 0–255.

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


def kept_around(edited: Mask) -> Mask:
    """Where a service should have kept what it got, [H, W]: further than `GUARD` px from what is `edited`."""
    # a blurred 255 is above 0 wherever the box reaches, and Pillow's maximum filter takes ten times as long
    near = Image.fromarray(edited.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(GUARD))
    return np.asarray(np.asarray(near) == 0)


def sampled(pixels: NDArray[Any], every: int) -> NDArray[Any]:
    """Every `every`th row and column."""
    return np.ascontiguousarray(pixels[every // 2 :: every, every // 2 :: every])


def eight_bits(levels: Levels | Floats) -> Levels:
    """Levels rounded to whole ones, 0–255."""
    whole = levels if levels.dtype == np.uint8 else np.clip(np.rint(levels), 0, 255)
    return whole.astype(np.uint8, copy=False)


def find_correction(sent: Levels, answer: Levels, kept: Mask, cell: int) -> Correction | None:
    """Measures what a service did to colours that it should have kept.

    Fits `answer = gain · sent + offset` for each channel by iteratively reweighted least squares (P. J. Huber, "Robust
    Statistics", 1981, chapter 7). Tukey's biweight excludes what the service really changed. The residual is then
    continued smoothly into the repair.

    Args:
        sent, answer: [H, W, 3], sRGB, 0–255: what the service got and gave back, or evenly spread px of them.
        kept: [H, W]: `kept_around` the repair, for the same px.
        cell: the size of a cell, counted in these px.

    Returns:
        None where too little was kept to compare: under 1 %, or under 256 of these px.
    """
    count = int(np.count_nonzero(kept))
    if count < LEAST_PIXELS or count < LEAST_SHARE * kept.size:
        return None
    honest = kept[..., None] & (answer >= DARKEST) & (answer <= BRIGHTEST)
    # averages by a small Gaussian-like window over what is honest, levels [3, h, w]
    counts, *sums = (blurred(cell_sums(values, cell), 0.6) for values in (honest, sent * honest, answer * honest))
    # where little is left of a cell, the far ends of the window would be compared: no trust
    trust = np.where(counts >= cell * cell / 4, np.minimum(counts / (cell * cell), 1), 0).reshape(3, -1)
    given, got = (each.reshape(3, -1) / np.maximum(counts, 1).reshape(3, -1) for each in sums)
    gain, offset, agreed = _fit(given, got, trust)
    field = smooth_field((given - (got - offset) / gain).reshape(counts.shape), agreed.reshape(counts.shape))
    return Correction(gain[:, 0], np.moveaxis(field, 0, 2) - (offset / gain)[:, 0])


def correct(
    correction: Correction,
    sent: Levels,
    answer: Levels | Floats,
    kept: Mask,
    window: tuple[float, float, float, float],
) -> Floats:
    """A part of an answer in the colours of what was sent.

    Where the answer is clipped at 0 or 255, it gets the colours that were clipped around it. In the end the softness
    that the service's autoencoder gave to details is undone (`match_sharpness`). Both steps see this part only, so it
    should include enough of what was kept around the repair.

    Args:
        sent, answer, kept: that part, [h, w, 3] and [h, w]: as for `match_colour` and `find_correction`; `answer` is
            float32 where it was scaled.
        window: the part's left, top, right and bottom edge, in cells.

    Returns:
        float32 [h, w, 3], as `match_colour`.
    """
    corrected = answer * (1 / correction.gain).astype(np.float32)
    corrected += enlarged(correction.field, kept.shape, window)
    cell = max(2, round(kept.shape[1] / (window[2] - window[0])))
    _restore_clipped(corrected, sent, eight_bits(answer), kept, cell)
    return match_sharpness(sent, corrected, ~kept)


def _fit(sent: Doubles, answer: Doubles, trust: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Gain and offset, [3, 1] each, of `answer = gain · sent + offset`; and the trust left to each cell, [3, n].

    Args:
        sent, answer, trust: averages of cells, levels, and the trust in each, 0.0–1.0; [3, n].
    """

    def sums(values: Doubles) -> Doubles:
        return np.asarray(values.sum(axis=1, keepdims=True))

    gain = np.ones((3, 1))
    # starts from the median difference: least squares would start among the outliers
    offset = np.array([[median(*each)] for each in zip(answer - sent, trust, strict=True)])
    for _ in range(_ROUNDS):
        weights = agreement(answer - gain * sent - offset, trust)
        weight = sums(weights)
        total = np.maximum(weight, 1e-9)
        middle, shifted = (sums(weights * side) / total for side in (sent, answer))
        spread = sent - middle
        variance = sums(weights * spread * spread) / total
        covariance = sums(weights * spread * (answer - shifted)) / total
        # the prior gain of 1 counts as much as a contrast of LEAST_CONTRAST, so it decides in flat pictures only
        last, gain = gain, np.clip((covariance + LEAST_CONTRAST**2) / (variance + LEAST_CONTRAST**2), *GAIN_LIMITS)
        before, offset = offset, np.where(weight > 0, shifted - gain * middle, 0.0)
        if np.abs(offset - before).max() < SETTLED and np.abs(gain - last).max() * 255 < SETTLED:
            break
    return np.where(weight > 0, gain, 1.0), offset, weights


def _restore_clipped(corrected: Floats, sent: Levels, answer: Levels, kept: Mask, cell: int) -> None:
    """Gives clipped areas back what clipping took, as measured where they were kept; in place.

    Without this, a white cloud that came back as 255 would become a grey 237 once a gain of 1.05 and 6 levels are
    undone.
    """
    whole = (0, 0, kept.shape[1] / cell, kept.shape[0] / cell)
    for limit, channel in product((0, 255), range(3)):
        clipped = kept & (answer[..., channel] == limit)
        if np.count_nonzero(clipped) < LEAST_PIXELS:
            continue
        losses = np.where(clipped, sent[..., channel] - corrected[..., channel], 0)
        count, loss = (cell_sums(values[..., None], cell) for values in (clipped, losses))
        lost = np.divide(loss, count, out=np.zeros_like(loss), where=count > 0)
        trust = np.where(np.abs(lost) <= FIELD_LIMIT, count / (cell * cell), 0)
        field = enlarged(np.moveaxis(smooth_field(lost, trust), 0, 2), kept.shape, whole)[..., 0]
        # soft: there is no edge between 252 and 255
        depth = np.clip(1 - np.abs(np.arange(256, dtype=np.float32) - limit) / 4, 0, 1)
        corrected[..., channel] += depth[answer[..., channel]] * field


def match_sharpness(sent: Levels, answer: Floats, edited: Mask) -> Floats:
    """The answer, as sharp as the picture that was sent.

    Sharpens with an unsharp mask (a 3 × 3 px binomial low-pass). Least squares fit its amount to `sent − answer`
    outside `edited`. So the result is never sharper than what was sent, and noise in the answer lowers the amount.

    Args:
        sent: [H, W, 3], sRGB, 0–255: what the service got.
        answer: [H, W, 3], 0.0–255.0, in the colours of `sent` already.
        edited: [H, W]; true where the service was to regenerate.

    Returns:
        float32 [H, W, 3], 0.0–255.0; `answer` itself when it is not measurably softer.

    Raises:
        ValueError: the arrays do not fit together.
    """
    if sent.ndim != 3 or answer.shape != sent.shape or edited.shape != sent.shape[:2]:
        raise ValueError(f"pictures of {sent.shape} and {answer.shape} and {edited.shape} do not fit together")
    amount = _amount(sent, answer, edited) if min(edited.shape) >= 3 else 0.0
    if amount == 0:
        return answer
    padded = np.pad(answer, ((1, 1), (0, 0), (0, 0)), mode="edge")
    return _details(padded[:-2], padded[1:-1], padded[2:]) * np.float32(amount) + answer


def _amount(sent: Levels, answer: Floats, edited: Mask) -> float:
    """How much of its own details the answer lacks, 0.0–`LARGEST_AMOUNT`."""
    rows = slice(1, len(answer) - 1, _SHARPNESS_EVERY)
    middle = answer[rows]
    details = _details(answer[:-2:_SHARPNESS_EVERY][: len(middle)], middle, answer[2::_SHARPNESS_EVERY][: len(middle)])
    missing = sent[rows] - middle
    counted = ~edited[rows][..., None] & (details != 0) & (np.abs(missing) < LARGEST_DIFFERENCE)
    if np.count_nonzero(counted) < LEAST_PIXELS:
        return 0.0
    x, y = details[counted], missing[counted]
    amount = min(max(_product(x, y) / max(_product(x, x), 1e-9), 0.0), LARGEST_AMOUNT)
    left, before = y - np.float32(amount) * x, _product(y, y)
    return amount if before > 0 and 1 - _product(left, left) / before >= LEAST_GAIN else 0.0


def _product(x: Floats, y: Floats) -> float:
    """The scalar product of [n] and [n]. Not `np.dot`: BLAS adds in an order that depends on the processor."""
    return float((x * y).sum(dtype=np.float64))


def _details(above: Floats, here: Floats, below: Floats) -> Floats:
    """What a 3 × 3 px binomial low-pass removes from the rows `here`; faint details are reduced to 0."""
    low = above + below + here + here
    padded = np.pad(low, ((0, 0), (1, 1), (0, 0)), mode="edge")
    high = (padded[:, :-2] + padded[:, 2:] + low + low) * np.float32(-1 / 16) + here
    trust = (np.abs(high) - np.float32(FAINT)) * np.float32(1 / (CLEAR - FAINT))
    return np.asarray(high * np.clip(trust, 0, 1))
