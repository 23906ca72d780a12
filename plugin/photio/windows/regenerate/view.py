"""Which part of a picture is in view, and how large. Pure functions on small values; no GTK here."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bridge.protocol import Rectangle

#: The zoom steps, as in GIMP: px of the screen per px of the image.
_STEPS = (1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)

#: A small picture is magnified by no more than this to fill the pane.
_LARGEST_FIT = 3.0

#: So much more than what is in view is loaded, on each side, in parts of it: then the next few moves need nothing new.
_MARGIN = 0.25


@dataclass(frozen=True)
class View:
    """What a pane shows of a picture. Positions on the pane are in px of the screen, from its upper left corner.

    Attributes:
        box: the part of the canvas that the picture shows, px.
        pane: width and height of the pane in px of the screen.
        zoom: px of the screen per px of the image; None: so that all of the picture is in view.
        centre: the point of the canvas in the middle of the pane.
        pinned: the point of the pane at which it was zoomed last, and the point of the canvas there; None: moved since.
    """

    box: Rectangle = (0, 0, 1, 1)
    pane: tuple[int, int] = (1, 1)
    zoom: float | None = None
    centre: tuple[float, float] = (0.5, 0.5)
    pinned: tuple[tuple[float, float], tuple[float, float]] | None = None

    @property
    def scale(self) -> float:
        """px of the screen per px of the image."""
        return self.zoom or self._fit

    @property
    def corner(self) -> tuple[int, int]:
        """Where on the pane the picture's upper left corner is; negative beyond its edge."""
        left, top, across, down = self.box
        return (
            _offset(self.pane[0], across * self.scale, (self.centre[0] - left) * self.scale),
            _offset(self.pane[1], down * self.scale, (self.centre[1] - top) * self.scale),
        )

    @property
    def visible(self) -> Rectangle:
        """The part of the canvas that is in view, in whole px."""
        return self._around(0)

    @property
    def step(self) -> int:
        """Of how many px of the image, in both directions, one px of a picture is enough here."""
        return max(1, math.floor(1 / self.scale + 1e-9))

    def to_load(self) -> Rectangle:
        """The part of the canvas to load: what is in view, and a margin."""
        return self._around(_MARGIN)

    def fitted(self) -> View:
        """All of the picture."""
        return replace(self, zoom=None, pinned=None)

    def zoomed(self, zoom: float, at: tuple[float, float] | None = None) -> View:
        """Larger or smaller.

        Args:
            at: what is at this point of the pane stays there, as far as the picture reaches; None: its middle.
        """
        x, y = at or (self.pane[0] / 2, self.pane[1] / 2)
        # what was there first: after many steps there and back, rounding errors would add up, and the picture creep
        same = self.pinned and self.pinned[0] == (x, y)
        across, down = self.pinned[1] if self.pinned and same else self._point(x, y)
        middle = (across + (self.pane[0] / 2 - x) / zoom, down + (self.pane[1] / 2 - y) / zoom)
        return replace(self, zoom=zoom, centre=middle, pinned=((x, y), (across, down)))._within()

    def stepped(self, larger: bool, at: tuple[float, float] | None = None) -> View:
        """The next step up or down; the last one down shows all of the picture, or each pixel as one."""
        if larger:
            return self.zoomed(next((each for each in _STEPS if each > self.scale * 1.001), _STEPS[-1]), at)
        least = min(self._fit, 1.0)
        lower = next((each for each in reversed(_STEPS) if each < self.scale * 0.999), least)
        if lower > least:
            return self.zoomed(lower, at)
        return self.fitted() if least == self._fit else self.zoomed(least, at)

    def moved(self, right: float, down: float) -> View:
        """Another part: the picture moves by so many px of the screen, but never away from the pane's edge."""
        x, y = self._within().centre
        return replace(self, centre=(x - right / self.scale, y - down / self.scale), pinned=None)._within()

    def of(self, box: Rectangle) -> View:
        """The view of another picture: of the same place if that picture shows it, else of all of it."""
        left, top, across, down = box
        x, y = self.centre
        if self.zoom and left <= x < left + across and top <= y < top + down:
            return replace(self, box=box, pinned=None)._within()
        return replace(self, box=box, zoom=None, centre=(left + across / 2, top + down / 2), pinned=None)

    def on(self, pane: tuple[int, int]) -> View:
        """The view on a pane of another size."""
        return replace(self, pane=pane, pinned=None if pane != self.pane else self.pinned)._within()

    @property
    def _fit(self) -> float:
        return min(self.pane[0] / self.box[2], self.pane[1] / self.box[3], _LARGEST_FIT)

    def _point(self, x: float, y: float) -> tuple[float, float]:
        """The point of the canvas that is drawn at this point of the pane."""
        left, top = self.corner
        return self.box[0] + (x - left) / self.scale, self.box[1] + (y - top) / self.scale

    def _around(self, margin: float) -> Rectangle:
        """What is in view and so much of the pane's size around it, within the picture."""
        right, bottom = self.box[0] + self.box[2], self.box[1] + self.box[3]
        more = (margin * self.pane[0], margin * self.pane[1])
        x, y = (math.floor(each + 1e-6) for each in self._point(-more[0], -more[1]))
        end = self._point(self.pane[0] + more[0], self.pane[1] + more[1])
        x, y = max(x, self.box[0]), max(y, self.box[1])
        return (x, y, min(math.ceil(end[0] - 1e-6), right) - x, min(math.ceil(end[1] - 1e-6), bottom) - y)

    def _within(self) -> View:
        """The same, with a centre that no edge keeps from being in the middle."""
        centre = []
        for axis in (0, 1):
            start, length, half = self.box[axis], self.box[axis + 2], self.pane[axis] / 2 / self.scale
            low, high = start + half, start + length - half
            centre.append(min(max(self.centre[axis], low), high) if low < high else start + length / 2)
        return replace(self, centre=(centre[0], centre[1]))


def _offset(pane: int, length: float, centre: float) -> int:
    """Where the picture begins on the pane, along one axis, all in px of the screen."""
    if length <= pane:
        return round((pane - length) / 2)
    return round(min(0.0, max(pane - length, pane / 2 - centre)))
