"""The default fill model: a coarse picture says what belongs where, the photograph around the hole gives its texture.

The coarse picture is MI-GAN's where that is installed, and otherwise PatchMatch's at a quarter of the scale.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from bridge.engine import ModelUnavailable, migan_model, models, patchmatch_model
from bridge.engine.fill import MODEL_PIXELS, Fill, Hole, Rgb, check
from bridge.pixels.diffusion import diffuse
from bridge.pixels.flat_patches import luma
from bridge.pixels.imaging import is_gray
from bridge.pixels.texture import textured, window

#: PatchMatch makes the coarse picture so many times smaller; even smaller above `MODEL_PIXELS`.
SMALLER = 4


def fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """Fill `hole` with texture from around it; interface as for `bridge.engine.fill.Fill`.

    A gray picture gets a gray answer. There is no limit to the size: large holes are filled from coarse to fine.

    Raises:
        ModelUnavailable: there is neither MI-GAN nor PatchMatch on this computer.
        ValueError: the arrays do not fit together, or the hole covers everything.
    """
    return fill_along(coarse, rgb, hole, seed)


def fill_along(coarse_fill: Fill, rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """Like `fill`, with the coarse picture of any fill model."""
    check(rgb, hole)
    if not hole.any():
        return rgb.copy()
    rows, columns = window(hole)
    part, inside = rgb[rows, columns], hole[rows, columns]
    picture = np.where(inside[..., None], coarse_fill(part, inside, seed), part)
    colours = luma(picture)[..., None] if is_gray(part[~inside]) else picture.astype(np.float32)
    filled = np.clip(np.rint(textured(colours, inside, seed)), 0, 255).astype(np.uint8)
    answer = rgb.copy()
    answer[rows, columns][inside] = filled[inside]
    return answer


def coarse(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """MI-GAN's picture, or `coarse_by_patches`."""
    if models.find_model() is not None:
        try:
            return migan_model.fill(rgb, hole, seed)
        except ModelUnavailable:  # the file is damaged, or its library is missing: the doctor says so
            pass
    return coarse_by_patches(rgb, hole, seed)


def coarse_by_patches(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """PatchMatch's picture at a small scale, scaled up."""
    height, width = hole.shape
    scale = SMALLER * max(1, (hole.size / MODEL_PIXELS) ** 0.5)
    size = max(1, round(width / scale)), max(1, round(height / scale))
    small = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    coverage = Image.fromarray(hole.astype(np.float32)).resize(size, Image.Resampling.BOX)
    small_hole = np.asarray(coverage) > 0
    if small_hole.all():
        return diffuse(rgb, hole)
    filled = Image.fromarray(patchmatch_model.fill(small, small_hole, seed))
    return np.asarray(filled.resize((width, height), Image.Resampling.BICUBIC))
