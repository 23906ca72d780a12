"""Which areas are regenerated together, and the crop that is sent for each: pure functions on small values.

All coordinates are px of the canvas.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from bridge.pixels.geometry import LEAST_CONTEXT, Box, Crop, Size, bounds, disjoint, plan_crop, plan_native_crop

AREAS = ("auto", "together", "separate")
RESOLUTIONS = ("recommended", "native")

#: Several areas share a crop as long as that is scaled down by no more than this.
LARGEST_SCALE_DOWN = 1.5
_LEAST_SCALE = 1 / LARGEST_SCALE_DOWN


class Piece(NamedTuple):
    """What one request regenerates.

    Attributes:
        area: what is taken from the answer; no two pieces' areas overlap.
        crop: what is sent; its box contains `area`, and may contain (parts of) other pieces' areas.
    """

    area: Box
    crop: Crop


def plan_pieces(
    parts: tuple[Box, ...],
    contexts: Callable[[Box], int],
    canvas: Size,
    areas: str,
    resolution: str,
    native_limit: float,
) -> tuple[Piece, ...]:
    """Divides what is to be regenerated into requests, top to bottom and left to right.

    Parts that overlap are always one piece, so that each part lies in exactly one piece's area. Otherwise:

    * "together" is one piece.
    * "separate" is one piece per part, even where their crops overlap.
    * "auto" is one piece if its crop is scaled down by no more than 1.5. If not, each part is a piece, and neighbours
      whose crops overlap are joined (see `_join`) unless the resolution would suffer: no crop's scale may fall below
      1 / 1.5 or, if one of its parts planned alone is below that already, below that part's.

    A crop may show what other pieces regenerate. Its mask has to mark everything that is edited inside its box, or the
    service would see the objects that are to vanish.

    Args:
        parts: the areas of the selection's islands, grown by what the layer's mask adds; not empty, inside `canvas`.
        contexts: how much context to show around an area, in px.
        areas: one of `AREAS`.
        resolution: "recommended" (see `plan_crop`) or "native" (see `plan_native_crop`).
        native_limit: the most that "native" sends of a piece unscaled, in megapixels.

    Raises:
        ValueError: `areas` or `resolution` is something else.
    """
    if areas not in AREAS or resolution not in RESOLUTIONS:
        raise ValueError(f"cannot plan areas={areas!r}, resolution={resolution!r}")

    def piece(area: Box) -> Piece:
        if resolution == "native":
            return Piece(area, plan_native_crop(area, contexts(area), canvas, native_limit))
        return Piece(area, plan_crop(area, contexts(area), canvas))

    apart = disjoint(parts)
    if areas == "separate" or not apart:
        return tuple(map(piece, apart))
    together = piece(bounds(apart))
    if areas == "together" or len(apart) == 1 or together.crop.scale >= _LEAST_SCALE:
        return (together,)
    return _neighbours_joined(tuple(map(piece, apart)), piece, Box(0, 0, *canvas))


def _neighbours_joined(pieces: tuple[Piece, ...], plan: Callable[[Box], Piece], whole: Box) -> tuple[Piece, ...]:
    """Joins pieces whose crops overlap, until no two of them can be joined."""
    waiting, settled = deque(pieces), list[Piece]()
    while waiting:
        piece = waiting.popleft()
        for neighbour in (each for each in settled if piece.crop.box.overlaps(each.crop.box)):
            if joined := _join(bounds([piece.area, neighbour.area]), [piece, *settled, *waiting], plan, whole):
                settled = [other for other in settled if not joined.area.contains(other.area)]
                waiting = deque(other for other in waiting if not joined.area.contains(other.area))
                waiting.append(joined)
                break
        else:
            settled.append(piece)
    return tuple(sorted(settled, key=lambda piece: (piece.area.y, piece.area.x)))


def _join(area: Box, pieces: list[Piece], plan: Callable[[Box], Piece], whole: Box) -> Piece | None:
    """One piece for all pieces that lie in `area`, and for those that it would otherwise overlap.

    It is planned anew. If that would scale it down too much, the crop of the piece that is scaled down most is used as
    it is, provided that it shows the others with the least context: they are regenerated in it anyway.

    Returns:
        None if neither way keeps a scale of 1 / 1.5, or the least scale of the pieces if that is lower.
    """
    joined: list[Piece] = []
    while len(overlapped := [piece for piece in pieces if piece.area.overlaps(area)]) > len(joined):
        joined, area = overlapped, bounds(piece.area for piece in overlapped)
    coarsest = min(joined, key=lambda piece: piece.crop.scale)
    anew = plan(area)
    if anew.crop.scale >= min(_LEAST_SCALE, coarsest.crop.scale):
        return anew
    others = [piece.area.grown(LEAST_CONTEXT).within(whole) for piece in joined if piece is not coarsest]
    return Piece(area, coarsest.crop) if all(map(coarsest.crop.box.contains, others)) else None
