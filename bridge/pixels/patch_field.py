"""Finds, for each place in a hole, the place of the photograph whose patch is most like what should be there.

C. Barnes et al., "PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing", SIGGRAPH 2009:
propagation and random search. They begin at an exact search among evenly spread places.

Everything is exact arithmetic on whole numbers (`patch_features`), so every processor finds the same places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bridge.pixels.patch_features import RADIUS, Floats, describe

Mask = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.int32]  # row · width + column

#: The exact search looks at so many places at most.
MOST_CANDIDATES = 2500
#: A neighbour's continuation is preferred up to so many times the distance: it joins patches without a seam.
COHERENCE = np.float32(1.2)
_BLOCK = 1024  # rows of the matrix product at a time: 10 MB


class Layout:
    """Which pixels of a picture want a patch, and which may give theirs; for one scale.

    Args:
        hole: [H, W]; true where content is wanted.
        known: [H, W]; true where the picture shows the photograph. None: everywhere outside the hole.

    Attributes:
        shape: (H, W).
        hole: int32 [m]: the hole's places.
        wanted: int32 [n]: the places whose patch touches the hole, row by row.
        usable: bool [H · W]: the places whose patch lies inside the picture, is known and has nothing of the hole.
        position: int32 [H · W]: the index in `wanted` of each place; −1 elsewhere.
        box: rows and columns that hold all wanted patches.

    Raises:
        ValueError: the hole is empty.
    """

    def __init__(self, hole: Mask, known: Mask | None = None) -> None:
        if not hole.any():
            raise ValueError("the hole is empty")
        self.shape = hole.shape
        self.hole: Places = np.flatnonzero(hole).astype(np.int32)
        wanted = _near(hole)
        unusable = hole if known is None else hole | ~known
        self.usable = ~_near(np.pad(unusable, RADIUS, constant_values=True))[RADIUS:-RADIUS, RADIUS:-RADIUS].ravel()
        self.wanted: Places = np.flatnonzero(wanted).astype(np.int32)
        self.position = np.full(hole.size, -1, np.int32)
        self.position[self.wanted] = np.arange(len(self.wanted), dtype=np.int32)
        found = [np.flatnonzero(wanted.any(axis=axis)) for axis in (1, 0)]
        self.box = tuple(slice(max(0, int(at[0]) - RADIUS), int(at[-1]) + RADIUS + 1) for at in found)

    def moved(self, places: Places, down: int | Places, across: int | Places) -> tuple[Places, Mask]:
        """The places that far away, px, and which of them are inside the picture. Those outside are given as 0."""
        height, width = self.shape
        rows, columns = places // width + down, places % width + across
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        return np.where(inside, rows * width + columns, 0).astype(np.int32, copy=False), inside


@dataclass(frozen=True)
class Field:
    """What was found.

    Attributes:
        layout: where.
        sources: int32 [n]: for each of `layout.wanted` the place that is most like it.
        distances: float32 [n]: the squared distance of the two patches' features, half levels².
    """

    layout: Layout
    sources: Places
    distances: Floats


@dataclass(frozen=True)
class Search:
    """How far `improve` looks.

    Attributes:
        steps: px: neighbours at these distances are asked where they found theirs.
        radii: px: random places within these distances of the present one are tried.
    """

    steps: tuple[int, ...] = (1,)
    radii: tuple[int, ...] = (8, 2, 1)


class Descriptions:
    """The features of a picture's sources, and of what is wanted in its hole.

    Args:
        picture: [H, W, C], 0–255, with a first guess of the hole's content; C is 3, or 1 for gray.
    """

    def __init__(self, layout: Layout, picture: Floats) -> None:
        features = describe(picture)
        self._sources = features.reshape(-1, features.shape[2])
        self.wanted = self._sources[layout.wanted]

    def look_again(self, layout: Layout, picture: Floats) -> None:
        """Another guess of the hole's content; the sources stay."""
        rows, columns = layout.box
        features = describe(picture[rows, columns])
        width = layout.shape[1]
        inside = (layout.wanted // width - rows.start) * features.shape[1] + layout.wanted % width - columns.start
        self.wanted = features.reshape(-1, features.shape[2])[inside]

    def of(self, sources: Places) -> Floats:
        """The features of these places, [n, F]."""
        return self._sources[sources]

    def distances(self, sources: Places, wanted: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """The squared distances of some of the wanted patches to those of `sources`."""
        difference = self.wanted[wanted] - self._sources[sources]
        return np.asarray(np.einsum("ij,ij->i", difference, difference))


def nearest(layout: Layout, descriptions: Descriptions, generator: np.random.Generator) -> Field:
    """The exact nearest of at most `MOST_CANDIDATES` evenly spread sources. The generator shifts their grid.

    Raises:
        ValueError: no place is usable.
    """
    candidates = _candidates(layout, generator)
    of = descriptions.of(candidates)
    halves = np.floor((of * of).sum(axis=1) / 2)  # |a − b|² / 2 = |a|² / 2 − a · b + |b|² / 2
    sources = np.empty(len(layout.wanted), np.int32)
    for begin in range(0, len(sources), _BLOCK):
        scores = descriptions.wanted[begin : begin + _BLOCK] @ of.T
        scores -= halves
        sources[begin : begin + _BLOCK] = candidates[scores.argmax(axis=1)]
    return Field(layout, sources, descriptions.distances(sources))


def improve(
    field: Field, descriptions: Descriptions, generator: np.random.Generator, search: Search, rounds: int = 2
) -> Field:
    """The field after some rounds of propagation from neighbours and of random search around each source."""
    layout, sources = field.layout, field.sources.copy()
    distances = descriptions.distances(sources)

    def offer(which: NDArray[np.intp], places: Places, inside: Mask, factor: np.float32) -> None:
        new = inside & layout.usable[places] & (places != sources[which])
        which, places = which[new], places[new]
        found = descriptions.distances(places, which)
        better = found < distances[which] * factor
        sources[which[better]], distances[which[better]] = places[better], found[better]

    everywhere = np.arange(len(sources))
    for _ in range(rounds):
        for step in search.steps:
            for down, across in ((0, step), (step, 0), (0, -step), (-step, 0)):
                neighbours, inside = layout.moved(layout.wanted, -down, -across)
                asked = np.where(inside, layout.position[neighbours], -1)
                which = np.flatnonzero(asked >= 0)
                offer(which, *layout.moved(sources[asked[which]], down, across), COHERENCE)
        for radius in search.radii:
            down, across = generator.integers(-radius, radius + 1, (2, len(sources)), np.int32)
            offer(everywhere, *layout.moved(sources, down, across), np.float32(1))
    return Field(layout, sources, distances)


def enlarged(field: Field, layout: Layout) -> Field:
    """The field for the same hole at a larger scale. Distances are those of the smaller one.

    Args:
        layout: of a picture whose sides are those of the smaller one times a whole number, and whose hole, reduced,
            is the smaller one (`patch_scales`). What is usable there is usable here too.

    Raises:
        ValueError: the sizes do not fit together.
    """
    (height, width), (rows, columns) = layout.shape, field.layout.shape
    factor = height // rows
    if (rows * factor, columns * factor) != (height, width):
        raise ValueError(f"a field of {rows} × {columns} px cannot be enlarged to {height} × {width} px")
    down, across = layout.wanted // width, layout.wanted % width
    index = field.layout.position[down // factor * columns + across // factor]
    source = field.sources[index]
    down, across = source // columns * factor + down % factor, source % columns * factor + across % factor
    return Field(layout, down * width + across, field.distances[index])


def _candidates(layout: Layout, generator: np.random.Generator) -> Places:
    """Usable places on a grid; in a strip too narrow for a grid, every so many of them."""
    usable = np.flatnonzero(layout.usable).astype(np.int32)
    if not len(usable):
        raise ValueError("no place is usable")
    every = int(np.ceil(np.sqrt(len(usable) / MOST_CANDIDATES)))
    shift = generator.integers(0, every, 2)
    rows, columns = usable // layout.shape[1], usable % layout.shape[1]
    grid = usable[(rows % every == shift[0]) & (columns % every == shift[1])][:MOST_CANDIDATES]
    if 2 * len(grid) < min(MOST_CANDIDATES, len(usable)):
        grid = usable[:: -(-len(usable) // MOST_CANDIDATES)]
    return np.asarray(grid)


def _near(mask: Mask) -> Mask:
    """Where a patch touches the mask."""
    # a blurred 255 is above 0 wherever the box reaches, and Pillow's maximum filter takes ten times as long
    blurred = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(RADIUS))
    return np.asarray(np.asarray(blurred) > 0)
