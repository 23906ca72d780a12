"""Draws what will be sent, as a picture to lay over the image. The image itself is not needed."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

from bridge.job.areas import Planning
from bridge.pixels.geometry import Box, Size
from bridge.pixels.imaging import Coverage, pnm

#: px; no window is larger.
LARGEST_SHOWN = 8192

#: A small part of the image is magnified by no more than this.
LARGEST_MAGNIFICATION = 3.0

#: R, G, B, A, 0–255. The edge is dark and light so that it can be seen on everything.
_TINT = (235, 60, 120, 96)
_EDGE, _HALO = (255, 255, 255, 255), (0, 0, 0, 160)
_BEYOND = (0, 0, 0, 150)
_FRAME = (255, 255, 255, 200)


def shown_size(box: Box, largest: tuple[int, int]) -> Size:
    """The size to show `box` at: as large as fits into `largest` px, within `LARGEST_MAGNIFICATION`."""
    width, height = (min(side, LARGEST_SHOWN) for side in largest)
    scale = min(width / box.width, height / box.height, LARGEST_MAGNIFICATION)
    return Size(max(1, round(box.width * scale)), max(1, round(box.height * scale)))


def overlay(planning: Planning, box: Box, size: Size) -> bytes:
    """P7 (RGBA, 8 bits) of `size` for `box`: tints what is regenerated, outlines it and the crops, dims what is not
    sent."""
    across, down = size.width / box.width, size.height / box.height
    marked, picture = Image.new("L", size, 0), Image.new("RGBA", size, _BEYOND)
    frames = []
    for crop in planning.crops:
        frames.append(_scaled(crop.box.relative_to(box), across, down))
        picture.paste((0, 0, 0, 0), frames[-1])
        shown = crop.box.within(box)
        if shown.is_empty:
            continue
        place = _scaled(shown.relative_to(box), across, down)
        mask = Image.fromarray(planning.edited(shown).view(np.uint8) * np.uint8(255))
        small = mask.resize((place[2] - place[0], place[3] - place[1]), Image.Resampling.BOX, reducing_gap=2.0)
        marked.paste(ImageChops.lighter(marked.crop(place), small), place[:2])
    if len(frames) > 1:
        for left, top, right, bottom in frames:  # `ImageDraw` would load a library for fonts, in each job
            rows = (left, top, right, top + 1), (left, bottom - 1, right, bottom)
            columns = (left, top, left + 1, bottom), (right - 1, top, right, bottom)
            for edge in rows + columns:
                picture.paste(_FRAME, edge)
    pixels, edited = np.array(picture), np.asarray(marked) > 0  # a part of one pixel must still be seen
    around = _wider(edited)
    pixels[_wider(around)] = _HALO
    pixels[around] = _EDGE
    pixels[edited] = _TINT
    return pnm(pixels)


def _scaled(box: Box, across: float, down: float) -> tuple[int, int, int, int]:
    """The corners in px of the picture: at least one px apart."""
    left, top = round(box.x * across), round(box.y * down)
    return left, top, max(left + 1, round(box.right * across)), max(top + 1, round(box.bottom * down))


def _wider(mask: Coverage) -> Coverage:
    """The mask, 1 px wider on each side; Pillow's maximum filter takes thirty times as long."""
    rows = np.pad(mask, 1)
    rows = rows[:-2] | rows[1:-1] | rows[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
