"""A larger canvas: what is sent so that it is filled, and which parts of the answers are shown. No files, no network.

Each request fills all that is transparent in its crop. Later crops overlap earlier ones and show their answers, so that
neighbouring answers continue each other. Coordinates are px of the new canvas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from bridge.common.i18n import _
from bridge.job.areas import Area, NothingToDoError, Planning
from bridge.job.margins import resolved
from bridge.job.planning import LARGEST_SCALE_DOWN, Piece
from bridge.job.tiles import MOST_TILES, strips, tiles
from bridge.pixels import imaging
from bridge.pixels.geometry import LEAST_CONTEXT, Box, Crop, Size, plan_crop, plan_native_crop
from bridge.pixels.imaging import Pixels
from bridge.protocol import Job

#: An answer fades into an earlier one over this part of what both show, px at least and at most.
_FADE, _LEAST_FADE, _LARGEST_FADE = 1 / 3, 16, 128


def plan(job: Job, canvas: Size, before: Box, native_limit: float) -> Planning:
    """Decides what is sent.

    Args:
        before: the old canvas, inside the new one.
        native_limit: in megapixels.

    Raises:
        NothingToDoError: the canvas does not become larger.
    """
    new = strips(canvas, before, upright_first=True)
    if not new:
        raise NothingToDoError(_("The canvas would not become larger: move an edge outwards, then try again."))
    # also with a prompt what is new has to go on from the picture: it fades into it as a repair does
    longest = max(max(strip.box.size) for strip in new)
    margins = resolved(replace(job, prompt="", spill=0, spill_unit="px"), longest)
    job = replace(margins, prompt=job.prompt, fill_transparent=True)

    def crop_of(part: Box) -> Crop:
        context = max(LEAST_CONTEXT, round(min(part.size) * job.context / 100))
        if job.resolution == "native":
            return plan_native_crop(part, context, canvas, native_limit)
        return plan_crop(part, context, canvas)

    crops = tiles(canvas, before, crop_of, together=job.areas == "together")
    kept = before.grown(-(job.grow + job.feather))
    areas = tuple(Area(crop.box, partial(_outside, kept, crop.box)) for crop in crops)
    pieces = tuple(Piece(crop.box, crop) for crop in crops)
    return Planning(job, areas, pieces, _remarks(crops), in_turn=True)


def in_turn(planning: Planning, sources: Sequence[Pixels]) -> Planning:
    """The planning with what each request really fills, now that the crops were exported.

    An area's `mask` is the layer's, with all that earlier requests have filled. Its `share` is how much of the answer
    is shown there; where it is 0, nothing is regenerated.

    Args:
        sources: the crops' pixels, RGB or RGBA.

    Raises:
        NothingToDoError: nothing is transparent.
    """
    areas = list[Area]()
    for piece, source in zip(planning.pieces, sources, strict=True):
        box = piece.crop.box
        alpha = source[..., 3] if source.shape[2] == 4 else np.full(source.shape[:2], 255, np.uint8)
        shown, fade = shown_before(areas, box), _fade(areas, box)
        hole = np.where(shown > 0, np.uint8(0), 255 - alpha)
        share = imaging.feather(imaging.grow(hole, planning.job.grow), planning.job.feather)
        if fade:
            share = np.where(shown > 0, imaging.feather(imaging.grow(hole, fade // 2), fade // 2), share)
        mask = np.where((share > 0) & (alpha < 255), np.uint8(255), share)
        mask = np.where(shown > 0, shown, mask)
        areas.append(Area(box, partial(_same, mask), share=share))
    if not any(area.share is not None and area.share.any() for area in areas):
        raise NothingToDoError(
            _("The layers reach beyond the canvas, so nothing would be left to fill: use Image > Canvas Size instead.")
        )
    return replace(planning, areas=tuple(areas))


def shown_before(areas: Sequence[Area], box: Box) -> Pixels:
    """The layer's mask in a part of the canvas, as these areas leave it: uint8 [height, width]."""
    shown = np.zeros((box.height, box.width), np.uint8)
    for area in areas:
        common = area.box.within(box)
        if not common.is_empty:
            shown[common.relative_to(box).slices] = area.mask[common.relative_to(area.box).slices]
    return shown


def _fade(areas: Sequence[Area], box: Box) -> int:
    """Over how many px an answer fades into the earlier ones; 0 if there are none in its crop."""
    overlaps = [common for area in areas if not (common := area.box.within(box)).is_empty]
    if not overlaps:
        return 0
    least = min(min(common.size) for common in overlaps)
    return max(_LEAST_FADE, min(round(least * _FADE), _LARGEST_FADE))


def _outside(kept: Box, box: Box) -> Pixels:
    """255 where a part of the canvas is outside of what is kept, else 0."""
    mask = np.full((box.height, box.width), 255, np.uint8)
    common = kept.within(box)
    if not common.is_empty:
        mask[common.relative_to(box).slices] = 0
    return mask


def _same(mask: Pixels) -> Pixels:
    return mask


def _remarks(crops: Sequence[Crop]) -> tuple[str, ...]:
    """What should be known before something is paid for."""
    scale = min(crop.scale for crop in crops)
    if len(crops) == 1 or scale >= 1 / LARGEST_SCALE_DOWN:
        return ()
    sentence = _(
        "So much is new that {most} requests are not enough for the image's resolution: what is new gets {percent} % "
        "of it. Expand in several steps to keep more."
    )
    return (sentence.format(most=MOST_TILES, percent=round(100 * scale)),)
