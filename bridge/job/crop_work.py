"""One crop of a job: what the service gets of it, and how each answer is made to fit. No files, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from bridge.job.areas import Area, Planning
from bridge.job.planning import Piece
from bridge.pixels import imaging, transparency
from bridge.pixels.geometry import Box, Crop, bounds
from bridge.pixels.imaging import Answer, Colours, Coverage, Pixels
from bridge.pixels.match_colour import CELL, EVERY, correct, find_correction, kept_around, sampled
from bridge.pixels.match_grain import Grain, grain_around, kept_grain, match_grain
from bridge.protocol import Job, Patch

#: Grain is added only where the surroundings of a repair kept less of their detail than this share.
GRAIN_KEPT = 0.7

#: px around a repair in which the photograph's grain is measured.
GRAIN_REACH = 128

#: Whether an answer lost detail is measured on so many px around the repair, and at least so far from it (px).
JUDGED, NEAREST_JUDGED = 100_000, 48

#: Answers for crops that were scaled up by more are scaled back before they are corrected: there are fewer px then.
LARGEST_CORRECTED = 1.5


@dataclass(frozen=True)
class Reference:
    """What the answers for a crop are compared with."""

    crop: Crop  #: in the size in which answers are corrected: as sent, or as before if that was scaled up much
    box: Box  #: the part of an answer that fitting needs, in px of that size
    sent: Pixels  #: in that size, [height, width, 3]
    kept: Coverage  #: [height, width]; true where the service should have kept `sent`
    #: As `sent` and `kept`, but each `every`th row and column of what was really sent. Colours are compared there:
    #: averages of cells need no more.
    sample: tuple[Pixels, Coverage]
    every: int


@dataclass(frozen=True)
class CropWork:
    """One crop of a job."""

    job: Job
    planning: Planning
    number: int  #: which of the job's crops, from 1
    piece: Piece
    pixels: Pixels  #: as GIMP exported them, [height, width, 3 or 4], RGB or RGBA

    def base(self) -> Pixels:
        """The picture that the service gets, uint8 [height, width, 3]."""
        return imaging.to_service(self.pixels, self.piece.crop)

    def mask(self) -> Pixels:
        """The mask that goes with it, uint8 [height, width]: 0 is regenerated, 255 is kept."""
        return self._mask_for(self.piece.crop)

    def fitter(self, base: Pixels, mask: Pixels) -> Fitter:
        """What fits the answers: made once, for all variations, of what the methods `base` and `mask` returned."""
        crop, sent, kept = self.piece.crop, base, kept_around(mask == 0)
        every = min(max(EVERY, round(EVERY * crop.scale)), CELL // 2)  # of the photograph, not of its enlargement
        sample = (sampled(sent, every), sampled(kept, every))
        if crop.scale > LARGEST_CORRECTED:
            crop = crop._replace(size=crop.frame)
            sent = imaging.to_service(self.pixels, crop)
            kept = kept_around(self._mask_for(crop) == 0)
        areas = {number: self.planning.areas[number] for number in self.planning.areas_of(self.piece)}
        box = imaging.part_for(crop, bounds(map(self.judged, areas.values())))
        grains = {number: self._grain(area) for number, area in areas.items()} if self.job.match_grain else {}
        return Fitter(self, Reference(crop, box, sent, kept, sample, every), grains)

    def judged(self, area: Area) -> Box:
        """The part of the crop that an area is fitted into, on the canvas: the area, and enough around it."""
        half = (area.box.width + area.box.height) / 2
        # (width + 2 reach) (height + 2 reach) − width height = JUDGED
        reach = ceil((sqrt(half**2 + JUDGED) - half) / 2)
        return area.box.grown(min(max(reach, NEAREST_JUDGED), GRAIN_REACH)).within(self.piece.crop.box)

    def part(self, window: Box) -> Pixels:
        """The crop's pixels in a part of it, given on the canvas."""
        return self.pixels[window.relative_to(self.piece.crop.box).slices]

    def _mask_for(self, crop: Crop) -> Pixels:
        return imaging.mask_to_service(self.planning.edited(crop.box), crop)

    def _grain(self, area: Area) -> Grain | None:
        """The photograph's grain around an area; None if it has none."""
        window = area.box.grown(GRAIN_REACH).within(self.piece.crop.box)
        return grain_around(self.part(window)[..., :3], self.planning.edited(window))


@dataclass(frozen=True)
class Fitter:
    """Makes answers for one crop fit their surroundings. Safe from any thread.

    `grains` has the photograph's grain around each area, by the area's number; None where there is none.
    """

    work: CropWork
    reference: Reference
    grains: Mapping[int, Grain | None]

    def fit(self, variation: int, answer: Pixels, seed: int) -> tuple[tuple[Patch, bytes], ...]:
        """What GIMP places of one answer in each area of the crop, and the content of its file.

        Args:
            variation: from 1.
            answer: uint8 [height, width, 3 or 4], in the size that was sent; its alpha is ignored.
            seed: the noise that is added depends on it.
        """
        work, corrected = self.work, self.corrected(answer)

        def fitted(number: int) -> tuple[Patch, bytes]:
            patch = Patch(f"result-{work.number}-{variation}-{number + 1}.pnm", work.planning.areas[number].box)
            return patch, imaging.deep_pnm(*self.area(number, corrected, seed))

        # a list first: Python fails if anything looks at a tuple that is still being made, as `gc.get_objects` does
        made = [fitted(number) for number in work.planning.areas_of(work.piece)]
        return tuple(made)

    def corrected(self, answer: Pixels) -> Answer:
        """The part of an answer that fitting needs, in px of the reference and in its colours, if that is asked for."""
        compared, pixels = self.reference, np.ascontiguousarray(answer[..., :3])
        crop, box, every = compared.crop, compared.box, compared.every
        colours = imaging.scaled(pixels, crop.size, box)
        cell = max(2, round(CELL / every))
        sent, kept = compared.sample
        found = find_correction(sent, sampled(pixels, every), kept, cell) if self.work.job.match_colour else None
        if found is None:
            return Answer(colours.astype(np.float32), box)
        # a cell's width and height, in px of the reference
        across, down = (cell * every * crop.size[axis] / pixels.shape[1 - axis] for axis in (0, 1))
        window = (box.x / across, box.y / down, box.right / across, box.bottom / down)
        sent, kept = compared.sent[box.slices], compared.kept[box.slices]
        return Answer(correct(found, sent, colours, kept, window), box)

    def area(self, number: int, answer: Answer, seed: int) -> tuple[Colours, Pixels | None]:
        """What the layer shows in one area: colours, 0–255, and alpha where it is not opaque.

        Args:
            number: the area's, from 0.
            answer: in px of the reference.
        """
        work, area = self.work, self.work.planning.areas[number]
        window = work.judged(area)
        original = work.part(window)
        colours = imaging.from_service(answer, self.reference.crop, window)
        if grain := self.grains.get(number):
            edited = work.planning.edited(window)
            if kept_grain(colours, original[..., :3], edited) < GRAIN_KEPT:
                colours = match_grain(colours, edited, grain, seed)
        inner = area.box.relative_to(window).slices
        if work.pixels.shape[2] == 3:
            return colours[inner], None
        if area.share is not None:
            return transparency.filled(colours[inner], original[inner], area.share), None
        return colours[inner], transparency.shown_alpha(original[inner][..., 3], area.mask)
