"""From the selection to what is sent: the areas that change, and the crops that show them. No files, no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from bridge.common.errors import PhotioError
from bridge.common.i18n import _, ngettext
from bridge.job.islands import islands
from bridge.job.margins import resolved
from bridge.job.planning import Piece, plan_pieces
from bridge.pixels import imaging
from bridge.pixels.geometry import LEAST_CONTEXT, Box, Crop, Size, context_for, disjoint
from bridge.pixels.imaging import Coverage, Pixels
from bridge.protocol import Job

#: A part that is smaller than the largest by this factor was forgotten there, if it is no longer than so many px.
SPECK_FACTOR, LARGEST_SPECK = 1000, 16

#: GIMP draws its marching ants, and people see a result, where at least half is selected.
VISIBLE = 128


class NothingToDoError(PhotioError):
    """There is nothing to regenerate."""

    code = "nothing-to-do"


class WeakError(PhotioError):
    """So little is selected of each pixel that nobody would see the result."""

    code = "weak-selection"


class Area:
    """A part of the canvas that the layer will cover: `box`. The masks for it are made when they are first read.

    Args:
        mask: makes `mask`.
        spill: px around the mask in which the rest of something added may be shown; `box` includes them.
        share: uint8 [height, width], how much of the answer is in the layer's colours where the mask is 255, and the
            photograph is not opaque; None: all of it. See `with_transparency`.
    """

    def __init__(self, box: Box, mask: Callable[[], Pixels], spill: int = 0, share: Pixels | None = None) -> None:
        self.box, self.spill, self.share = box, spill, share
        self._made = mask

    @cached_property
    def mask(self) -> Pixels:
        """What is shown in any case: uint8 [height, width], 0–255. Where it is above 0, the service regenerates."""
        return self._made()

    @cached_property
    def most(self) -> Pixels:
        """The most that may be shown, like `mask`: all of it, and the margin, which fades out at its end."""
        fade = max(1, self.spill // 8) if self.spill else 0
        solid = (self.mask > 0).view(np.uint8) * np.uint8(255)
        return imaging.feather(imaging.grow(solid, self.spill - fade), fade)


@dataclass(frozen=True)
class Planning:
    """What is sent, and which parts of the answers are shown. Each area belongs to exactly one piece.

    Attributes:
        job: what was asked for, with all margins in px.
        remarks: sentences about what is left out.
        in_turn: each request shows the answers to the earlier ones: see `bridge.job.expansion`.
    """

    job: Job
    areas: tuple[Area, ...]
    pieces: tuple[Piece, ...]
    remarks: tuple[str, ...] = ()
    in_turn: bool = False

    @property
    def crops(self) -> tuple[Crop, ...]:
        """One for each request."""
        return tuple(piece.crop for piece in self.pieces)

    def areas_of(self, piece: Piece) -> tuple[int, ...]:
        """The numbers (from 0) of the areas whose pixels come from this piece's crop."""
        return tuple(number for number, area in enumerate(self.areas) if piece.area.contains(area.box))

    def edited(self, window: Box) -> Coverage:
        """Which pixels of `window` the layer will show, and so have to be regenerated: bool [height, width]."""
        return self._covered(window, lambda area: area.mask)

    def reached(self, window: Box) -> Coverage:
        """Which pixels of `window` the layer may show: those of `edited`, and the margins around them."""
        return self._covered(window, lambda area: area.most)

    def _covered(self, window: Box, mask: Callable[[Area], Pixels]) -> Coverage:
        covered = np.zeros((window.height, window.width), np.bool_)
        for area in self.areas:
            common = area.box.within(window)
            if not common.is_empty:
                covered[common.relative_to(window).slices] |= mask(area)[common.relative_to(area.box).slices] > 0
        return covered


def plan(job: Job, selection: Pixels | None, selected: Box, canvas: Size, native_limit: float) -> Planning:
    """Decides what is sent.

    Args:
        selection: the coverage over `selected`, 0–255; None: all of it.
        selected: the selection's bounds, inside the canvas.
        native_limit: in megapixels.

    Raises:
        NothingToDoError: not one pixel is selected.
        WeakError: nobody would see the result.
    """
    mask = np.full((selected.height, selected.width), 255, np.uint8) if selection is None else selection
    parts = [Box(selected.x + part.x, selected.y + part.y, *part.size) for part in islands(mask)]
    if not parts:
        raise NothingToDoError(_("The selection holds no pixel: select something, then try again."))
    job = resolved(job, max(max(part.size) for part in parts))
    reach = job.grow + job.feather + job.spill
    found = [_Found(grown, reach, mask, selected) for grown in disjoint(part.grown(reach) for part in parts)]
    found, specks = _without_specks(found)
    areas, weak = _visible(found, job, Box(0, 0, *canvas))

    def context(area: Box) -> int:
        wanted = context_for(area.grown(-min(reach, (min(area.size) - 1) // 2)), job.context)
        return max(LEAST_CONTEXT, wanted - job.spill)

    # transparent parts are known only once the crop was exported, so that all of it has to be one piece
    together = "together" if job.fill_transparent else job.areas
    pieces = plan_pieces(tuple(area.box for area in areas), context, canvas, together, job.resolution, native_limit)
    return Planning(job, areas, pieces, (*specks, *weak))


class _Found:
    """A part of the selection, or several that are near each other: its bounds with the margin around it."""

    def __init__(self, grown: Box, reach: int, mask: Pixels, selected: Box) -> None:
        self.grown, self.part = grown, grown.grown(-reach)
        self._mask = mask[self.part.relative_to(selected).slices]

    @cached_property
    def count(self) -> int:
        """Of selected px, however weakly."""
        return int(np.count_nonzero(self._mask))

    def area(self, job: Job, whole: Box) -> Area:
        """The area of the layer."""
        # a copy: a view would keep all of a large selection in memory
        box, coverage = self.grown.within(whole), np.ascontiguousarray(self._mask)
        return Area(box, partial(imaging.layer_mask, coverage, self.part, box, job.grow, job.feather), job.spill)

    @property
    def is_soft(self) -> bool:
        """Whether less than half is selected of every px."""
        return bool(self._mask.max() < VISIBLE)

    def is_weak(self, job: Job, area: Area) -> bool:
        """Whether it is soft, or our own feathering leaves less than half of every px."""
        if self.is_soft or min(self.part.size) + 2 * job.grow >= 2 * job.feather:
            return self.is_soft
        return bool(area.mask.max() < VISIBLE)


def _without_specks(found: list[_Found]) -> tuple[list[_Found], tuple[str, ...]]:
    """The parts without those that somebody forgot beside a much larger one: each would be paid for. And a remark."""
    if len(found) == 1:
        return found, ()
    largest = max(each.count for each in found)

    def is_speck(each: _Found) -> bool:
        return max(each.part.size) <= LARGEST_SPECK and each.count * SPECK_FACTOR <= largest

    kept = [each for each in found if not is_speck(each)]
    count = len(found) - len(kept)
    if not count:
        return found, ()
    sentence = ngettext(
        "{count} selected speck was left out, because the rest of the selection is a thousand times larger: select it "
        "alone to change it.",
        "{count} selected specks were left out, because the rest of the selection is a thousand times larger: select "
        "them alone to change them.",
        count,
    )
    return kept, (sentence.format(count=count),)


def _visible(found: list[_Found], job: Job, whole: Box) -> tuple[tuple[Area, ...], tuple[str, ...]]:
    """The areas of the layer without those that nobody would see, and a remark about these.

    Raises:
        WeakError: nobody would see any.
    """
    pairs = [(each, each.area(job, whole)) for each in found]
    areas = tuple(area for each, area in pairs if not each.is_weak(job, area))
    if not areas:
        if all(each.is_soft for each in found):
            raise WeakError(
                _(
                    "The selection is so soft that less than half of every pixel is selected, which is why GIMP shows "
                    "no marching ants: feather it less or select a larger part, then try again."
                )
            )
        raise WeakError(
            _(
                "Feathered by {feather} px, so small a selection would hardly be seen: choose a smaller Feather, or a "
                "larger Grow, then try again."
            ).format(feather=job.feather)
        )
    count = len(pairs) - len(areas)
    if not count:
        return areas, ()
    sentence = ngettext(
        "{count} part of the selection was left out, because less than half of each of its pixels is selected.",
        "{count} parts of the selection were left out, because less than half of each of their pixels is selected.",
        count,
    )
    return areas, (sentence.format(count=count),)


def with_transparency(planning: Planning, source: Pixels, masked: bool) -> Planning:
    """The planning, with the transparent parts of its only crop added to what is regenerated.

    A mask that fades where the photograph's alpha fades, too, would leave both half transparent. So the layer is opaque
    there, and its colours fade from the answer to the photograph instead: by `Area.share`.

    Args:
        source: the crop's pixels, RGB or RGBA.
        masked: whether anything was selected; if not, only what is transparent is regenerated.

    Raises:
        NothingToDoError: nothing was selected, and nothing is transparent.
    """
    ((_area, crop),), job = planning.pieces, planning.job
    share = np.zeros((crop.box.height, crop.box.width), np.uint8)
    alpha = source[..., 3] if source.shape[2] == 4 else np.full_like(share, 255)
    if source.shape[2] == 4:
        share = imaging.feather(imaging.grow(255 - alpha, job.grow), job.feather)
    for area in planning.areas if masked else ():
        part = share[area.box.relative_to(crop.box).slices]
        np.maximum(part, area.mask, out=part)
    if not share.any():
        raise NothingToDoError(_("Nothing is selected and nothing is transparent: there is nothing to fill."))
    mask = np.where((share > 0) & (alpha < 255), np.uint8(255), share)
    areas = (Area(crop.box, lambda: mask, job.spill, share),)
    return replace(planning, areas=areas, pieces=(Piece(crop.box, crop),))
