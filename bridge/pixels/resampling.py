"""Scales pictures without rounding to whole levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]

#: How far the Lanczos filter reaches to each side, in px of the smaller picture.
SUPPORT = 3


def resampled(
    pixels: NDArray[Any], size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Floats:
    """Scales a picture, or a part of it, with Pillow's Lanczos filter.

    Pillow adds in a fixed order and in double precision, here for one channel at a time. So equal channels stay equal,
    and the result is the same on every processor.

    Args:
        pixels: [H, W, C], of any type of number.
        size: width and height of the result, px.
        box: left, top, right and bottom edge of the part, px; None for the whole picture.

    Returns:
        float32 [height, width, C], not rounded; it exceeds the range of `pixels` where the filter overshoots.
    """
    planes = (Image.fromarray(plane.astype(np.float32)) for plane in np.moveaxis(pixels, 2, 0))
    return np.dstack([np.asarray(plane.resize(size, Image.Resampling.LANCZOS, box=box)) for plane in planes])
