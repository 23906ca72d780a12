"""A job's steps on pixels: what to send, and what comes of an answer. No files, no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from math import ceil, sqrt

import numpy as np

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job.islands import islands
from bridge.job.planning import Piece, plan_pieces
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Crop, Size, bounds, context_for, disjoint
from bridge.pixels.imaging import Answer, Colours, Coverage, Pixels
from bridge.pixels.match_colour import CELL, EVERY, correct, find_correction, kept_around, sampled
from bridge.pixels.match_grain import Grain, Spectra, grain_around, kept_grain, match_grain, white_noise
from bridge.protocol import Job

#: Where the surroundings kept more of their detail than that, the repair is as it was meant.
GRAIN_KEPT = 0.7

#: px around a repair that are looked at to tell the photograph's noise.
GRAIN_REACH = 128

#: For telling what became of details in the answer so many px around the repair are enough, from so near at least.
JUDGED, NEAREST_JUDGED = 100_000, 48

#: Answers for crops that were scaled up by more are scaled back before they are corrected: there are fewer px then.
LARGEST_CORRECTED = 1.5


class NothingToDoError(PhotioError):
    """There is nothing to regenerate."""

    code = "nothing-to-do"


class Area:
    """A part of the canvas that the layer will cover, `box`; its mask there is made when somebody asks for it."""

    def __init__(self, box: Box, mask: Callable[[], Pixels]) -> None:
        self.box = box
        self._made = mask

    @cached_property
    def mask(self) -> Pixels:
        """uint8 [height, width], 0–255."""
        return self._made()


@dataclass(frozen=True)
class Planning:
    """What to send, and what of the answers will be shown. Each area is part of just one piece."""

    areas: tuple[Area, ...]
    pieces: tuple[Piece, ...]

    @property
    def crops(self) -> tuple[Crop, ...]:
        """One for each request."""
        return tuple(piece.crop for piece in self.pieces)

    def areas_of(self, piece: Piece) -> tuple[int, ...]:
        """The numbers of the areas whose pixels come from this piece's crop."""
        return tuple(number for number, area in enumerate(self.areas) if piece.area.contains(area.box))

    def edited(self, window: Box) -> Coverage:
        """Which pixels of `window` the layer will show at all: those that are to be regenerated."""
        shown = np.zeros((window.height, window.width), np.bool_)
        for area in self.areas:
            common = area.box.within(window)
            if not common.is_empty:
                here, there = common.relative_to(window), common.relative_to(area.box)
                part = area.mask[there.y : there.bottom, there.x : there.right]
                shown[here.y : here.bottom, here.x : here.right] |= part > 0
        return shown


def plan(job: Job, selection: Pixels | None, selected: Box, canvas: Size, native_limit: float) -> Planning:
    """Decides what will be sent.

    Args:
        selection: the coverage over `selected`, 0–255; None: all of it.
        selected: the selection's bounds, inside the canvas.
        native_limit: in megapixels.

    Raises:
        NothingToDoError: not one pixel is selected.
    """
    whole, reach = Box(0, 0, *canvas), job.grow + job.feather
    mask = np.full((selected.height, selected.width), 255, np.uint8) if selection is None else selection
    parts = [Box(selected.x + part.x, selected.y + part.y, *part.size) for part in islands(mask)]
    if not parts:
        raise NothingToDoError(_("The selection holds no pixel: select something, then try again."))
    areas = []
    for grown in disjoint(part.grown(reach) for part in parts):
        part = grown.grown(-reach)
        inner = part.relative_to(selected)
        # its own memory: a large selection need not stay because of small parts
        coverage = np.ascontiguousarray(mask[inner.y : inner.bottom, inner.x : inner.right])
        box = grown.within(whole)
        areas.append(Area(box, partial(imaging.layer_mask, coverage, part, box, job.grow, job.feather)))

    def context(area: Box) -> int:
        return context_for(area.grown(-min(reach, (min(area.size) - 1) // 2)), job.context)

    # transparent parts are known only when the crops are there; they have no part of their own
    together = "together" if job.fill_transparent else job.areas
    pieces = plan_pieces(tuple(area.box for area in areas), context, canvas, together, job.resolution, native_limit)
    return Planning(tuple(areas), pieces)


def with_transparency(planning: Planning, source: Pixels, job: Job, masked: bool) -> Planning:
    """The planning with the transparent parts of its (only) crop added to what is regenerated.

    Args:
        source: the crop's pixels, RGB or RGBA.
        masked: whether something was selected; if not, only what is transparent is regenerated.

    Raises:
        NothingToDoError: nothing was selected, and nothing is transparent.
    """
    ((_area, crop),) = planning.pieces
    mask = np.zeros((crop.box.height, crop.box.width), np.uint8)
    if source.shape[2] == 4:
        mask = imaging.feather(imaging.grow(255 - source[..., 3], job.grow), job.feather)
    for area in planning.areas if masked else ():
        inner = area.box.relative_to(crop.box)
        rows, columns = slice(inner.y, inner.bottom), slice(inner.x, inner.right)
        mask[rows, columns] = np.maximum(mask[rows, columns], area.mask)
    if not mask.any():
        raise NothingToDoError(_("Nothing is selected and nothing is transparent: there is nothing to fill."))
    return Planning((Area(crop.box, lambda: mask),), (Piece(crop.box, crop),))


@dataclass(frozen=True)
class Reference:
    """What answers for a crop are compared with.

    Attributes:
        crop: in the size in which they are corrected: as sent, or where that was scaled up much, as it was before.
        box: as much of an answer as `fit` needs, in that size.
        sent: in that size, uint8 [height, width, 3].
        kept: [height, width]; true where the service should have kept `sent`.
        sample: as `sent` and `kept`, but of what was really sent only each `every`th row and column: colours are
            compared there, by averages of so many px that a few of them say the same.
    """

    crop: Crop
    box: Box
    sent: Pixels
    kept: Coverage
    sample: tuple[Pixels, Coverage]
    every: int


def service_mask(planning: Planning, crop: Crop) -> Pixels:
    """A crop's mask as the service gets it."""
    return imaging.mask_to_service(planning.edited(crop.box), crop)


def reference(planning: Planning, piece: Piece, source: Pixels, sent: Pixels, mask: Pixels) -> Reference:
    """What all answers for a crop are compared with; `sent` and `mask` as the service got them."""
    crop, kept = piece.crop, kept_around(mask == 0)
    every = min(max(EVERY, round(EVERY * crop.scale)), CELL // 2)  # of the photograph, not of its enlargement
    sample = (sampled(sent, every), sampled(kept, every))
    if crop.scale > LARGEST_CORRECTED:
        crop = crop._replace(size=crop.frame)
        sent = imaging.to_service(source, crop)
        kept = kept_around(service_mask(planning, crop) == 0)
    box = imaging.part_for(crop, bounds(_judged(crop, planning.areas[each]) for each in planning.areas_of(piece)))
    return Reference(crop, box, sent, kept, sample, every)


def corrected(job: Job, reference: Reference, answer: Pixels) -> Answer:
    """As much of an answer as `fit` needs, in the colours of what was sent; in px of the reference.

    Args:
        answer: RGB or RGBA, [height, width, 3 or 4], as it was sent; its alpha says nothing.
    """
    crop, box, pixels = reference.crop, reference.box, np.ascontiguousarray(answer[..., :3])
    part = (slice(box.y, box.bottom), slice(box.x, box.right))
    colours = imaging.scaled(pixels, crop.size, box)
    cell = max(2, round(CELL / reference.every))
    sent, kept = reference.sample
    found = find_correction(sent, sampled(pixels, reference.every), kept, cell) if job.match_colour else None
    if found is None:
        return Answer(colours.astype(np.float32), box)
    # of a cell, in px of the reference
    across, down = (
        cell * reference.every * length / whole for length, whole in zip(crop.size, pixels.shape[1::-1], strict=True)
    )
    window = (box.x / across, box.y / down, box.right / across, box.bottom / down)
    return Answer(correct(found, reference.sent[part], colours, reference.kept[part], window), box)


def grain(planning: Planning, crop: Crop, area: Area, source: Pixels) -> Grain | None:
    """The photograph's grain around an area; None where there is none to be seen."""
    window = area.box.grown(GRAIN_REACH).within(crop.box)
    return grain_around(_part(source, crop, window)[..., :3], planning.edited(window))


def noise(planning: Planning, crop: Crop, area: Area, grain: Grain, seed: int) -> Spectra:
    """What `fit` needs where grain is missing, made before it is known whether it is."""
    return white_noise(planning.edited(_judged(crop, area)), grain, seed)


def _part(source: Pixels, crop: Crop, window: Box) -> Pixels:
    """The crop's pixels in a part of it."""
    inner = window.relative_to(crop.box)
    return source[inner.y : inner.bottom, inner.x : inner.right]


def _judged(crop: Crop, area: Area) -> Box:
    """The part of a crop that an area is fitted into: itself, and enough around it, on the canvas."""
    half = (area.box.width + area.box.height) / 2
    reach = ceil((sqrt(half**2 + JUDGED) - half) / 2)  # (width + 2 reach) (height + 2 reach) − width height = JUDGED
    return area.box.grown(min(max(reach, NEAREST_JUDGED), GRAIN_REACH)).within(crop.box)


def fit(
    job: Job,
    planning: Planning,
    crop: Crop,
    area: Area,
    source: Pixels,
    answer: Answer,
    grain: Callable[[], Grain | None],
    seed: int,
    white: Callable[[], Spectra | None] = lambda: None,
) -> tuple[Colours, Pixels | None]:
    """What the layer shows in one area: colours, 0–255, and alpha where it is not opaque.

    Args:
        source: the crop's pixels, RGB or RGBA.
        answer: of the crop, corrected; `crop` is the reference's.
        grain: tells the one around the area, where it is needed.
        white: likewise its `noise`, if that was made.
    """
    window = _judged(crop, area)
    original = _part(source, crop, window)
    colours = imaging.from_service(answer, crop, window)
    if job.match_grain:
        edited = planning.edited(window)
        if kept_grain(colours, original[..., :3], edited) < GRAIN_KEPT and (wanted := grain()):
            colours = match_grain(colours, edited, wanted, seed, white())
    inner = area.box.relative_to(window)
    rows, columns = slice(inner.y, inner.bottom), slice(inner.x, inner.right)
    opaque = job.fill_transparent or source.shape[2] == 3
    return colours[rows, columns], None if opaque else original[rows, columns, 3]
