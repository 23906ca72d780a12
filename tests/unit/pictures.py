"""Made-up photographs with something to remove, for tests that must not depend on files."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Scene(NamedTuple):
    """`truth` without the object, `rgb` with it, and the `hole` [H, W] that is to be filled."""

    truth: NDArray[np.uint8]
    rgb: NDArray[np.uint8]
    hole: NDArray[np.bool_]


def striped_wall(width: int = 160, height: int = 120, seed: int = 7) -> Scene:
    """Brick-like stripes with a camera's noise, and a magenta ball before them, 0–255, uint8 [H, W, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    stripes = 120 + 60 * ((x // 8) % 2) + 20 * ((y // 16) % 2)
    truth = np.stack([stripes, stripes * 0.8, stripes * 0.6], axis=2) + rng.normal(0, 6, (height, width, 3))
    truth = np.clip(truth, 0, 255).astype(np.uint8)
    distance = np.hypot(x - width // 2, y - height // 2)
    rgb = truth.copy()
    rgb[distance < height // 6] = (255, 0, 255)
    return Scene(truth, rgb, distance < height // 6 + 3)
