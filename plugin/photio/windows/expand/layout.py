"""Where the canvas and its edges are in a pane: arithmetic without GTK. Points of the pane are in its px."""

from __future__ import annotations

from typing import NamedTuple

from bridge.protocol import Rectangle
from canvas.edges import LARGEST_SIDE, Edges

#: Around the canvas there is so much room to drag an edge into, as a part of its longer side.
_ROOM = 0.15

#: px of the pane. So near to an edge, the pointer takes hold of it.
_NEAR = 9

Point = tuple[float, float]


class Layout(NamedTuple):
    """How the canvas is drawn.

    Attributes:
        scale: px of the pane per px of the image.
        corner: the point of the old canvas's upper left corner.
        size: of the old canvas, px of the image.
    """

    scale: float
    corner: Point
    size: tuple[int, int]

    def picture(self) -> Rectangle:
        """The old canvas in the pane."""
        return self._box(Edges())

    def canvas(self, edges: Edges) -> Rectangle:
        """The new canvas in the pane."""
        return self._box(edges)

    def part(self, box: Rectangle, edges: Edges) -> Rectangle:
        """A part of the new canvas, given in px of the image."""
        x, y, width, height = box
        left, top = self.corner[0] + (x - edges.left) * self.scale, self.corner[1] + (y - edges.top) * self.scale
        return _rounded(left, top, left + width * self.scale, top + height * self.scale)

    def grabbed(self, at: Point, edges: Edges) -> tuple[str, ...]:
        """The edges that a point is near: one, two at a corner, or none."""
        left, top, width, height = self.canvas(edges)
        right, bottom = left + width, top + height
        inside = left - _NEAR <= at[0] <= right + _NEAR and top - _NEAR <= at[1] <= bottom + _NEAR
        if not inside:
            return ()
        lines = {"left": (0, left), "right": (0, right), "top": (1, top), "bottom": (1, bottom)}
        distances = {name: abs(at[axis] - line) for name, (axis, line) in lines.items()}
        near = [name for name, distance in distances.items() if distance <= _NEAR]
        # of a canvas that is very small in the pane, the nearer one
        for one, other in (("left", "right"), ("top", "bottom")):
            if one in near and other in near:
                near.remove(max(one, other, key=distances.__getitem__))
        return tuple(near)

    def dragged(self, edges: Edges, grabbed: tuple[str, ...], start: Point, to: Point) -> Edges:
        """The edges after those that are held were dragged from one point to another. None moves into the picture."""
        across, down = (to[0] - start[0]) / self.scale, (to[1] - start[1]) / self.scale
        ways = {"left": -across, "right": across, "top": -down, "bottom": down}
        moved = {name: _within(getattr(edges, name) + ways[name]) for name in grabbed}
        return edges._replace(**moved)

    def _box(self, edges: Edges) -> Rectangle:
        width, height = edges.canvas(self.size)
        return self.part((0, 0, width, height), edges)


def fitted(pane: tuple[int, int], size: tuple[int, int], edges: Edges) -> Layout:
    """All of the new canvas in the middle of the pane, with room around it.

    Args:
        pane: its size.
        size: of the old canvas, px of the image.
    """
    width, height = edges.canvas(size)
    room = 2 * _ROOM * max(width, height)
    scale = min(pane[0] / (width + room), pane[1] / (height + room))
    left, top = (pane[0] - width * scale) / 2, (pane[1] - height * scale) / 2
    return Layout(scale, (left + edges.left * scale, top + edges.top * scale), size)


def _rounded(left: float, top: float, right: float, bottom: float) -> Rectangle:
    x, y = round(left), round(top)
    return (x, y, max(1, round(right) - x), max(1, round(bottom) - y))


def _within(edge: float) -> int:
    return min(max(0, round(edge)), LARGEST_SIDE)
