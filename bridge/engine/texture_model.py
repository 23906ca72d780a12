"""The default fill model: PatchMatch at a small scale says what belongs where, the photograph gives the texture.

PatchMatch alone at full scale takes several times as long, and leaves blurred patches where the hole is large.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from bridge.engine import patchmatch_model
from bridge.engine.fill import Fill, Hole, Rgb, check
from bridge.pixels.diffusion import diffuse
from bridge.pixels.flat_patches import luma
from bridge.pixels.imaging import is_gray
from bridge.pixels.texture import textured, window

#: px: the size of the coarse picture, and the radius of its patches. Of 16,000, 65,000 and 130,000 px and of the radii
#: 3 and 5, these came nearest to the truth in 25 holes (by little: docs/offline.md). Larger ones take longer.
COARSE_PIXELS, COARSE_RADIUS = 65_000, 3


def fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """Fill `hole` with texture from around it; interface as for `bridge.engine.fill.Fill`.

    A gray picture gets a gray answer. There is no limit to the size: large holes are filled from coarse to fine.

    Raises:
        ModelUnavailable: PatchMatch does not load on this computer.
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
    """PatchMatch's picture at `COARSE_PIXELS`, scaled up. Where hardly anything is outside the hole, a smooth one."""
    height, width = hole.shape
    scale = max(1, (hole.size / COARSE_PIXELS) ** 0.5)
    size = max(1, round(width / scale)), max(1, round(height / scale))
    small = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BOX))
    coverage = Image.fromarray(hole.astype(np.float32)).resize(size, Image.Resampling.BOX)
    small_hole = np.asarray(coverage) > 0
    if small_hole.all():
        return diffuse(rgb, hole)
    filled = Image.fromarray(patchmatch_model.fill(small, small_hole, seed, COARSE_RADIUS))
    return np.asarray(filled.resize((width, height), Image.Resampling.BICUBIC))
