"""Gives a repair the grain of the photograph around it, where it came back smoother."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bridge.pixels.imaging import is_gray

#: px; noise is measured in square patches of this size.
PATCH = 16
#: At most so many patches are looked at, and fewer than that many are no measurement.
MOST_PATCHES, LEAST_PATCHES = 3000, 12
#: So many of them tell the power at each frequency to 3 %; more take longer and change nothing that can be seen.
MOST_SPECTRA = 500
#: px around the repair in which its surroundings are measured, when there are enough flat patches.
NEAR = 96
#: Levels, standard deviation of the luma. Less is 8-bit rounding (0.29) or nothing; more is texture.
FAINTEST, STRONGEST = 0.4, 16.0
#: Patches up to so much more variance than the flattest tenth are noise as well: 256 px of correlated noise vary
#: by some 20 %, so this keeps all of them and little else. And that many levels² more: JPEG makes faint noise uneven.
NOISE_SPREAD, UNEVENNESS = 2.0, 1.0
#: How much noisier (variance) one tone may be than the quietest one without being texture; more only where it is as
#: even as noise: the median variance of its patches at most so much above the lowest tenth, and not too strong.
TONE_SPREAD, EVEN, EVEN_STRONGEST = 6.0, 1.8, 8.0
#: A repair with more than this share of its surroundings' noise power is as it should be.
ENOUGH = 0.9
#: px; the noise repeats after that, which nobody sees, and its cost stays small.
TILE = 1024

#: Of the channels in the luma: ITU-R BT.709, or gray.
_WEIGHTS = {3: np.array([0.2126, 0.7152, 0.0722], np.float32), 1: np.ones(1, np.float32)}
_TONES = 12
#: The last bits of a cosine, of a Fourier transform and of an eigenvector depend on the processor. Where a result
#: could show them, they are rounded away: windows, axes and noise to so many decimals, spectra to float32.
_DECIMALS = 6
_WINDOW = np.outer(*[np.round(np.hanning(PATCH + 2)[1:-1], _DECIMALS)] * 2)

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Spectra = NDArray[np.complex128]


class _Noise(NamedTuple):
    """Noise seen in flat patches: each with its plane and curvature taken away, [n, C, PATCH, PATCH], 0–255 levels,
    the patch's luma [n], and the luma's variance [n]. C is 3, or 1 where the photograph is gray."""

    patches: Floats
    luma: Floats
    variance: Floats


class Grain(NamedTuple):
    """The grain around a repair: its patches, how strong it is at which luma, [k] each, its principal colours, [C, C]
    in columns, and the power of each at each frequency, [PATCH, PATCH, C]; C as in `_Noise`."""

    around: _Noise
    tones: Floats
    levels: Floats
    axes: Floats
    power: Floats


def grain_around(original: NDArray[np.uint8] | Floats, edited: NDArray[np.bool_]) -> Grain | None:
    """The photograph's grain, for `match_grain`; takes most of the time, and no answer.

    Args:
        original: [H, W, 3], 0–255: the photograph. Some surroundings of the repair have to be in it.
        edited: [H, W]; true where the repair will be shown.

    Returns:
        None when the photograph has no measurable noise.

    Raises:
        ValueError: the arrays do not fit together.
    """
    import numpy.random  # noqa: F401  (slow to load: now, and not when the answer has come)

    if original.ndim != 3 or original.shape[2] != 3 or edited.shape != original.shape[:2]:
        raise ValueError(f"a picture of {original.shape} and a repair of {edited.shape} do not fit together")
    box = _bounds(edited)
    around = None if box is None else _surroundings(original[..., :1] if is_gray(original) else original, edited, box)
    if around is None:
        return None
    tones, levels = _levels(around)
    return Grain(around, tones, levels, *_spectra(around, tones, levels))


def white_noise(edited: NDArray[np.bool_], grain: Grain, seed: int) -> Spectra:
    """What `match_grain` makes its noise of, for which no answer is needed.

    Args:
        edited, grain, seed: as for `match_grain`.

    Returns:
        [C, rows, columns // 2 + 1]: the spectrum of Gaussian noise of variance 1 for each of the grain's colours.
    """
    box = _bounds(edited)
    return _white((1, 1) if box is None else edited[box].shape, len(grain.axes), seed)


def match_grain(
    colours: Floats, edited: NDArray[np.bool_], grain: Grain, seed: int, white: Spectra | None = None
) -> Floats:
    """The repair with the noise that it lacks, of the surroundings' level, spatial correlation and colour.

    Power spectra (Hann-windowed periodograms: P. D. Welch, IEEE Trans. Audio Electroacoustics 15, 1967) of flat
    patches around and inside the repair are compared, per principal component of the noise's colour and relative to
    the photograph's noise at the patch's brightness. What the repair lacks at a frequency is added there as Gaussian
    noise; nothing is ever removed. Independent noise adds up by power, so the sum has the surroundings' spectrum.

    Args:
        colours: [H, W, 3], 0.0–255.0: the repair, in canvas px.
        edited: [H, W]; true where the repair will be shown.
        grain: of the photograph there.
        seed: any whole number; the same one gives the same noise.
        white: the `white_noise` of all that, where it is there already.

    Returns:
        [H, W, 3], 0.0–255.0, a new array: exactly `colours` outside `edited`, and everywhere when the repair has as
        much noise as the photograph, or too little of it can be seen.

    Raises:
        ValueError: the arrays do not fit together.
    """
    if colours.ndim != 3 or colours.shape[2] != 3 or edited.shape != colours.shape[:2]:
        raise ValueError(f"a picture of {colours.shape} and a repair of {edited.shape} do not fit together")
    result = colours.astype(np.float32)
    box = _bounds(edited)
    if box is None:
        return result
    missing = np.maximum(grain.power - _present(result, edited, grain), 0)
    if missing.sum() < (1 - ENOUGH) * grain.power.sum():
        return result
    inside, part = edited[box], result[box]
    strength = np.interp(_luma(part), grain.tones, grain.levels).astype(np.float32) * inside
    # of gray grain each channel gets the same
    if white is None:
        white = _white(inside.shape, len(grain.axes), seed)
    noise = _synthesised(missing, inside.shape, white)
    added = np.stack([_weighted(noise, axis, 2) for axis in np.resize(grain.axes, (3, len(grain.axes)))], axis=-1)
    added *= strength[..., None]
    added += part
    np.clip(added, np.minimum(part, 0), np.maximum(part, 255), out=part)
    return result


def kept_grain(colours: Floats, original: NDArray[np.uint8] | Floats, edited: NDArray[np.bool_]) -> float:
    """How much of the photograph's fine detail is left in what was not to be changed: 1 is all, 0 none of it.

    A service, or the way through a smaller size, that takes the grain away does so everywhere; where the surroundings
    kept theirs, a smooth repair is a smooth thing, a snow field beside rocks, and grain would spoil it.

    Args:
        colours, edited: as for `match_grain`.
        original: as for `grain_around`.

    Returns:
        The median, over squares of `PATCH` px that are wholly unedited, of the power of what differs from the
        neighbouring px; 1 where there is none to be seen.
    """
    rows, columns = (side // PATCH * PATCH for side in edited.shape)
    if not rows or not columns:
        return 1.0

    def squares(values: Floats) -> Floats:
        lines = values[:rows, :columns].reshape(-1, PATCH, columns).sum(axis=1)  # whole lines are quickest
        means: Floats = lines.reshape(len(lines), -1, PATCH).mean(axis=2) / PATCH
        return means

    def detail(pixels: NDArray[np.uint8] | Floats) -> Floats:
        luma = _luma(pixels)
        differences = np.zeros_like(luma)
        differences[1:, 1:] = (luma[1:, 1:] - luma[1:, :-1] - luma[:-1, 1:] + luma[:-1, :-1]) ** 2
        return squares(differences)

    before = detail(original)
    # white noise of a variance makes four times as much of it in such differences
    whole = (squares(edited.astype(np.float32)) == 0) & (before > 4 * FAINTEST**2)
    return float(np.median(detail(colours)[whole] / before[whole])) if whole.any() else 1.0


def _luma(pixels: NDArray[np.uint8] | Floats) -> Floats:
    """Of pixels with three channels, or with one, [..., C]: [...]."""
    return _weighted(pixels, _WEIGHTS[pixels.shape[-1]], pixels.ndim - 1)


def _weighted(channels: NDArray[np.uint8] | Floats, weights: Floats, axis: int) -> Floats:
    """The weighted sum along an axis, added in the channels' order: BLAS would choose one for the processor."""
    planes = np.moveaxis(channels, axis, 0)
    total: Floats = weights[0] * planes[0]
    for weight, plane in zip(weights[1:], planes[1:], strict=True):
        total += weight * plane
    return total


def _bounds(mask: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The rows and columns that hold all that is true; None when nothing is."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _surroundings(
    original: NDArray[np.uint8] | Floats, edited: NDArray[np.bool_], box: tuple[slice, slice]
) -> _Noise | None:
    """The photograph's noise near the repair, else anywhere; None when there is none to be measured."""
    near = tuple(slice(max(0, side.start - NEAR), side.stop + NEAR) for side in box)
    for part in ((near[0], near[1]), (slice(None), slice(None))):
        noise = _flattest(_noise(original[part], ~edited[part]))
        if noise is not None:
            sigma = math.sqrt(noise.variance.mean())
            return noise if FAINTEST <= sigma <= STRONGEST else None
    return None


def _noise(pixels: NDArray[np.uint8] | Floats, where: NDArray[np.bool_]) -> _Noise | None:
    """All patches that lie inside `where` and are neither black nor white; at most `MOST_PATCHES`, evenly spread."""
    if min(where.shape) < PATCH:
        return None
    step = max(PATCH // 2, math.isqrt(where.size // (4 * MOST_PATCHES)))
    while True:
        whole = _complete(where, step)
        if np.count_nonzero(whole) <= MOST_PATCHES:
            break
        step += PATCH // 4
    if np.count_nonzero(whole) < LEAST_PATCHES:
        return None
    windows = sliding_window_view(pixels, (PATCH, PATCH), axis=(0, 1))[::step, ::step][whole]
    lines = windows.astype(np.float32, order="C").reshape(len(windows), -1, PATCH * PATCH)
    luma = _line_luma(lines).mean(axis=1)
    seen = (luma > 4) & (luma < 251)
    if np.count_nonzero(seen) < LEAST_PATCHES:
        return None
    flat = _without_trend(lines[seen])
    noise = _line_luma(flat)  # around 0
    variance = (noise * noise).mean(axis=1)
    return _Noise(flat.reshape(len(flat), -1, PATCH, PATCH), luma[seen], variance)


def _line_luma(lines: Floats) -> Floats:
    """[n, px] of [n, C, px]."""
    return _weighted(lines, _WEIGHTS[lines.shape[1]], 1)


def _complete(where: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    """Of which windows of `PATCH` px every `step` px all is true; first by rows, then by columns, which is faster."""
    rows, columns = (side - PATCH + 1 for side in where.shape)
    strips = np.logical_and.reduce([where[at : at + rows : step] for at in range(PATCH)])
    return np.asarray(np.logical_and.reduce([strips[:, at : at + columns : step] for at in range(PATCH)]))


def _without_trend(lines: Floats) -> Floats:
    """Each patch and channel, [n, C, px], less its best quadratic surface: shading is not noise.

    The Legendre polynomials of a grid are orthogonal, so each takes its own share, whatever the order.
    """
    place = np.linspace(-1, 1, PATCH)
    flat, linear, square = np.ones(PATCH), place, place**2 - (place**2).mean()
    surfaces = [(flat, flat), (flat, linear), (linear, flat), (linear, linear), (flat, square), (square, flat)]
    rest = lines.copy()
    for down, across in surfaces:
        surface = np.outer(down, across).ravel()
        surface = (surface / math.sqrt((surface**2).sum())).astype(np.float32)
        share = (lines * surface).sum(axis=-1, keepdims=True)
        rest -= share * surface
    return rest


def _flattest(noise: _Noise | None) -> _Noise | None:
    """The patches that show noise alone, tone by tone; None when too few do."""
    if noise is None:
        return None
    quietest = float(np.percentile(noise.variance, 10))
    kept = np.zeros(len(noise.luma), np.bool_)
    borders = np.quantile(noise.luma, np.linspace(0, 1, _TONES + 1)[1:-1])
    for tone in range(_TONES):
        mine = np.digitize(noise.luma, borders) == tone
        if np.count_nonzero(mine) >= LEAST_PATCHES // 2:
            base, middle = np.percentile(noise.variance[mine], (10, 50))
            if middle > EVEN * base or base > EVEN_STRONGEST**2:
                base = min(base, TONE_SPREAD * quietest)
            kept |= mine & (noise.variance <= NOISE_SPREAD * base + UNEVENNESS)
    if np.count_nonzero(kept) < LEAST_PATCHES:
        return None
    return _Noise(noise.patches[kept], noise.luma[kept], noise.variance[kept])


def _levels(noise: _Noise) -> tuple[Floats, Floats]:
    """How strong the noise is at which luma: both [k], levels; made for `np.interp`."""
    groups = np.array_split(
        np.argsort(noise.luma, kind="stable"), max(1, min(_TONES, len(noise.luma) // LEAST_PATCHES))
    )
    tones = np.array([noise.luma[group].mean() for group in groups], np.float32)
    levels = np.array([noise.variance[group].mean() for group in groups], np.float32) ** 0.5
    return tones, np.maximum(levels, np.float32(FAINTEST / 4))


def _relative(noise: _Noise, tones: Floats, levels: Floats) -> Floats:
    """The patches divided by the photograph's noise at their brightness: levels per level."""
    return noise.patches / np.interp(noise.luma, tones, levels).astype(np.float32)[:, None, None, None]


def _spectra(noise: _Noise, tones: Floats, levels: Floats) -> tuple[Floats, Floats]:
    """The noise's principal colours, [C, C] in columns, and the power of each at each frequency, [PATCH, PATCH, C]."""
    patches = _relative(noise, tones, levels)
    axes = _principal_axes(patches.reshape(len(patches), -1, PATCH * PATCH))
    return axes, _periodogram(patches, axes)


def _principal_axes(lines: Floats) -> Floats:
    """The orthogonal colours, [C, C] in columns, in which noise, [n, C, px], is not correlated."""
    channels = np.moveaxis(lines, 1, 0)
    covariance = np.array([[(one * other).sum(dtype=np.float64) for other in channels] for one in channels])
    _, axes = np.linalg.eigh(covariance / lines[:, 0].size)
    largest = np.abs(axes).argmax(axis=0)  # an eigenvector has no sign of its own: its largest member is positive
    axes = axes * np.sign(axes[largest, np.arange(len(axes))])
    return np.asarray(np.round(axes, _DECIMALS), np.float32)


def _periodogram(patches: Floats, axes: Floats) -> Floats:
    """Mean power of each principal colour per frequency, [PATCH, PATCH, C]; its mean is the variance."""
    patches = patches[:: -(-len(patches) // MOST_SPECTRA)]
    components = np.stack([_weighted(patches, axis, 1) for axis in axes.T], axis=1)
    transformed = np.fft.rfft2(components * _WINDOW)
    half = (transformed.real**2 + transformed.imag**2).mean(axis=0) / (_WINDOW**2).sum()
    # the other half of a real signal's spectrum is its mirror image
    mirrored = np.roll(half[:, ::-1, PATCH // 2 - 1 : 0 : -1], 1, axis=1)
    power = np.moveaxis(np.concatenate([half, mirrored], axis=2), 0, 2)
    # neighbouring frequencies of noise differ by chance only: their mean is the better estimate
    smooth = sum(
        weight * np.roll(power, (dy, dx), axis=(0, 1))
        for dy, dx, weight in ((0, 0, 0.5), (0, 1, 0.125), (0, -1, 0.125), (1, 0, 0.125), (-1, 0, 0.125))
    )
    return np.asarray(smooth, np.float32)


def _present(colours: Floats, edited: NDArray[np.bool_], grain: Grain) -> Floats:
    """The power that the repair has of itself, like the grain's."""
    box = _bounds(edited)
    assert box is not None
    repair = colours[box] if len(grain.axes) == 3 else _luma(colours[box])[..., None]
    inside = _flattest(_noise(repair, edited[box]))
    if inside is not None:
        return _periodogram(_relative(inside, grain.tones, grain.levels), grain.axes)
    # too thin for patches: all frequencies lack the same share of what single pixels show
    here, here_where = _roughness(_luma(repair)), _whole(edited[box])
    if np.count_nonzero(here_where) < PATCH:
        return grain.power
    there = np.median([np.median(_roughness(_luma(np.moveaxis(patch, 0, 2)))) for patch in grain.around.patches])
    return grain.power * np.float32(min(1.0, float(np.median(here[here_where])) / max(float(there), 1e-6)) ** 2)


def _roughness(luma: Floats) -> Floats:
    """|Second difference across both axes| where a 3 × 3 px window fits: blind to edges and shading.

    J. Immerkær, "Fast Noise Variance Estimation", Computer Vision and Image Understanding 64, 1996.
    """
    rows = luma[:-2] - 2 * luma[1:-1] + luma[2:]
    return np.asarray(np.abs(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]))


def _whole(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where all of a 3 × 3 px window is true; as large as `_roughness`."""
    rows = mask[:-2] & mask[1:-1] & mask[2:]
    return np.asarray(rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:])


def _tile(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of the noise for a repair of that shape."""
    # of whole patches: a length with large prime factors takes an FFT several times as long
    height, width = (min(-(-length // PATCH) * PATCH, TILE) for length in shape)
    return height, width


def _white(shape: tuple[int, ...], channels: int, seed: int) -> Spectra:
    """The spectra of white noise, [channels, rows, columns // 2 + 1], of the tile for `shape`."""
    generator, tile = np.random.default_rng(seed), _tile(shape)
    return np.stack([np.fft.rfft2(generator.standard_normal(tile)) for _ in range(channels)])


def _synthesised(power: Floats, shape: tuple[int, ...], white: Spectra) -> Floats:
    """Gaussian noise of that power per frequency, [H, W, C] of `shape`, made of white noise."""
    height, width = tile = _tile(shape)
    planes = []
    for channel, spectrum in enumerate(white):
        # zero phase: any other one has the same power
        kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(power[..., channel], dtype=np.float64)).real)
        # with `s` as its size, a small kernel is completed with zeros only after its few rows were transformed
        plane = np.fft.irfft2(spectrum * np.fft.rfft2(kernel, s=tile), s=tile)
        planes.append(np.round(plane, _DECIMALS).astype(np.float32))
    noise = np.stack(planes, axis=-1)
    return noise[np.arange(shape[0]) % height][:, np.arange(shape[1]) % width]
