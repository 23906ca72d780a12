"""Scales pictures without rounding them to whole levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

#: px to each side that a Lanczos window reaches, of the smaller picture.
SUPPORT = 3


def resampled(
    pixels: NDArray[np.uint8] | Floats, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Floats:
    """A picture, or a part of it, in another size, by Pillow's Lanczos filter.

    Pillow scales one channel at a time, always in the same order and in double precision. So equal channels stay
    equal, and the result is the same on every processor.

    Args:
        pixels: [H, W, C].
        size: width and height, px.
        box: left, top, right and bottom edge of the part, px; None: all of it.

    Returns:
        [height, width, C]; not rounded, and beyond the range of `pixels` by what the filter overshoots.
    """
    scaled = np.empty((size[1], size[0], pixels.shape[2]), np.float32)
    for channel in range(pixels.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(pixels[..., channel], dtype=np.float32))
        scaled[..., channel] = np.asarray(plane.resize(size, Image.Resampling.LANCZOS, box=box))
    return scaled
