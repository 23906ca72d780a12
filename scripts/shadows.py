#!/usr/bin/env python3
"""Measures whether a selection's border can tell that it cuts through a shadow. docs/layers.md says what came of it.

    shadows.py DIR

DIR holds photographs NAME.jpg, and masks NAME-object.png of whole objects with their shadows, such as ../shared/photos.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import NamedTuple

from gimp import surroundings
from test import environment

surroundings.enter(surroundings.NETWORK)
environment.require("numpy", "PIL")

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from PIL import Image, ImageDraw, ImageFilter  # noqa: E402

#: Of extreme-desert-hike.jpg: people without their shadows, px.
CUT = {
    "the left people without their shadow": [(1120, 2105), (1210, 2105), (1210, 2245), (1120, 2245)],
    "the right people without their shadows": [(1275, 2090), (1440, 2010), (1510, 2010), (1510, 2145), (1280, 2200)],
}

#: The border is looked at in a picture of so many px, in a ring of this width (px), in so many parts.
SIDE, RING, PARTS = 384, 6, 120

#: A shadow: this much darker than what is beside it, along so many parts; and its colour differs by this at the most.
DARKEST, LENGTHS, COLOUR = 0.65, range(3, 25), 0.07

#: Selections of nothing in each photograph.
ELLIPSES = 20

Values = npt.NDArray[np.float64]


class Dark(NamedTuple):
    """The darkest part of a border: its luminance, and the difference in colour, relative to what is beside it."""

    luminance: float
    colour: float

    @property
    def like_shadow(self) -> bool:
        """Whether it would be taken for a shadow."""
        return self.luminance < DARKEST and self.colour < COLOUR


def darkest(photograph: Image.Image, mask: Image.Image) -> Dark | None:
    """The darkest part of the border outside a selection; None if no part is darker than what is beside it."""
    left, top, right, bottom = mask.getbbox()
    reach = max(right - left, bottom - top) // 2
    box = (max(0, left - reach), max(0, top - reach), min(mask.width, right + reach), min(mask.height, bottom + reach))
    scale = SIDE / max(box[2] - box[0], box[3] - box[1])
    size = (max(1, round((box[2] - box[0]) * scale)), max(1, round((box[3] - box[1]) * scale)))
    inside = mask.crop(box).resize(size, Image.Resampling.BOX).point([0] * 128 + [255] * 128)
    ring = np.asarray(inside.filter(ImageFilter.MaxFilter(2 * RING + 1))) > np.asarray(inside)
    linear = (np.asarray(photograph.crop(box).resize(size, Image.Resampling.BOX)) / 255) ** 2.2
    rows, columns = np.nonzero(ring)
    around = np.argsort(np.arctan2(rows - rows.mean(), columns - columns.mean()))
    parts = [linear[rows[part], columns[part]] for part in np.array_split(around, PARTS)]
    light = np.array([np.median(part @ (0.2126, 0.7152, 0.0722)) for part in parts])
    colours = np.array([np.median(part / (part.sum(1, keepdims=True) + 1e-6), axis=0) for part in parts])
    found = [dark for start in range(PARTS) for length in LENGTHS if (dark := _stretch(light, colours, start, length))]
    return min(found, default=None)


def _stretch(light: Values, colours: Values, start: int, length: int) -> Dark | None:
    """A stretch of the border; None if a part of it is nearly as light as what is beside it."""
    inner = (start + np.arange(length)) % PARTS
    before, after = (start - 1 - np.arange(RING)) % PARTS, (start + length + np.arange(RING)) % PARTS
    beside = min(np.median(light[before]), np.median(light[after]))
    if light[inner].max() >= 0.75 * beside:
        return None
    colour = np.median(colours[inner], axis=0) - np.median(colours[np.append(before, after)], axis=0)
    return Dark(float(np.median(light[inner]) / beside), float(np.abs(colour).max()))


def _drawn(size: tuple[int, int], draw: str, points: object) -> Image.Image:
    mask = Image.new("L", size, 0)
    getattr(ImageDraw.Draw(mask), draw)(points, fill=255)
    return mask


def _tell(name: str, dark: Dark | None) -> None:
    figures = f"{dark.luminance:.2f}  {dark.colour:.2f}" if dark else "   –     –"
    print(f"{figures}  {'shadow' if dark and dark.like_shadow else '–':6}  {name}")


def measure(folder: Path) -> None:
    """Prints the tables."""
    print("light colour taken for  selection")
    for file in sorted(folder.glob("*-object.png")):
        name = file.stem.removesuffix("-object")
        with Image.open(folder / f"{name}.jpg") as photograph, Image.open(file) as mask:
            _tell(f"{name}, whole", darkest(photograph.convert("RGB"), mask.convert("L")))
    for name, points in CUT.items():
        with Image.open(folder / "extreme-desert-hike.jpg") as photograph:
            _tell(name, darkest(photograph.convert("RGB"), _drawn(photograph.size, "polygon", points)))
    draw = random.Random(1)
    for file in sorted(folder.glob("*.jpg")):
        with Image.open(file) as opened:
            photograph = opened.convert("RGB")
        taken = 0
        for _ in range(ELLIPSES):
            radius = draw.randint(60, 200)
            x, y = (draw.randint(2 * radius, side - 2 * radius) for side in photograph.size)
            ellipse = _drawn(photograph.size, "ellipse", (x - radius, y - radius, x + radius, y + radius))
            dark = darkest(photograph, ellipse)
            taken += dark is not None and dark.like_shadow
        print(f"{taken} of {ELLIPSES} ellipses anywhere in {file.stem} are taken for cut shadows")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    measure(parser.parse_args().folder)


if __name__ == "__main__":
    main()
