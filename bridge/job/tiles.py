"""How what is new on a larger canvas is divided into requests: pure functions on small values.

All coordinates are px of the new canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

from bridge.job.planning import LARGEST_SCALE_DOWN
from bridge.pixels.geometry import Box, Crop, Size, bounds

#: Nobody pays for more requests: what is new is scaled down further instead.
MOST_TILES = 8

#: Into how many bands a strip may be divided, and each band into how many cells.
_GRIDS = tuple(product(range(1, 5), range(1, MOST_TILES + 1)))

#: By so much more the tiles may be scaled down each time there would be too many of them.
_STEP = 1.2


class Strip(NamedTuple):
    """What is new at one edge of the picture.

    Attributes:
        box: all of it.
        across: whether the way from the picture to the canvas's edge is horizontal.
        backwards: whether that way leads to the left, or up.
    """

    box: Box
    across: bool
    backwards: bool


def tiles(canvas: Size, before: Box, crop_of: Callable[[Box], Crop], together: bool) -> tuple[Crop, ...]:
    """The crops that show all that is new, in the order in which they are sent.

    One crop, if that is scaled down by no more than 1.5. Otherwise each crop begins at the picture or at an earlier
    crop, and overlaps it by the context that `crop_of` adds. There are as few as possible, and at most 8: where that is
    not enough, all may be scaled down further.

    Args:
        before: the old canvas; inside the new one, and smaller.
        crop_of: plans the crop for a part of what is new.
        together: one crop in any case.
    """
    whole = crop_of(bounds(strip.box for strip in strips(canvas, before, upright_first=True)))
    if together:
        return (whole,)
    limit = LARGEST_SCALE_DOWN
    while whole.scale < 1 / limit:
        ways = [_divided(strips(canvas, before, first), crop_of, limit) for first in (True, False)]
        found = min((way for way in ways if way), key=len, default=())
        if found:
            return found
        limit *= _STEP
    return (whole,)


def strips(canvas: Size, before: Box, upright_first: bool) -> tuple[Strip, ...]:
    """What is new, one strip for each edge that moves.

    Args:
        upright_first: whether the corners belong to the strips above and below the picture, or to those beside it. The
            strips without corners come first.
    """
    width, height = canvas
    rows = (before.y, before.bottom) if upright_first else (0, height)
    columns = (0, width) if upright_first else (before.x, before.right)
    upright = [
        Strip(Box(0, rows[0], before.x, rows[1] - rows[0]), True, True),
        Strip(Box(before.right, rows[0], width - before.right, rows[1] - rows[0]), True, False),
    ]
    lying = [
        Strip(Box(columns[0], 0, columns[1] - columns[0], before.y), False, True),
        Strip(Box(columns[0], before.bottom, columns[1] - columns[0], height - before.bottom), False, False),
    ]
    ordered = [*upright, *lying] if upright_first else [*lying, *upright]
    return tuple(strip for strip in ordered if not strip.box.is_empty)


def _divided(parts: tuple[Strip, ...], crop_of: Callable[[Box], Crop], limit: float) -> tuple[Crop, ...]:
    """Crops for all strips, none of them scaled down by more than `limit`; none if there would be too many."""
    crops: tuple[Crop, ...] = ()
    for strip in parts:
        ways = [_added(crops, _cells(strip, *grid), crop_of, limit) for grid in _GRIDS]
        found = [way for way in ways if way]
        if not found:
            return ()
        crops = min(found, key=len)  # the first of several: whole strips have more context than bands of them
    return crops


def _added(
    crops: tuple[Crop, ...], cells: Iterable[Box], crop_of: Callable[[Box], Crop], limit: float
) -> tuple[Crop, ...]:
    """These crops, and those for the cells that they do not show yet; none if it cannot be done within the limits."""
    for cell in cells:
        if cell.is_empty:
            return ()
        if any(crop.box.contains(cell) for crop in crops):  # that request fills all that its crop shows
            continue
        crop = crop_of(cell)
        if crop.scale < 1 / limit or len(crops) == MOST_TILES:
            return ()
        crops = (*crops, crop)
    return crops


def _cells(strip: Strip, bands: int, along: int) -> Iterator[Box]:
    """The cells of a strip, from the picture to the canvas's edge, and within each band from one end to the other."""
    x, y, width, height = strip.box
    outward, sideways = (width, height) if strip.across else (height, width)
    order = range(bands - 1, -1, -1) if strip.backwards else range(bands)
    for band in order:
        begin, end = band * outward // bands, (band + 1) * outward // bands
        for number in range(along):
            first, last = number * sideways // along, (number + 1) * sideways // along
            if strip.across:
                yield Box(x + begin, y + first, end - begin, last - first)
            else:
                yield Box(x + first, y + begin, last - first, end - begin)
