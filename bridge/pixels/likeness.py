"""How alike cells of a repair and those that were found for them are: little or no detail is taken from others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bridge.pixels.patch_features import Floats, describe
from bridge.pixels.patch_field import Descriptions, Field, Layout

#: The power of the difference between a repair and what was found for it, as a share of both powers together: up to the
#: first all of the detail is added, from the second on nothing.
UNLIKE = (0.85, 1.0)
#: Levels: the same for the difference in brightness, and in each colour difference.
BRIGHTNESS, COLOUR = (24.0, 48.0), (10.0, 20.0)
#: Levels, standard deviation: smaller contrasts are noise, among averages of cells, and among px of one cell.
FAINT, FAINT_PX = 0.75, 2.0
#: A cell's detail is reduced where the found cell has more than so many times the contrast of the repair's: there is an
#: edge that the repair has beside it, or not at all.
MOST_CONTRAST = 1.6
#: Where the same cell is found for more than so many others its detail is reduced, and for the second number of them
#: left out: a pattern that repeats catches the eye, and is a sign that little there is like the repair.
USES = (16.0, 64.0)
#: Of the cells around a cell, the mean likeness at which nothing is added, and at which all of the detail is.
FEW = (0.3, 0.6)
_AROUND = 8  #: cells
#: The features of `patch_features.describe` that are averages: of the luma, and of each colour difference.
_AVERAGES = (0, 10, 13)
#: The features of the luma of patches that have 100 levels above the middle, or become 20 levels a px brighter.
_RAMP = np.arange(-3, 4, dtype=np.float32)[None, :, None] * 20 + 128
_EVEN = describe(np.full((1, 1, 1), 228, np.float32))[0, 0]
_ACROSS, _DOWN = describe(_RAMP)[0, 3], describe(_RAMP.swapaxes(0, 1))[3, 0]


def likeness(field: Field, descriptions: Descriptions) -> Floats:
    """How alike each cell and what was found for it are, 0.0–1.0: in contrasts, in brightness and in colour."""
    wanted, sources = descriptions.wanted, descriptions.of(field.sources)
    difference = wanted - sources

    def power(features: Floats) -> Floats:
        contrast = features[:, : len(_EVEN)]
        for plain in (_EVEN, _ACROSS, _DOWN):  # shading says nothing of what is there
            most = np.abs(plain).argmax()
            contrast = contrast - np.rint(contrast[:, most, None] * (plain / plain[most]))
        return np.asarray((contrast**2).sum(axis=1, dtype=np.float64), np.float32)  # whole numbers: exact in any order

    both = power(wanted) + power(sources) + np.float32((2 * FAINT) ** 2 * len(_EVEN))
    alike = _falling(power(difference) / both, UNLIKE)
    averages = [number for number in _AVERAGES if number < wanted.shape[1]]
    for number, limits in zip(averages, (BRIGHTNESS, COLOUR, COLOUR), strict=False):  # gray has no colours
        alike *= _falling(np.abs(difference[:, number]) * (100 / _EVEN[0]), limits)
    alike *= _falling(np.bincount(field.sources)[field.sources].astype(np.float32), USES)
    return _agreed(alike, field.layout)


def _agreed(alike: Floats, layout: Layout) -> Floats:
    """The mean of each cell and its neighbours, less where few cells around are alike: a patch may be so by chance."""
    levels, wanted = np.zeros(layout.shape, np.uint8), np.zeros(layout.shape, np.uint8)
    levels.ravel()[layout.wanted], wanted.ravel()[layout.wanted] = np.rint(alike * 255), 255

    def blurred(each: NDArray[np.uint8], reach: int) -> Floats:
        image = Image.fromarray(each).filter(ImageFilter.BoxBlur(reach))
        return np.asarray(np.asarray(image, np.float32).ravel()[layout.wanted])

    around = np.asarray(blurred(levels, _AROUND) / np.maximum(blurred(wanted, _AROUND), np.float32(1)), np.float32)
    return np.asarray(blurred(levels, 1) / np.float32(255) * (1 - _falling(around, FEW)))


def _falling(values: Floats, limits: tuple[float, float]) -> Floats:
    """1.0 up to the first limit, 0.0 from the second on."""
    first, second = limits
    return np.asarray(np.clip((np.float32(second) - values) * np.float32(1 / (second - first)), 0, 1))


def as_contrasting(wanted: Floats, sources: Floats) -> Floats:
    """How much of the detail of cells with one variance fits to cells with another, 0.0–1.0."""
    ratio = np.sqrt((wanted + np.float32(FAINT_PX**2)) / (sources + np.float32(FAINT_PX**2)))
    return np.asarray(np.minimum(np.float32(MOST_CONTRAST) * ratio, np.float32(1)))
