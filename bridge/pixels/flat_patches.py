"""Finds the flat patches of a picture. What varies within them is noise, not detail."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

#: px. Noise is measured in square patches of this size.
PATCH = 16
#: At most so many patches are examined; fewer than the second number are no measurement.
MOST_PATCHES, LEAST_PATCHES = 3000, 12
#: The picture's brightness is divided into so many tones.
TONES = 12
#: Patches with up to so many times the variance of the flattest tenth count as noise: 256 px of correlated noise vary
#: by about 20 %, so this keeps all of them and little else. JPEG makes faint noise uneven: `UNEVENNESS`, in levels²,
#: is allowed on top.
NOISE_SPREAD, UNEVENNESS = 2.0, 1.0
#: How much noisier (variance) than the quietest tone a tone may be before it counts as texture. The limit does not
#: apply to a tone that is as even as noise: the median variance of its patches is at most `EVEN` times that of the
#: lowest tenth, which is at most `EVEN_STRONGEST` levels (standard deviation).
TONE_SPREAD, EVEN, EVEN_STRONGEST = 6.0, 1.8, 8.0

#: Each channel's weight in the luma: ITU-R BT.709 for three channels, 1 for gray.
_WEIGHTS = {3: np.array([0.2126, 0.7152, 0.0722], np.float32), 1: np.ones(1, np.float32)}
#: Levels. Noise is cut off in patches whose mean luma lies outside.
_BLACK, _WHITE = 4, 251

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Patches(NamedTuple):
    """Flat patches of a picture.

    Attributes:
        noise: each patch less its plane and curvature, float32 [n, C, PATCH, PATCH], levels; C is 3, or 1 for gray.
        luma: each patch's mean luma, float32 [n], 0–255.
        variance: the variance of each patch's luma, float32 [n], levels².
    """

    noise: Floats
    luma: Floats
    variance: Floats


def flat_patches(pixels: NDArray[np.uint8] | Floats, where: Mask) -> Patches | None:
    """The patches that lie inside `where` and show noise alone.

    Args:
        pixels: [H, W, C], 0–255; C is 3, or 1 for gray.
        where: [H, W].

    Returns:
        None when there are too few of them to measure the noise.
    """
    if (patches := _examined(pixels, where)) is None:
        return None
    quietest = float(np.percentile(patches.variance, 10))
    flat = np.zeros(len(patches.luma), np.bool_)
    borders = np.quantile(patches.luma, np.linspace(0, 1, TONES + 1)[1:-1])
    for tone in range(TONES):
        of_tone = np.digitize(patches.luma, borders) == tone
        if np.count_nonzero(of_tone) >= LEAST_PATCHES // 2:
            base, middle = np.percentile(patches.variance[of_tone], (10, 50))
            if middle > EVEN * base or base > EVEN_STRONGEST**2:
                base = min(base, TONE_SPREAD * quietest)
            flat |= of_tone & (patches.variance <= NOISE_SPREAD * base + UNEVENNESS)
    return Patches(*(each[flat] for each in patches)) if np.count_nonzero(flat) >= LEAST_PATCHES else None


def luma(pixels: NDArray[np.uint8] | Floats, axis: int = -1) -> Floats:
    """The luma, 0–255, of pixels whose 3 channels, or 1, lie along `axis`; the result lacks that axis."""
    return weighted(pixels, _WEIGHTS[pixels.shape[axis]], axis)


def weighted(channels: NDArray[np.uint8] | Floats, weights: Floats, axis: int) -> Floats:
    """The weighted sum along an axis; the result lacks that axis.

    Adds the channels one after the other. BLAS adds in an order that depends on the processor.
    """
    planes = zip(weights, np.moveaxis(channels, axis, 0), strict=True)
    return np.asarray(sum(weight * plane for weight, plane in planes))


def _examined(pixels: NDArray[np.uint8] | Floats, where: Mask) -> Patches | None:
    """At most `MOST_PATCHES` patches inside `where`, evenly spread, none of them black or white."""
    if min(where.shape) < PATCH:
        return None
    step = max(PATCH // 2, math.isqrt(where.size // (4 * MOST_PATCHES)))
    while np.count_nonzero(inside := _windows(where, step).all(axis=(2, 3))) > MOST_PATCHES:
        step += PATCH // 4
    patches = _windows(pixels, step)[inside].astype(np.float32, order="C")
    lines = patches.reshape(*patches.shape[:2], PATCH * PATCH)
    mean = luma(lines, axis=1).mean(axis=1)
    seen = (mean > _BLACK) & (mean < _WHITE)
    if np.count_nonzero(seen) < LEAST_PATCHES:
        return None
    flattened = _without_trend(lines[seen])
    variance = (luma(flattened, axis=1) ** 2).mean(axis=1)
    return Patches(flattened.reshape(len(flattened), -1, PATCH, PATCH), mean[seen], variance)


def _windows(values: NDArray[Any], step: int) -> NDArray[Any]:
    """All windows of `PATCH` px, every `step` px: [rows, columns, (C,) PATCH, PATCH] of [H, W(, C)]."""
    return sliding_window_view(values, (PATCH, PATCH), axis=(0, 1))[::step, ::step]


def _without_trend(lines: Floats) -> Floats:
    """Each patch and channel, [n, C, px], less its best quadratic surface: shading is not noise.

    The Legendre polynomials of a grid are orthogonal, so they can be subtracted one by one in any order.
    """
    linear = np.linspace(-1, 1, PATCH)
    powers = np.ones(PATCH), linear, linear**2 - (linear**2).mean()
    remainder = lines.copy()
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)):
        surface = np.outer(powers[down], powers[across]).ravel()
        surface = (surface / math.sqrt((surface**2).sum())).astype(np.float32)
        remainder -= (lines * surface).sum(axis=-1, keepdims=True) * surface
    return remainder
