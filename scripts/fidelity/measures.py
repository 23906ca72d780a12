"""The measures of `fidelity.py` for how much two pictures differ. They share no code with the bridge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: px: side of the tiles that separate noise from structure.
TILE = 16
#: The share of all tiles that counts as flat.
FLAT = 0.5


def luma(picture: NDArray[np.uint8] | Floats) -> Floats:
    """ITU-R BT.709 weights of [H, W, 3], 0–255: [H, W]."""
    return picture.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def blurred(picture: NDArray[np.uint8] | Floats, sigma: float) -> Floats:
    """A Gaussian of `sigma` px, edges continued; [H, W] or [H, W, C]."""
    reach = int(4 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    result = picture.astype(np.float32)
    for axis in (0, 1):
        length = result.shape[axis]
        padded = np.pad(result, [(reach, reach) if a == axis else (0, 0) for a in range(result.ndim)], mode="edge")
        lines = np.moveaxis(padded, axis, 0)
        total = np.zeros_like(lines[:length])
        for shift, weight in enumerate(kernel):
            total += weight * lines[shift : shift + length]
        result = np.moveaxis(total, 0, axis)
    return result


def difference(one: Floats, other: Floats, where: NDArray[np.bool_]) -> float:
    """Mean absolute difference over all channels, levels."""
    return float(np.abs(one[where] - other[where]).mean())


def high_frequency_energy(
    picture: NDArray[np.uint8] | Floats,
    original: NDArray[np.uint8],
    edited: NDArray[np.bool_],
    around: NDArray[np.bool_],
) -> tuple[float, float]:
    """Mean square of what a Gaussian of 1.2 px takes from the luma, levels², in flat tiles inside and around.

    Flat are the half of the tiles where the original, blurred, has the smallest gradients: elsewhere the energy is
    texture's, not noise's.
    """
    grey = luma(picture)
    energy = _tiles((grey - blurred(grey, 1.2)) ** 2).mean(axis=(1, 3))
    slopes = _tiles(np.hypot(*np.gradient(blurred(luma(original), 3)))).mean(axis=(1, 3))
    values = []
    for where in (edited, around):
        whole = _tiles(where).all(axis=(1, 3))
        values.append(float(energy[whole & (slopes <= np.quantile(slopes[whole], FLAT))].mean()))
    return values[0], values[1]


def _tiles(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    rows, columns = plane.shape[0] // TILE, plane.shape[1] // TILE
    return plane[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Peak signal-to-noise ratio in dB, over the channels of the pixels in `where`."""
    error = float(((one[where].astype(np.float64) - other[where]) ** 2).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def ssim(one: NDArray[np.uint8], other: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Mean structural similarity of the luma over the pixels in `where`.

    Z. Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE Trans. Image
    Processing 13, 2004: a Gaussian window of 1.5 px, K1 = 0.01, K2 = 0.03.
    """
    x, y = luma(one), luma(other)
    mean_x, mean_y = blurred(x, 1.5), blurred(y, 1.5)
    var_x, var_y = blurred(x * x, 1.5) - mean_x**2, blurred(y * y, 1.5) - mean_y**2
    both = blurred(x * y, 1.5) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    index = (2 * mean_x * mean_y + c1) * (2 * both + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return float(index[where].mean())
