"""The disjoint parts of a selection mask. Arrays are numpy's: masks are uint8 [height, width]."""

from __future__ import annotations

import numpy as np

from bridge.pixels.connected import Numbers, numbered, runs_of
from bridge.pixels.geometry import Box, disjoint
from bridge.pixels.imaging import Coverage, Pixels

#: The most parts of a mask. Nobody pays for more requests, so a speckled selection is divided more coarsely.
MOST_ISLANDS = 256


def islands(mask: Pixels, least_gap: int = 16) -> tuple[Box, ...]:
    """The bounds of a mask's disjoint parts, in px of the mask, tight around their pixels above 0.

    Each such pixel is in exactly one of the boxes. Parts whose bounds overlap (a dot inside a ring, or in the angle of
    an L) count as one, and so do pixels that touch, even at a corner. Parts with `least_gap` or more empty columns or
    rows between them are separate; nearer ones may be either. If a mask has more than 256 parts, the gap is doubled
    until it has fewer.

    The parts are found on a grid of cells of half the gap, so the cost is that of reading the mask once.

    Returns:
        From top to bottom, left to right; empty for an empty mask.
    """
    cell = max(1, least_gap // 2)
    # which cells hold anything, and the runs of such cells along the rows, in reading order
    occupied = _greatest(_greatest(mask, cell).T, cell).T > 0
    rows, starts, ends = runs = runs_of(occupied)
    numbers = numbered(runs)
    count = int(numbers.max(initial=-1)) + 1
    if count > MOST_ISLANDS:
        return islands(mask, 4 * cell)
    labels = np.full(occupied.shape, -1, np.intp)
    labels[occupied] = np.repeat(numbers, ends - starts)
    order = np.argsort(numbers, kind="stable")
    first = np.searchsorted(numbers[order], np.arange(count))  # of each part's runs, in this order
    x, y = (np.minimum.reduceat(each[order], first) for each in (starts, rows))
    right, bottom = (np.maximum.reduceat(each[order], first) for each in (ends, rows + 1))
    coarse = np.stack([x, y, right - x, bottom - y], axis=1).tolist()
    return disjoint(_tight(mask, labels, number, cell, Box(*cells)) for number, cells in enumerate(coarse))


def _greatest(values: Pixels, count: int) -> Pixels:
    """Reduces each `count` rows to one, in whole slices: `np.maximum.reduceat` takes a hundred times as long."""
    greatest = values[::count].copy(order="K")
    for offset in range(1, min(count, len(values))):
        rows = values[offset::count]
        np.maximum(greatest[: len(rows)], rows, out=greatest[: len(rows)])
    return greatest


def _tight(mask: Pixels, labels: Numbers, number: int, cell: int, cells: Box) -> Box:
    """The bounds in px of a part, from its bounds in cells."""
    own, whole = labels[cells.slices] == number, Box(*(cell * side for side in cells))
    pixels = mask[whole.slices]
    top, bottom = _ends(pixels, own, cell)
    left, right = _ends(pixels.T, own.T, cell)
    return Box(whole.x + left, whole.y + top, right - left, bottom - top)


def _ends(pixels: Pixels, own: Coverage, cell: int) -> tuple[int, int]:
    """The first row with a pixel in an `own` cell, and the row after the last one; both are in the outer cells."""
    last_cell = (own.shape[0] - 1) * cell
    columns = np.arange(pixels.shape[1]) // cell
    first = np.flatnonzero(pixels[:cell, own[0][columns]].any(axis=1))
    last = np.flatnonzero(pixels[last_cell:, own[-1][columns]].any(axis=1))
    return int(first[0]), last_cell + int(last[-1]) + 1
