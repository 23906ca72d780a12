"""The fill model PatchMatch: fills a hole with patches of the same photograph.

C. Barnes et al., "PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing",
SIGGRAPH 2009, as implemented by PyPatchMatch 2.2.0 (MIT).
"""

from __future__ import annotations

import threading

import numpy as np
import patchmatch

from bridge.common.i18n import _
from bridge.engine import ModelUnavailable
from bridge.engine.fill import Hole, Rgb, fill_hole

#: px; patches are 11 × 11. Judged on five photographs at 1 MP: radius 3 bends or breaks long edges at the hole's
#: border, radius 5 keeps them straight and takes 1.8 times as long, radius 7 takes 4 times as long and is no better.
PATCH_RADIUS = 5

#: px; the radius for holes of more than `LARGE_HOLE` px, where time grows faster than the hole.
LARGE_HOLE_RADIUS = 3
LARGE_HOLE = 250_000

# The library has one seed per process: no other thread may change it between setting and using it.
_seed_lock = threading.Lock()


def fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """Fill `hole` with patches from elsewhere in `rgb`; interface as for `bridge.engine.fill.Fill`.

    The library's seed has 32 bits. Seeds are taken modulo 2³², so 1…4 294 967 296 stay distinct (the last becomes 0).
    Calls from several threads run one after another. The library prints nothing to stdout, which carries messages.

    Raises:
        ModelUnavailable: the library does not load on this computer.
        ValueError: the arrays do not fit together, or the hole covers everything.
    """
    if not patchmatch.patchmatch_available:
        sentence = _(
            "The offline engine's PatchMatch library does not load on this computer: use Photio with an API key."
        )
        raise ModelUnavailable(sentence)
    return fill_hole(_fill, rgb, hole, seed)


def _fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    radius = PATCH_RADIUS if np.count_nonzero(hole) <= LARGE_HOLE else LARGE_HOLE_RADIUS
    with _seed_lock:
        patchmatch.set_random_seed(seed % 2**32)
        return np.asarray(patchmatch.inpaint(rgb, hole, patch_size=radius))
