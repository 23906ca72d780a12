"""How a canvas becomes larger: pure arithmetic on px, without GIMP."""

from __future__ import annotations

import re
from typing import NamedTuple

from bridge.protocol import Rectangle

#: px. GIMP's images are no wider and no higher.
LARGEST_SIDE = 524288

#: Where the picture stays on the larger canvas: the part of what is new that is on its left, and above it.
ANCHORS = {
    "top-left": (0.0, 0.0), "top": (0.5, 0.0), "top-right": (1.0, 0.0),
    "left": (0.0, 0.5), "center": (0.5, 0.5), "right": (1.0, 0.5),
    "bottom-left": (0.0, 1.0), "bottom": (0.5, 1.0), "bottom-right": (1.0, 1.0),
}  # fmt: skip

_NUMBER = r"(\d{1,5}(?:[.,]\d{1,5})?)"
_RATIO = re.compile(rf"\s*{_NUMBER}\s*[:/x×]\s*{_NUMBER}\s*")

#: A canvas is no more than so many times longer than it is wide because of a ratio.
_LARGEST_RATIO = 100


class Edges(NamedTuple):
    """How many px are added at each edge."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def canvas(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size of the new canvas, from that of the old one."""
        return (size[0] + self.left + self.right, size[1] + self.top + self.bottom)

    def before(self, size: tuple[int, int]) -> Rectangle:
        """Where the old canvas is on the new one, from its size."""
        return (self.left, self.top, *size)


def of_percent(size: tuple[int, int], percents: tuple[float, float, float, float]) -> Edges:
    """Edges in percent of the old canvas: left and right of its width, top and bottom of its height."""
    sides = (size[0], size[1], size[0], size[1])
    return Edges(*(round(percent * side / 100) for percent, side in zip(percents, sides, strict=True)))


def ratio_of(text: str) -> float | None:
    """Width divided by height, from a text such as “16:9”; None if it says no ratio from 1:100 to 100:1."""
    found = _RATIO.fullmatch(text)
    if not found:
        return None
    width, height = (float(number.replace(",", ".")) for number in found.groups())
    if width <= 0 or height <= 0:
        return None
    ratio = width / height
    return ratio if 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO else None


def with_ratio(size: tuple[int, int], edges: Edges, ratio: float, anchor: str) -> Edges:
    """Edges that are moved further outwards, until the canvas has a ratio. Nothing becomes smaller.

    Args:
        size: of the old canvas.
        ratio: width divided by height.
        anchor: one of `ANCHORS`: where the canvas of `edges` stays on the new one.
    """
    width, height = edges.canvas(size)
    more = (max(0, round(height * ratio) - width), 0)
    if not more[0]:
        more = (0, max(0, round(width / ratio) - height))
    across, down = ANCHORS[anchor]
    left, top = round(more[0] * across), round(more[1] * down)
    return Edges(edges.left + left, edges.top + top, edges.right + more[0] - left, edges.bottom + more[1] - top)


def anchored(edges: Edges, anchor: str) -> Edges:
    """The same canvas with the picture elsewhere on it; `anchor` is one of `ANCHORS`."""
    across, down = ANCHORS[anchor]
    wide, high = edges.left + edges.right, edges.top + edges.bottom
    left, top = round(wide * across), round(high * down)
    return Edges(left, top, wide - left, high - top)
