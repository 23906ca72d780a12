"""From the selection to what is sent: the areas that change, and the crops that show them. No files, no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job.islands import islands
from bridge.job.planning import Piece, plan_pieces
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Crop, Size, context_for, disjoint
from bridge.pixels.imaging import Coverage, Pixels
from bridge.protocol import Job


class NothingToDoError(PhotioError):
    """There is nothing to regenerate."""

    code = "nothing-to-do"


class Area:
    """A part of the canvas that the layer will cover: `box`, and its mask there, made when first read.

    Attributes:
        share: uint8 [height, width], how much of the answer is in the layer's colours where the mask is 255, and the
            photograph is not opaque; None: all of it. See `with_transparency`.
    """

    def __init__(self, box: Box, mask: Callable[[], Pixels], share: Pixels | None = None) -> None:
        self.box = box
        self.share = share
        self._made = mask

    @cached_property
    def mask(self) -> Pixels:
        """uint8 [height, width], 0–255."""
        return self._made()


@dataclass(frozen=True)
class Planning:
    """What is sent, and which parts of the answers are shown. Each area belongs to exactly one piece."""

    areas: tuple[Area, ...]
    pieces: tuple[Piece, ...]

    @property
    def crops(self) -> tuple[Crop, ...]:
        """One for each request."""
        return tuple(piece.crop for piece in self.pieces)

    def areas_of(self, piece: Piece) -> tuple[int, ...]:
        """The numbers (from 0) of the areas whose pixels come from this piece's crop."""
        return tuple(number for number, area in enumerate(self.areas) if piece.area.contains(area.box))

    def edited(self, window: Box) -> Coverage:
        """Which pixels of `window` the layer will show, and so have to be regenerated: bool [height, width]."""
        shown = np.zeros((window.height, window.width), np.bool_)
        for area in self.areas:
            common = area.box.within(window)
            if not common.is_empty:
                shown[common.relative_to(window).slices] |= area.mask[common.relative_to(area.box).slices] > 0
        return shown


def plan(job: Job, selection: Pixels | None, selected: Box, canvas: Size, native_limit: float) -> Planning:
    """Decides what is sent.

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
        part, box = grown.grown(-reach), grown.within(whole)
        # a copy: a view would keep all of a large selection in memory
        coverage = np.ascontiguousarray(mask[part.relative_to(selected).slices])
        areas.append(Area(box, partial(imaging.layer_mask, coverage, part, box, job.grow, job.feather)))

    def context(area: Box) -> int:
        return context_for(area.grown(-min(reach, (min(area.size) - 1) // 2)), job.context)

    # transparent parts are known only once the crop was exported, so that all of it has to be one piece
    together = "together" if job.fill_transparent else job.areas
    pieces = plan_pieces(tuple(area.box for area in areas), context, canvas, together, job.resolution, native_limit)
    return Planning(tuple(areas), pieces)


def with_transparency(planning: Planning, source: Pixels, job: Job, masked: bool) -> Planning:
    """The planning, with the transparent parts of its only crop added to what is regenerated.

    A mask that fades where the photograph's alpha fades, too, would leave both half transparent. So the layer is opaque
    there, and its colours fade from the answer to the photograph instead: by `Area.share`.

    Args:
        source: the crop's pixels, RGB or RGBA.
        masked: whether anything was selected; if not, only what is transparent is regenerated.

    Raises:
        NothingToDoError: nothing was selected, and nothing is transparent.
    """
    ((_area, crop),) = planning.pieces
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
    return Planning((Area(crop.box, lambda: mask, share),), (Piece(crop.box, crop),))
