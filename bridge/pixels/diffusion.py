"""Fills holes with a smooth continuation of their surroundings, without structure."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Pixels = TypeVar("Pixels", NDArray[np.uint8], NDArray[np.uint16], NDArray[np.float32], NDArray[np.float64])


def diffuse(image: Pixels, hole: NDArray[np.bool_]) -> Pixels:
    """Push-pull interpolation of the pixels in `hole` from those outside it.

    S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.2: averages of the known pixels are pulled up a
    pyramid until nothing is unknown, then pushed down to where a finer level has no value.

    Args:
        image: [H, W, C], any number of channels, integer or floating point. Not changed. Values in the hole have no
            influence on the result.
        hole: [H, W], or [H, W, C] if the channels differ; true where a value is wanted.

    Returns:
        A new array of the same shape and dtype, exactly `image` outside the hole.

    Raises:
        ValueError: the sizes of hole and image differ, or the hole covers the whole image, or a whole channel.
    """
    if image.ndim != 3 or hole.shape not in (image.shape, image.shape[:2]):
        raise ValueError(f"image {image.shape} and hole {hole.shape} do not fit together")
    unknown = hole.reshape(*image.shape[:2], -1)
    if unknown.all(axis=(0, 1)).any():
        raise ValueError("the hole covers the whole image")
    known = np.where(unknown, 0, image).astype(np.float32)
    values = _push_pull(known, (~unknown).astype(np.float32))[hole]
    filled = image.copy()
    filled[hole] = np.rint(values) if np.issubdtype(image.dtype, np.integer) else values
    return filled


def _push_pull(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """`values`, [H, W, C] and 0 where unknown, completed; `weights`, [H, W, 1 or C], is the trust in each, 0.0–1.0."""
    if weights.min() >= 1:
        return values
    total = _halve(weights)
    coarse = np.divide(_halve(values * weights), total, out=_halve(values), where=total > 0)
    pushed = _double(_push_pull(coarse, np.minimum(total, 1)), values.shape[0], values.shape[1])
    return values * weights + pushed * (1 - weights)


def _halve(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums of blocks of 2 × 2 px; zeros complete an odd last row or column."""
    height, width, _channels = array.shape
    even = np.pad(array, ((0, height % 2), (0, width % 2), (0, 0)))
    rows = even[0::2] + even[1::2]
    return rows[:, 0::2] + rows[:, 1::2]


def _double(array: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Twice the size, cut to `height` × `width` px: bilinear, without shifting the picture."""
    for axis, length in ((0, height), (1, width)):
        lines = np.moveaxis(array, axis, 0)
        padded = np.concatenate((lines[:1], lines, lines[-1:]))
        doubled = np.empty((2 * len(lines), *lines.shape[1:]), np.float32)
        doubled[0::2] = 0.75 * lines + 0.25 * padded[:-2]
        doubled[1::2] = 0.75 * lines + 0.25 * padded[2:]
        array = np.moveaxis(doubled[:length], 0, axis)
    return array
