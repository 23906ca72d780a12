"""The interface of the fill models, and their size limit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rgb = NDArray[np.uint8]
Hole = NDArray[np.bool_]

#: fill(rgb, hole, seed) -> rgb. `rgb` is uint8 [H, W, 3]. `hole` is bool [H, W], true where to fill, and does not
#: cover everything. `seed` is 1–4 294 967 296. Returns a new array that equals `rgb` outside the hole; the same seed
#: gives the same result. Raises `ModelUnavailable` when the model is not installed.
Fill = Callable[[Rgb, Hole, int], Rgb]

#: px; larger images are scaled down first. Time and memory of PatchMatch and MI-GAN grow with the area.
MODEL_PIXELS = 1_500_000


def check(rgb: Rgb, hole: Hole) -> None:
    """Check the arguments of a `Fill`.

    Raises:
        ValueError: the arrays do not fit together, or the hole covers everything.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or hole.shape != rgb.shape[:2]:
        raise ValueError(f"an image of {rgb.dtype} {rgb.shape} and a hole of {hole.shape} do not fit together")
    if hole.all():
        raise ValueError("the hole covers the whole image")


def fill_hole(model: Fill, rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """Run `model` on at most `MODEL_PIXELS` and use only the hole from its answer.

    Arguments and result as for `Fill`.

    Raises:
        ValueError: the arrays do not fit together, or the hole covers everything.
    """
    check(rgb, hole)
    if not hole.any():
        return rgb.copy()
    height, width = hole.shape
    scale = (MODEL_PIXELS / (height * width)) ** 0.5
    if scale >= 1:
        return np.where(hole[..., None], model(rgb, hole, seed), rgb)
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    # A box filter mixes only the pixels that it merges: every small pixel that contains any hole becomes hole.
    small = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    coverage = Image.fromarray(hole.astype(np.float32)).resize(size, Image.Resampling.BOX)
    small_hole = np.asarray(coverage) > 0
    if small_hole.all():
        raise ValueError("the hole leaves too little of the image to continue from")
    answer = Image.fromarray(model(small, small_hole, seed)).resize((width, height), Image.Resampling.BICUBIC)
    return np.where(hole[..., None], np.asarray(answer), rgb)
