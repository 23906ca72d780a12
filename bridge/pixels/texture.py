"""Fills a hole with texture of the photograph around it, where a coarse picture says what belongs where.

The coarse picture may be soft: it decides where things are, and the photograph what they look like. Places are looked
for at a coarse scale and carried to the finer ones, so that the time grows little with the size.
"""

from __future__ import annotations

import numpy as np

from bridge.pixels.patch_features import Floats
from bridge.pixels.patch_field import Descriptions, Field, Layout, Mask, Search, enlarged, improve, nearest
from bridge.pixels.patch_scales import scales
from bridge.pixels.patch_vote import vote

#: px around the hole's box, and as a share of its longer side, in which texture is looked for: the larger of the two.
LEAST_CONTEXT, CONTEXT = 96, 0.4
#: The window grows until it has so many usable places: px, and as a share of the hole.
LEAST_USABLE, USABLE_SHARE = 4096, 0.5
#: Usable places at a scale that are enough to search among.
ENOUGH = 64
#: px: a window of up to so many begins at a quarter of the scale, one of up to four times as many at an eighth, ….
#: A scale with more px is not searched: time and memory would grow with the picture.
QUARTER_WINDOW = 1_600_000
#: At the first scale the field is searched for, and voted, so often. At finer ones it is once; at full scale it is
#: only carried over and voted.
FIRST_ROUNDS = 3
#: See `patch_vote.vote`.
SHARPNESS, FULL_SHARPNESS = 0.3, 0.2
#: What is searched right after the exact search.
NEAR = Search((1,), (8, 2, 1))


def textured(picture: Floats, hole: Mask, seed: int) -> Floats:
    """Fill the hole with texture from outside it.

    Args:
        picture: [H, W, C], 0–255: the photograph, and in the hole the coarse picture; C is 3, or 1 for gray.
        hole: [H, W].
        seed: chooses among equally good places.

    Returns:
        float32 of the same shape, exactly `picture` outside the hole. The coarse picture itself, where less than
        `ENOUGH` px have a patch that lies outside the hole.
    """
    answer = picture.astype(np.float32)
    if not hole.any():
        return answer
    rows, columns = window(hole)
    inside = hole[rows, columns]
    part = answer[rows, columns]
    part[inside] = _voted(part, inside, np.random.Generator(np.random.PCG64(seed)))[inside]
    return answer


def window(hole: Mask) -> tuple[slice, slice]:
    """The rows and columns around a hole in which texture is looked for."""
    found = [np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0)]
    sides = [(int(at[0]), int(at[-1]) + 1) for at in found]
    context = int(max(LEAST_CONTEXT, CONTEXT * max(end - begin for begin, end in sides)))
    least = max(LEAST_USABLE, USABLE_SHARE * int(np.count_nonzero(hole)))
    while True:
        box = [(max(0, a - context), min(n, b + context)) for (a, b), n in zip(sides, hole.shape, strict=True)]
        rows, columns = (slice(*side) for side in box)
        part = hole[rows, columns]
        if part.shape == hole.shape or part.size - np.count_nonzero(part) >= least:
            return rows, columns
        context *= 2


def _voted(part: Floats, hole: Mask, generator: np.random.Generator) -> Floats:
    smallest = 4
    while hole.size * 16 > QUARTER_WINDOW * smallest * smallest:
        smallest *= 2
    coarser = scales(part, hole, smallest)
    full = coarser.pop(0)
    field: Field | None = None
    while coarser:
        scaled = coarser.pop()
        if field is not None and scaled.hole.size > QUARTER_WINDOW:
            break
        layout = scaled.layout()
        if field is not None:
            field = _refined(enlarged(field, layout), scaled.picture, generator)
        elif np.count_nonzero(layout.usable) >= ENOUGH:
            field = _begun(layout, scaled.picture, generator)
    layout = full.layout()
    if field is not None:
        field = enlarged(field, layout)
    elif np.count_nonzero(layout.usable) >= ENOUGH:
        field = _begun(layout, full.picture, generator)
    else:
        return part
    return vote(field, full.picture, FULL_SHARPNESS)[: hole.shape[0], : hole.shape[1]]


def _begun(layout: Layout, picture: Floats, generator: np.random.Generator) -> Field:
    """The field at the first scale: an exact search, then searches for what was voted."""
    descriptions = Descriptions(layout, picture)
    field = nearest(layout, descriptions, generator)
    field = improve(field, descriptions, generator, NEAR)
    for _ in range(FIRST_ROUNDS - 1):
        descriptions.look_again(layout, vote(field, picture, SHARPNESS))
        field = improve(field, descriptions, generator, _everywhere(layout))
    return field


def _refined(field: Field, picture: Floats, generator: np.random.Generator) -> Field:
    """The field at a finer scale: searched once for what it votes."""
    descriptions = Descriptions(field.layout, vote(field, picture, SHARPNESS))
    return improve(field, descriptions, generator, _everywhere(field.layout))


def _everywhere(layout: Layout) -> Search:
    return Search((1, 4), (max(layout.shape) // 4, 16, 4, 1))
