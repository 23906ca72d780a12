"""Gives a repair the grain of the photograph around it, where the repair came back smoother."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge.pixels.flat_patches import LEAST_PATCHES, PATCH, TONES, Patches, flat_patches, luma, weighted
from bridge.pixels.imaging import is_gray

#: Of the flat patches at most so many are used for the power spectrum. They give the power at each frequency to 3 %;
#: more take longer and change nothing visible.
MOST_SPECTRA = 500
#: px around the repair in which the photograph's noise is measured, if there are enough flat patches.
NEAR = 96
#: Levels, standard deviation of the luma. Less is 8-bit rounding (0.29) or no noise; more is texture.
FAINTEST, STRONGEST = 0.4, 16.0
#: A repair with more than this share of its surroundings' noise power stays as it is.
ENOUGH = 0.9
#: px. The noise repeats after this distance, which nobody sees, and its cost stays small.
TILE = 1024

#: The last bits of a cosine, of a Fourier transform and of an eigenvector depend on the processor. Values that could
#: show them in the result are rounded: windows, axes and noise to so many decimals, spectra to float32.
_DECIMALS = 6
_WINDOW = np.outer(*[np.round(np.hanning(PATCH + 2)[1:-1], _DECIMALS)] * 2)

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Grain(NamedTuple):
    """The photograph's grain around a repair. C is 3, or 1 where the photograph is gray.

    Attributes:
        around: the flat patches around the repair.
        tones, levels: float32 [k] each, 0–255: at which luma the grain has which standard deviation.
        axes: the principal colours of the grain, float32 [C, C] in columns.
        power: the power of each principal colour at each frequency, float32 [PATCH, PATCH, C], relative to `levels`.
    """

    around: Patches
    tones: Floats
    levels: Floats
    axes: Floats
    power: Floats


def grain_around(original: NDArray[np.uint8] | Floats, edited: Mask) -> Grain | None:
    """Measures the photograph's grain, for `match_grain`. It needs no answer and takes most of the time.

    Args:
        original: [H, W, 3], 0–255: the photograph, with some of the repair's surroundings.
        edited: [H, W]; true where the repair will be shown.

    Returns:
        None when the photograph has no measurable noise.

    Raises:
        ValueError: the arrays do not fit together.
    """
    if original.ndim != 3 or original.shape[2] != 3 or edited.shape != original.shape[:2]:
        raise ValueError(f"a picture of {original.shape} and a repair of {edited.shape} do not fit together")
    box = _bounds(edited)
    around = None if box is None else _surroundings(original[..., :1] if is_gray(original) else original, edited, box)
    if around is None:
        return None
    tones, levels = _levels(around)
    relative = _relative(around, tones, levels)
    axes = _principal_axes(relative.reshape(len(relative), -1, PATCH * PATCH))
    return Grain(around, tones, levels, axes, _power(relative, axes))


def match_grain(colours: Floats, edited: Mask, grain: Grain, seed: int) -> Floats:
    """Adds the noise that a repair lacks, with the level, spatial correlation and colour of its surroundings.

    Compares the power spectra (Hann-windowed periodograms: P. D. Welch, IEEE Trans. Audio Electroacoustics 15, 1967)
    of flat patches around and inside the repair. The comparison is made for each principal colour of the grain,
    relative to the photograph's noise at the patch's brightness. Gaussian noise fills up the power that the repair
    lacks at a frequency; nothing is ever removed. The power of independent noise adds up, so the sum has the spectrum
    of the surroundings.

    Args:
        colours: [H, W, 3], 0.0–255.0: the repair, in canvas px.
        edited: [H, W]; true where the repair will be shown.
        grain: the photograph's grain there.
        seed: any whole number; the same seed gives the same noise.

    Returns:
        float32 [H, W, 3], 0.0–255.0, a new array. It equals `colours` outside `edited`, and everywhere when the
        repair has as much noise as the photograph or is too small to tell.

    Raises:
        ValueError: the arrays do not fit together.
    """
    if colours.ndim != 3 or colours.shape[2] != 3 or edited.shape != colours.shape[:2]:
        raise ValueError(f"a picture of {colours.shape} and a repair of {edited.shape} do not fit together")
    result = colours.astype(np.float32)
    box = _bounds(edited)
    if box is None:
        return result
    inside, part = edited[box], result[box]
    missing = np.maximum(grain.power - _power_inside(part, inside, grain), 0)
    if missing.sum() < (1 - ENOUGH) * grain.power.sum():
        return result
    strength = np.interp(luma(part), grain.tones, grain.levels).astype(np.float32) * inside
    noise = _noise(missing, inside.shape, seed)
    to_rgb = np.broadcast_to(grain.axes, (3, len(grain.axes)))  # gray grain is the same in all channels
    added = np.stack([weighted(noise, axis, 2) for axis in to_rgb], axis=-1)
    added *= strength[..., None]
    added += part
    np.clip(added, np.minimum(part, 0), np.maximum(part, 255), out=part)
    return result


def kept_grain(colours: Floats, original: NDArray[np.uint8] | Floats, edited: Mask) -> float:
    """The share of the photograph's fine detail that is left where nothing was to change: 0.0 none, 1.0 all of it.

    A service that removes grain does so everywhere, and so does scaling the crop down and up again. If the
    surroundings kept their grain, a smooth repair shows something smooth, such as snow beside rocks: grain would
    spoil it.

    Args:
        colours, edited: as for `match_grain`.
        original: as for `grain_around`.

    Returns:
        The median of the share over all unedited squares of `PATCH` px. Detail is the power of the differences
        between neighbouring px. 1.0 where the photograph has no detail.
    """
    rows, columns = (side // PATCH for side in edited.shape)

    def squares(values: Floats) -> Floats:
        whole = values[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
        return np.asarray(whole.mean(axis=(1, 3)))

    def detail(pixels: NDArray[np.uint8] | Floats) -> Floats:
        differences = np.diff(np.diff(luma(pixels), axis=0), axis=1) ** 2
        return squares(np.pad(differences, ((1, 0), (1, 0))))

    before = detail(original)
    # such differences of white noise have four times its variance
    compared = (squares(edited.astype(np.float32)) == 0) & (before > 4 * FAINTEST**2)
    return float(np.median(detail(colours)[compared] / before[compared])) if compared.any() else 1.0


def _bounds(mask: Mask) -> tuple[slice, slice] | None:
    """The rows and columns that hold all true values; None when there are none."""
    found = Image.fromarray(mask).getbbox()
    return (slice(found[1], found[3]), slice(found[0], found[2])) if found else None


def _surroundings(original: NDArray[np.uint8] | Floats, edited: Mask, box: tuple[slice, slice]) -> Patches | None:
    """Flat patches near the repair, or else anywhere; None when they show no measurable noise."""
    near = tuple(slice(max(0, side.start - NEAR), side.stop + NEAR) for side in box)
    for part in ((near[0], near[1]), (slice(None), slice(None))):
        if (patches := flat_patches(original[part], ~edited[part])) is not None:
            sigma = math.sqrt(patches.variance.mean())
            return patches if FAINTEST <= sigma <= STRONGEST else None
    return None


def _levels(patches: Patches) -> tuple[Floats, Floats]:
    """The standard deviation of the noise at each luma: luma and levels, [k] each, for `np.interp`."""
    count = max(1, min(TONES, len(patches.luma) // LEAST_PATCHES))
    groups = np.array_split(np.argsort(patches.luma, kind="stable"), count)
    tones = np.array([patches.luma[group].mean() for group in groups], np.float32)
    levels = np.array([patches.variance[group].mean() for group in groups], np.float32) ** 0.5
    return tones, np.maximum(levels, np.float32(FAINTEST / 4))


def _relative(patches: Patches, tones: Floats, levels: Floats) -> Floats:
    """The patches' noise divided by the photograph's standard deviation at their brightness."""
    return patches.noise / np.interp(patches.luma, tones, levels).astype(np.float32)[:, None, None, None]


def _principal_axes(lines: Floats) -> Floats:
    """The orthogonal colours, [C, C] in columns, in which noise, [n, C, px], is uncorrelated."""
    channels = np.moveaxis(lines, 1, 0)
    covariance = np.array([[(one * other).sum(dtype=np.float64) for other in channels] for one in channels])
    _, axes = np.linalg.eigh(covariance / lines[:, 0].size)
    largest = np.abs(axes).argmax(axis=0)  # the sign of an eigenvector is arbitrary: its largest member gets a plus
    axes = axes * np.sign(axes[largest, np.arange(len(axes))])
    return np.asarray(np.round(axes, _DECIMALS), np.float32)


def _power(noise: Floats, axes: Floats) -> Floats:
    """Mean power of each principal colour per frequency, [PATCH, PATCH, C]; its mean is the variance."""
    noise = noise[:: -(-len(noise) // MOST_SPECTRA)]
    components = np.stack([weighted(noise, axis, 1) for axis in axes.T], axis=1)
    transformed = np.fft.fft2(components * _WINDOW)
    power = (transformed.real**2 + transformed.imag**2).mean(axis=0) / (_WINDOW**2).sum()
    power = np.moveaxis(power, 0, 2)
    # neighbouring frequencies of noise differ by chance only, so a mean of them is the better estimate
    smooth = sum(
        weight * np.roll(power, (dy, dx), axis=(0, 1))
        for dy, dx, weight in ((0, 0, 0.5), (0, 1, 0.125), (0, -1, 0.125), (1, 0, 0.125), (-1, 0, 0.125))
    )
    return np.asarray(smooth, np.float32)


def _power_inside(repair: Floats, edited: Mask, grain: Grain) -> Floats:
    """The power of the noise that the repair has already, like `grain.power`."""
    if len(grain.axes) == 1:
        repair = luma(repair)[..., None]
    if (patches := flat_patches(repair, edited)) is not None:
        return _power(_relative(patches, grain.tones, grain.levels), grain.axes)
    # too thin for patches: all frequencies are taken to lack the same share, measured on single pixels
    here = _roughness(luma(repair))[_interior(edited)]
    if here.size < PATCH:
        return grain.power
    there = np.median([np.median(_roughness(luma(patch, axis=0))) for patch in grain.around.noise])
    return grain.power * np.float32(min(1.0, float(np.median(here)) / max(float(there), 1e-6)) ** 2)


def _roughness(brightness: Floats) -> Floats:
    """|Second difference along both axes| where a 3 × 3 px window fits: unaffected by edges and shading.

    J. Immerkær, "Fast Noise Variance Estimation", Computer Vision and Image Understanding 64, 1996.
    """
    rows = brightness[:-2] - 2 * brightness[1:-1] + brightness[2:]
    return np.asarray(np.abs(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]))


def _interior(mask: Mask) -> Mask:
    """Where all of a 3 × 3 px window is true; of the shape of `_roughness`."""
    rows = mask[:-2] & mask[1:-1] & mask[2:]
    return np.asarray(rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:])


def _noise(power: Floats, shape: tuple[int, ...], seed: int) -> Floats:
    """Gaussian noise with that power per frequency, [H, W, C] of `shape`; it repeats after `TILE` px."""
    # whole patches: Fourier transforms of lengths with large prime factors take several times as long
    height, width = tile = tuple(min(-(-length // PATCH) * PATCH, TILE) for length in shape)
    generator = np.random.default_rng(seed)
    planes = []
    for channel in range(power.shape[2]):
        white = np.fft.rfft2(generator.standard_normal(tile))
        # zero phase: any other phase has the same power
        kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(power[..., channel], dtype=np.float64)).real)
        plane = np.fft.irfft2(white * np.fft.rfft2(kernel, s=tile), s=tile)
        planes.append(np.round(plane, _DECIMALS).astype(np.float32))
    noise = np.stack(planes, axis=-1)
    return noise[np.arange(shape[0]) % height][:, np.arange(shape[1]) % width]
