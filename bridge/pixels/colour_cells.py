"""Sums over square cells of a picture, [C, h, w], and smooth fields that have a value per cell."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bridge.pixels.diffusion import diffuse
from bridge.pixels.imaging import SUPPORT, resampled

#: Levels. The least spread of an honest residual, and the most that a smooth field corrects.
LEAST_SCALE, FIELD_LIMIT = 0.5, 24.0
#: Cells: the standard deviation of the field's smoothing.
FIELD_REACH = 1.6

_TUKEY = 4.685  # 95 % efficiency on Gaussian residuals: P. J. Huber, "Robust Statistics", 1981, chapter 7
_MAD = 1.4826  # standard deviations per median absolute deviation, for Gaussian residuals
_LEAST_SUPPORT = 1e-3  # trust around a cell; with less, its value is continued from other cells

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def cell_sums(values: NDArray[np.uint8] | NDArray[np.bool_] | Floats, cell: int) -> Doubles:
    """Sums over cells of `cell` × `cell` px, [C, h, w], of [H, W, C]. Cells at the right and lower edge may be cut."""
    height, width, channels = values.shape
    whole = np.zeros((channels, height + -height % cell, width + -width % cell))
    whole[:, :height, :width] = np.moveaxis(values, 2, 0)
    # in whole slices: `np.add.reduceat` takes three times as long
    rows = np.asarray(sum(whole[:, at::cell] for at in range(cell)))
    return np.asarray(sum(rows[..., at::cell] for at in range(cell)))


def blurred(values: Doubles, sigma: float) -> Doubles:
    """A Gaussian of `sigma` cells along the last two axes of [C, h, w], with zeros beyond the edges.

    Adds shifted copies. BLAS would add up a product of matrices in an order that depends on the processor.
    """
    reach = max(1, round(3 * sigma))
    weights = [math.exp(-0.5 * (at / sigma) ** 2) for at in range(-reach, reach + 1)]
    # the last bits of `exp` depend on the processor, too
    taps = [round(weight / math.fsum(weights), 9) for weight in weights]
    for _axis in (1, 2):
        values = np.ascontiguousarray(values.swapaxes(1, 2))
        padded = np.pad(values, ((0, 0), (0, 0), (reach, reach)))
        values = np.asarray(sum(tap * padded[..., at : at + values.shape[2]] for at, tap in enumerate(taps)))
    return values


def median(values: Doubles, trust: Doubles) -> float:
    """The median of the values with any trust; 0.0 when none has any."""
    seen = values[trust > 0]
    return float(np.median(seen)) if seen.size else 0.0


def agreement(residual: Doubles, trust: Doubles, centre: Doubles | float = 0.0) -> Doubles:
    """`trust`, reduced for outliers by Tukey's biweight of the residual, all [C, …].

    An outlier in one channel counts as one in all channels.
    """
    distance = np.zeros(residual.shape[1:])
    for away, seen in zip(np.abs(residual - centre), trust, strict=True):
        scale = max(LEAST_SCALE, _MAD * median(away, seen))
        distance = np.maximum(distance, np.where(seen > 0, away / (_TUKEY * scale), 0))
    return np.asarray(trust * (1 - np.minimum(distance, 1) ** 2) ** 2)


def smooth_field(residual: Doubles, trust: Doubles) -> Doubles:
    """The residual, [C, h, w] levels, smoothed and continued into cells without trust; at most ±`FIELD_LIMIT`."""
    field, weights = np.zeros_like(residual), trust
    for _ in range(3):
        support = blurred(weights, FIELD_REACH)
        known = support > _LEAST_SUPPORT
        field = np.divide(blurred(weights * residual, FIELD_REACH), support, out=field, where=known)
        weights = agreement(residual, trust, field)
    seen = known.any(axis=(1, 2), keepdims=True)
    field = np.where(seen, field, 0)
    continued = diffuse(np.moveaxis(field, 0, 2), np.moveaxis(seen & ~known, 0, 2))
    return np.clip(np.moveaxis(continued, 2, 0), -FIELD_LIMIT, FIELD_LIMIT)


def enlarged(field: Doubles, shape: tuple[int, ...], window: tuple[float, float, float, float]) -> Floats:
    """A smooth value per px, float32 [*shape, C], of a value per cell, [h, w, C].

    Args:
        field: of the whole picture.
        shape: height and width of the result, px.
        window: the part that is wanted: its left, top, right and bottom edge, in cells.
    """
    # The field continues beyond its edges with the outermost values. Otherwise the outermost half cells would be flat,
    # with a visible crease beside them.
    padded = np.pad(field, ((SUPPORT, SUPPORT), (SUPPORT, SUPPORT), (0, 0)), mode="edge")
    left, top, right, bottom = (SUPPORT + edge for edge in window)
    return resampled(padded, (shape[1], shape[0]), (left, top, right, bottom))
