"""Gives a repair that was scaled up the fine detail of the photograph around it.

The photograph is made as soft as the repair. What that takes from it is its detail. Each cell of the repair, a square
of a few px, gets the detail of that cell outside whose soft picture is most like the repair there. Nothing else is
added, so the repair's own picture stays.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

from bridge.pixels.imaging import is_gray
from bridge.pixels.likeness import FAINT_PX, as_contrasting, likeness
from bridge.pixels.match_colour import eight_bits
from bridge.pixels.patch_features import Floats
from bridge.pixels.patch_field import Descriptions, Field, Layout, Mask, Search, enlarged, improve, nearest

Levels = NDArray[np.uint8]
Details = NDArray[np.int8]  # [rows, columns, side, side, C]

#: px: the side of a cell where the repair was scaled up by less than `LARGE`. Beyond, it doubles with the scale.
CELL, LARGE = 4, 6.0
#: The first search is made among cells so many times larger.
FIRST = 2
#: Cells to copy from that are enough to search among.
ENOUGH = 64

#: Levels², variance in a cell: from here on there is an edge that the detail has to lie on.
EDGE = 200.0

#: So often it is moved there: the first time it comes near.
_ALIGNED = 2
#: Rows of cells, and cells, that are worked on at a time.
_STRIP, _SQUARES = 64, 8192


class Surroundings(NamedTuple):
    """What detail is taken from.

    Attributes:
        photograph: uint8 [H, W, 3].
        soft: uint8 [H, W, 3]: the photograph, as soft as the repair.
        known: [H, W]; true where detail may be taken.
        place: the row and the column where the repair begins.
        factor: how many px of the photograph one px of the repair had before it was scaled up.
    """

    photograph: Levels
    soft: Levels
    known: Mask
    place: tuple[int, int]
    factor: float


class _Found(NamedTuple):
    """What was found for each cell that is wanted.

    Attributes:
        corners: int32 [2, n], px: the row and the column where its detail begins.
        share: float32 [n], 0.0–1.0: how much of it is added.
    """

    field: Field
    corners: NDArray[np.int32]
    share: Floats


def match_detail(repair: Floats, edited: Mask, around: Surroundings, seed: int) -> Floats:
    """Adds the detail that a repair lacks because it was scaled up.

    Where nothing in the surroundings is like the repair, less is added, or nothing.

    Args:
        repair: [h, w, 3], 0.0–255.0: the repair in canvas px and in the photograph's colours.
        edited: [h, w]; true where the repair will be shown.
        around: the photograph there and in its wider surroundings.
        seed: any whole number; the same seed gives the same detail.

    Returns:
        float32 [h, w, 3], a new array. It equals `repair` outside `edited`, and everywhere when there is nothing
        to take detail from.

    Raises:
        ValueError: the arrays do not fit together.
    """
    rows, columns = (slice(begin, begin + side) for begin, side in zip(around.place, edited.shape, strict=True))
    if around.known[rows, columns].shape != repair.shape[:2] or around.soft.shape != around.photograph.shape:
        raise ValueError(f"a repair of {repair.shape} at {around.place} does not fit into {around.known.shape}")
    result = repair.astype(np.float32)
    if not edited.any():
        return result
    channels = 1 if is_gray(around.photograph) and is_gray(repair) else 3
    cell = CELL
    while around.factor >= LARGE * cell / CELL:
        cell *= 2
    step = cell * FIRST
    picture, hole = around.soft[..., :channels].copy(), np.zeros_like(around.known)
    np.copyto(picture[rows, columns], eight_bits(repair[..., :channels]), where=edited[..., None])
    hole[rows, columns] = edited
    found = _found(_whole(picture, step), _whole(hole, step), _whole(around.known & ~hole, step), cell, seed)
    if found is not None:
        photograph, soft = (_whole(each[..., :channels], step) for each in (around.photograph, around.soft))
        _add(result, edited, around.place, found, _details(photograph, soft, cell))
    return result


def _whole(picture: NDArray[Any], step: int) -> NDArray[Any]:
    """A picture completed to a multiple of `step` px by repeating its outermost px; a mask, with false."""
    extra = [(0, -side % step) for side in picture.shape[:2]] + [(0, 0)] * (picture.ndim - 2)
    return np.pad(picture, extra) if picture.dtype == np.bool_ else np.pad(picture, extra, mode="edge")


def _found(picture: Levels, hole: Mask, known: Mask, cell: int, seed: int) -> _Found | None:
    """What is most like each cell of the hole; None where there is too little to search among."""
    generator = np.random.Generator(np.random.PCG64(seed))
    field: Field | None = None
    for side, radii in ((cell * FIRST, (2, 1)), (cell, (8, 2, 1))):
        layout = Layout(_touched(hole, side), ~_touched(~known, side))
        if np.count_nonzero(layout.usable) < ENOUGH:
            return None
        descriptions = Descriptions(layout, _reduced(picture, side))
        field = nearest(layout, descriptions, generator) if field is None else enlarged(field, layout)
        field = improve(field, descriptions, generator, Search(radii=radii))
    assert field is not None
    luma = _luma(picture)
    contrasts = _contrasts(luma, cell)
    share = likeness(field, descriptions) * as_contrasting(contrasts[layout.wanted], contrasts[field.sources])
    across = layout.shape[1]
    begins, corners = (
        np.stack((places // across, places % across)) * cell for places in (layout.wanted, field.sources)
    )
    edges = np.flatnonzero((contrasts[layout.wanted] >= EDGE) & (share > 0))
    for _ in range(_ALIGNED):
        _align(luma, begins, corners, edges, cell)
    return _Found(field, corners, share)


def _reduced(picture: Levels, side: int) -> Floats:
    """The average of each square, [H / side, W / side, C]."""
    small = Image.fromarray(picture if picture.shape[2] == 3 else picture[..., 0]).reduce(side)
    return np.asarray(small, np.float32).reshape(small.height, small.width, picture.shape[2])


def _touched(mask: Mask, side: int) -> Mask:
    """Which squares hold anything of a mask."""
    height, width = mask.shape
    return np.asarray(mask.reshape(height // side, side, width // side, side).any(axis=(1, 3)))


def _luma(picture: Levels) -> NDArray[np.int16]:
    """Four times the luma, in whole numbers, [H, W]."""
    px = picture.astype(np.int16)
    return np.asarray(px[..., 0] + 2 * px[..., 1] + px[..., 2] if px.shape[2] == 3 else 4 * px[..., 0])


def _contrasts(luma: NDArray[np.int16], cell: int) -> Floats:
    """The luma's variance in each cell, levels², row by row."""
    height, width = luma.shape
    count, found = cell * cell, []
    for top in range(0, height, cell * _STRIP):
        px = luma[top : top + cell * _STRIP].astype(np.int32).reshape(-1, cell, width // cell, cell)
        # whole numbers, which no processor rounds; 64 bits, because a cell may be large
        squares = (px * px).sum(axis=(1, 3), dtype=np.int64)
        found.append((count * squares - px.sum(axis=(1, 3), dtype=np.int64) ** 2).ravel())
    return np.asarray(np.concatenate(found) / (16 * count * count), np.float32)


def _align(
    luma: NDArray[np.int16], wanted: NDArray[np.int32], corners: NDArray[np.int32], which: NDArray[np.intp], cell: int
) -> None:
    """Moves what was found by up to half a cell, so that edges lie on those of the repair; in place.

    B. Lucas, T. Kanade, "An Iterative Image Registration Technique", IJCAI 1981: one step, rounded to whole px.

    Args:
        luma: `_luma` of the repair in its surroundings.
        wanted, corners: px, [2, n]: where each cell begins, and what was found for it.
        which: the cells to move.
    """
    margin = cell // 2
    squares = sliding_window_view(luma, (cell + 2 * margin + 2,) * 2)
    most = np.array(squares.shape[:2])[:, None] - 1
    for begin in range(0, len(which), _SQUARES):
        some = which[begin : begin + _SQUARES]
        here, there = (
            squares[tuple(np.clip(places[:, some] - margin - 1, 0, most))].astype(np.int64)
            for places in (wanted, corners)
        )
        slopes = (there[:, 2:, 1:-1] - there[:, :-2, 1:-1], there[:, 1:-1, 2:] - there[:, 1:-1, :-2])
        missing = 2 * (here - there)[:, 1:-1, 1:-1]
        ((yy, yx, y), (_xy, xx, x)) = ((_covariance(one, other) for other in (*slopes, missing)) for one in slopes)
        firm = (16 * FAINT_PX * missing[0].size) ** 2
        determinant = (yy + firm) * (xx + firm) - yx * yx
        moves = np.stack((y * (xx + firm) - x * yx, x * (yy + firm) - y * yx)) / determinant
        corners[:, some] += np.clip(np.rint(moves), -margin, margin).astype(np.int32)


def _covariance(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """n² times the covariance in each of some squares of n px; of whole numbers, and so exact."""
    axes, count = (1, 2), one[0].size
    products = count * (one * other).sum(axis=axes) - one.sum(axis=axes) * other.sum(axis=axes)
    return np.asarray(products, np.float64)


def _details(photograph: Levels, soft: Levels, cell: int) -> Details:
    """What making it soft takes from the photograph, levels: squares of `cell` px that begin at each px."""
    taken = np.empty(soft.shape, np.int8)
    for top in range(0, len(soft), cell * _STRIP):
        rows = slice(top, top + cell * _STRIP)
        taken[rows] = np.clip(photograph[rows].astype(np.int16) - soft[rows], -127, 127)
    return np.moveaxis(sliding_window_view(taken, (cell, cell), (0, 1)), 2, 4)


def _add(result: Floats, edited: Mask, place: tuple[int, int], found: _Found, details: Details) -> None:
    """Adds the details that were found to the repair that begins at `place`; in place."""
    layout, (cell, _cell, channels) = found.field.layout, details.shape[2:]
    (top, left), across = place, layout.shape[1]
    rows = layout.hole // across
    for first in range(int(rows[0]), int(rows[-1]) + 1, _STRIP):
        hole = layout.hole[slice(*np.searchsorted(rows, (first, first + _STRIP)))]
        index = layout.position[hole]
        strip = np.zeros((_STRIP * across, cell, cell, channels), np.float32)
        strip[hole - first * across] = details[tuple(found.corners[:, index])] * found.share[index, None, None, None]
        added = strip.reshape(_STRIP, across, cell, cell, channels).swapaxes(1, 2).reshape(_STRIP * cell, -1, channels)
        begin, end = max(top, first * cell), min(top + len(edited), (first + _STRIP) * cell)
        part, shown = (each[begin - top : end - top] for each in (result, edited))
        more = part + added[begin - first * cell : end - first * cell, left : left + edited.shape[1]]
        np.clip(more, np.minimum(part, 0), np.maximum(part, 255), out=more)
        np.copyto(part, more, where=shown[..., None])
