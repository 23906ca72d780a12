"""The pixels of one picture: all of it, small, and a part in full size, which is loaded when somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bridge.protocol import Rectangle
from windows.parts import GdkPixbuf, GLib
from windows.regenerate.view import View

#: From this zoom on each pixel of the image is a square.
_SQUARES = 2.0


class Part(NamedTuple):
    """A part of a picture.

    Attributes:
        box: the part of the canvas that `pixels` show.
    """

    pixels: GdkPixbuf.Pixbuf
    box: Rectangle


class Scene:
    """A picture that can be looked at closely.

    Args:
        overview: all of it.
        load: makes a part of the canvas, in which each pixel stands for so many of the image in both directions. It
            may return more than was asked for; or None, if that cannot be had.
    """

    def __init__(self, overview: Part, load: Callable[[Rectangle, int], Part | None]) -> None:
        self._overview, self._load = overview, load
        self._detail: Part | None = None
        self._loaded: tuple[Rectangle, int] | None = None  # what was asked for last, had or not

    @property
    def box(self) -> Rectangle:
        """The part of the canvas that it shows."""
        return self._overview.box

    def lacks(self, view: View) -> bool:
        """Whether `load` would make it sharper in this view."""
        pixels, box = self._overview
        scale = pixels.get_width() / box[2]
        if scale == 1 or (view.zoom is None and (scale > 1 or scale > 0.99 * view.scale)):
            return False
        if self._loaded is None:
            return True
        part, step = self._loaded
        return step > view.step or not _contains(part, view.visible)

    def load(self, view: View) -> None:
        """Loads what is in view, and something around it. It is loaded only once, even if that fails."""
        self._loaded = view.to_load(), view.step
        self._detail = self._load(*self._loaded)

    def drawn(self, view: View) -> GdkPixbuf.Pixbuf:
        """The pane, transparent where no picture is."""
        pane = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, *view.pane)
        pane.fill(0)
        if self._detail is None or not _contains(self._detail.box, view.visible):
            _draw(pane, self._overview, view)
        if self._detail:
            _draw(pane, self._detail, view)
        return pane


def of_pixels(pixels: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """A picture of 8 bits a channel, RGB or RGBA."""
    channels = len(pixels) // (width * height)
    data, alpha = GLib.Bytes.new(pixels), channels == 4
    return GdkPixbuf.Pixbuf.new_from_bytes(data, GdkPixbuf.Colorspace.RGB, alpha, 8, width, height, channels * width)


def of_file(file: Path) -> GdkPixbuf.Pixbuf:
    """The picture in a file that the bridge wrote: P6, or P7 with alpha, of 8 bits a channel.

    Raises:
        OSError: it cannot be read.
    """
    data = file.read_bytes()
    if data.startswith(b"P7"):
        start = data.index(b"ENDHDR\n") + len(b"ENDHDR\n")
        _kind, width, height = (line.split()[-1] for line in data[:start].split(b"\n")[:3])
    else:
        _kind, size, _most, _pixels = data.split(b"\n", 3)
        start, (width, height) = len(data) - len(_pixels), size.split()
    return of_pixels(data[start:], int(width), int(height))


def _draw(pane: GdkPixbuf.Pixbuf, part: Part, view: View) -> None:
    pixels, (x, y, across, down) = part
    corner = view.corner
    left, top = corner[0] + (x - view.box[0]) * view.scale, corner[1] + (y - view.box[1]) * view.scale
    # each pixel becomes so many of the pane's
    wide, high = view.scale * across / pixels.get_width(), view.scale * down / pixels.get_height()
    begin = max(0, round(left)), max(0, round(top))
    end = (
        min(pane.get_width(), round(left + across * view.scale)),
        min(pane.get_height(), round(top + down * view.scale)),
    )
    if end[0] <= begin[0] or end[1] <= begin[1]:
        return
    sharp = view.scale >= _SQUARES or abs(wide - 1) < 0.002
    how = GdkPixbuf.InterpType.NEAREST if sharp else GdkPixbuf.InterpType.BILINEAR
    pixels.scale(pane, *begin, end[0] - begin[0], end[1] - begin[1], left, top, wide, high, how)


def _contains(outer: Rectangle, inner: Rectangle) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[0] + inner[2] <= outer[0] + outer[2]
        and inner[1] + inner[3] <= outer[1] + outer[3]
    )
