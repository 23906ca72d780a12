"""One crop of a job: what the service gets of it, and how each answer is made to fit. No files, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np

from bridge.job import detail
from bridge.job.areas import Area, Planning
from bridge.job.planning import Piece
from bridge.pixels import imaging, spill, transparency
from bridge.pixels.geometry import Box, Crop, bounds
from bridge.pixels.imaging import Answer, Colours, Coverage, Pixels
from bridge.pixels.match_colour import CELL, EVERY, correct, find_correction, kept_around, sampled
from bridge.pixels.match_detail import Surroundings, match_detail
from bridge.pixels.match_grain import Grain, grain_around, kept_grain, match_grain
from bridge.pixels.softness import Kept, kept_detail, softness
from bridge.protocol import Job, Patch

#: How the names of layer masks begin.
MASK = "layer-mask"

#: Grain is added only where the surroundings of a repair kept less of their detail than this share.
GRAIN_KEPT = 0.7

#: px around a repair in which the photograph's grain is measured.
GRAIN_REACH = 128

#: Whether an answer lost detail is measured on so many px around the repair, and at least so far from it (px).
JUDGED, NEAREST_JUDGED = 50_000, 48

#: Answers for crops that were scaled up by more are scaled back before they are corrected: there are fewer px then.
LARGEST_CORRECTED = 1.5


def result_file(crop: int, variation: int, area: int) -> str:
    """The file of what GIMP places of an answer in an area; all numbers from 1."""
    return f"result-{crop}-{variation}-{area}.pnm"


class Earlier(NamedTuple):
    """What the results of earlier requests show in a crop."""

    colours: Colours  #: [height, width, 3], 0–255
    shown: Pixels  #: [height, width], 0–255: the layer's mask; 0 where they show nothing


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
    where: spill.Where | None = None  #: in `box`, if more may be shown than was regenerated
    detail: Kept | None = None  #: in `box`, if detail is matched and there is some


@dataclass(frozen=True)
class CropWork:
    """One crop of a job."""

    planning: Planning
    number: int  #: which of the job's crops, from 1
    piece: Piece
    pixels: Pixels  #: as GIMP exported them, [height, width, 3 or 4], RGB or RGBA
    earlier: Earlier | None = None  #: what is over the photograph already, and in `pixels`, too

    @property
    def job(self) -> Job:
        """What was asked for."""
        return self.planning.job

    @property
    def lacks_detail(self) -> bool:
        """Whether its answers get the detail of their surroundings."""
        return self.job.match_detail and self.piece.crop.scale < detail.LARGEST_SCALE

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
        lost = kept_detail(sent[box.slices], kept[box.slices]) if self.lacks_detail else None
        return Fitter(self, Reference(crop, box, sent, kept, sample, every, self._where(crop, box), lost), grains)

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

    def _where(self, crop: Crop, part: Box) -> spill.Where | None:
        """The parts of a part of the crop, in px of its size; None where nothing may be shown beyond the mask."""
        if not self.job.spill:
            return None
        reached = imaging.mask_to_service(self.planning.reached(crop.box), crop) == 0
        around, inside = kept_around(reached)[part.slices], (self._mask_for(crop) == 0)[part.slices]
        fade = max(spill.fade_of(self.planning.areas[number].mask) for number in self.planning.areas_of(self.piece))
        return spill.Where(inside, reached[part.slices], around, ceil(fade * crop.scale))

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
        work = self.work
        spilled = None
        if self.reference.where is None:
            corrected = self.corrected(answer, work.job.match_colour)
        else:
            as_it_came, matched = (self.corrected(answer, match) for match in (False, True))
            corrected = matched if work.job.match_colour else as_it_came
            spilled = self.spilled(as_it_came, matched)
        corrected = self.softened(corrected)
        # a list first: Python fails if anything looks at a tuple that is still being made, as `gc.get_objects` does
        made = list[tuple[Patch, bytes]]()
        for number in work.planning.areas_of(work.piece):
            box, numbers = work.planning.areas[number].box, (work.number, variation, number + 1)
            mask = self.mask(number, spilled)
            content = imaging.deep_pnm(*self.area(number, corrected, seed, mask))
            made.append((Patch(result_file(*numbers), box), content))
            if mask is not None:
                made.append((Patch(f"{MASK}-{'-'.join(map(str, numbers))}.pgm", box), imaging.pnm(mask)))
        return tuple(made)

    def corrected(self, answer: Pixels, match: bool) -> Answer:
        """The part of an answer that fitting needs, in px of the reference.

        Args:
            match: whether in its colours, too.
        """
        compared, pixels = self.reference, np.ascontiguousarray(answer[..., :3])
        crop, box, every = compared.crop, compared.box, compared.every
        colours = imaging.scaled(pixels, crop.size, box)
        cell = max(2, round(CELL / every))
        sent, kept = compared.sample
        found = find_correction(sent, sampled(pixels, every), kept, cell) if match else None
        if found is None:
            return Answer(colours.astype(np.float32), box)
        # a cell's width and height, in px of the reference
        across, down = (cell * every * crop.size[axis] / pixels.shape[1 - axis] for axis in (0, 1))
        window = (box.x / across, box.y / down, box.right / across, box.bottom / down)
        sent, kept = compared.sent[box.slices], compared.kept[box.slices]
        return Answer(correct(found, sent, colours, kept, window), box)

    def softened(self, answer: Answer) -> Answer:
        """The same answer, which now knows how soft it is, if its detail is to be matched."""
        kept = self.reference.detail
        return answer if kept is None else answer._replace(softness=softness(answer.colours, kept))

    def spilled(self, answer: Answer, matched: Answer) -> Answer | None:
        """How much of an answer has to be shown because it is the rest of something: 0–255, one channel.

        Args:
            answer, matched: in px of the reference; as it came, and in its colours.
        """
        compared, box = self.reference, answer.box
        assert compared.where is not None
        shown = spill.spilled(compared.sent[box.slices], answer.colours, matched.colours, compared.where)
        return None if shown is None else Answer(shown[..., None].astype(np.float32), box)

    def mask(self, number: int, spilled: Answer | None) -> Pixels | None:
        """The layer mask of one area, uint8 [height, width], if it shows more than the mask that was planned.

        Args:
            number: the area's, from 0.
            spilled: see there.
        """
        area = self.work.planning.areas[number]
        if spilled is None:
            return None
        shown = imaging.from_service(spilled, self.reference.crop, area.box)[..., 0]
        more = np.minimum(np.clip(np.rint(shown), 0, 255).astype(np.uint8), area.most)
        return np.maximum(area.mask, more) if more[area.mask == 0].any() else None

    def area(self, number: int, answer: Answer, seed: int, mask: Pixels | None = None) -> tuple[Colours, Pixels | None]:
        """What the layer shows in one area: colours, 0–255, and alpha where it is not opaque.

        Args:
            number: the area's, from 0.
            answer: in px of the reference.
            mask: through which it is shown, if that is not the planned one.
        """
        work, area = self.work, self.work.planning.areas[number]
        window = work.judged(area)
        original = work.part(window)
        colours = imaging.from_service(answer, self.reference.crop, window)
        inner = area.box.relative_to(window).slices
        grain = self.grains.get(number)
        if work.lacks_detail or grain is not None:
            edited = work.planning.edited(window)
            if mask is not None:
                edited[inner] |= mask > 0
            if work.lacks_detail:
                around = self.surroundings(area, answer.softness)
                colours = colours if around is None else match_detail(colours, edited, around, seed)
            # grain comes last: it adds what the detail does not have of it already
            if grain is not None and kept_grain(colours, original[..., :3], edited) < GRAIN_KEPT:
                colours = match_grain(colours, edited, grain, seed)
        if work.pixels.shape[2] == 3:
            return colours[inner], None
        shown = area.mask if mask is None else mask
        if area.share is not None:
            share = np.where(area.share > 0, area.share, shown)
            colours = transparency.filled(colours[inner], original[inner], share)
            earlier = work.earlier
            return transparency.continued(colours, *earlier, share) if earlier else colours, None
        return colours[inner], transparency.shown_alpha(original[inner][..., 3], shown)

    def surroundings(self, area: Area, softness: float) -> Surroundings | None:
        """What an area gets its detail from; None where all around it is regenerated or transparent, too.

        Args:
            softness: of the answer.
        """
        work, crop = self.work, self.reference.crop
        judged = work.judged(area)
        window = bounds([detail.window_for(area.box, crop), judged])
        part = work.part(window)
        known = ~work.planning.edited(window)
        if part.shape[2] == 4:
            known &= part[..., 3] == 255
        if not known.any():
            return None
        place = judged.relative_to(window)
        soft = detail.soft_photograph(self.reference.sent, softness, crop, window)
        return Surroundings(part[..., :3], soft, known, (place.y, place.x), softness / crop.scale)
