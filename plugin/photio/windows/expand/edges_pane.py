"""The picture of *Expand…*: the canvas as it will be. Its edges can be dragged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.common.i18n import _
from bridge.protocol import CropPlan, Planned, Rectangle
from canvas.edges import Edges
from canvas.reading import Capture
from windows import parts
from windows.expand.layout import Layout, Point, fitted
from windows.parts import Gdk, GdkPixbuf, Gimp, GLib, Gtk
from windows.regenerate.preview import described

#: The least size of the picture, px.
_LEAST = (440, 220)

#: GIMP makes no larger thumbnails, px.
_LARGEST_THUMBNAIL = 1024

#: R, G, B, A: what is new, the edges, and the line inside of them, which can be seen on everything.
_NEW, _EDGE, _HALO = 0xEB3C7870, 0xFFFFFFFF, 0x000000FF
_REQUEST = 0xFFFFFFB0

#: px: half the side of a square that can be dragged.
_HANDLE = 4

_CURSORS = {
    ("left",): "w-resize", ("right",): "e-resize", ("top",): "n-resize", ("bottom",): "s-resize",
    ("left", "top"): "nw-resize", ("right", "top"): "ne-resize",
    ("left", "bottom"): "sw-resize", ("right", "bottom"): "se-resize",
}  # fmt: skip


class EdgesPicture(Gtk.ScrolledWindow):
    """The canvas with its edges. It never scrolls; like this the window can become smaller than the picture.

    Args:
        dragged: called with the edges that the user has dragged.
    """

    def __init__(self, image: Gimp.Image, dragged: Callable[[Edges], object]) -> None:
        super().__init__(can_focus=False, shadow_type=Gtk.ShadowType.IN)
        self.set_policy(Gtk.PolicyType.EXTERNAL, Gtk.PolicyType.EXTERNAL)
        self.set_size_request(*_LEAST)
        self._gimp_image, self._dragged = image, dragged
        self._edges, self._crops = Edges(), tuple[CropPlan, ...]()
        self._layout: Layout | None = None
        self._held: tuple[tuple[str, ...], Point, Edges] | None = None  # which edges, from where, and how they were
        self._thumbnail: tuple[tuple[int, int], GdkPixbuf.Pixbuf] | None = None
        self._image = Gtk.Image()
        self._pane = Gtk.EventBox()
        self._pane.add(self._image)
        self.add(self._pane)
        parts.named(self._image, _("The new canvas; drag its edges, or type them"))
        mask = Gdk.EventMask
        self._pane.add_events(mask.POINTER_MOTION_MASK | mask.BUTTON_PRESS_MASK | mask.BUTTON_RELEASE_MASK)
        self._pane.connect("button-press-event", lambda _pane, event: self._press(event))
        self._pane.connect("motion-notify-event", lambda _pane, event: self._move(event))
        self._pane.connect("button-release-event", lambda _pane, _event: self._release())
        self.connect("size-allocate", lambda *_: GLib.idle_add(self._resized))

    @property
    def picture_size(self) -> tuple[int, int]:
        """The size of the largest picture that fits, px."""
        here = self.get_allocation()
        return (max(here.width, _LEAST[0]) - 2, max(here.height, _LEAST[1]) - 2)  # without its border

    def show_edges(self, edges: Edges) -> None:
        """Draws these edges, without requests."""
        self._edges, self._crops = edges, ()
        if not self._held:
            self._layout = None
        self.draw()

    def show_requests(self, crops: tuple[CropPlan, ...]) -> None:
        """Outlines what the requests will show."""
        self._crops = crops
        self.draw()

    def forget_picture(self) -> None:
        """The image has changed."""
        self._thumbnail = self._layout = None

    def draw(self) -> None:
        """Draws the pane."""
        if not self._gimp_image.is_valid():
            return
        size = (self._gimp_image.get_width(), self._gimp_image.get_height())
        if self._layout is None or self._layout.size != size:
            self._layout = fitted(self.picture_size, size, self._edges)
        pane = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, *self.picture_size)
        pane.fill(0)
        canvas, picture = self._layout.canvas(self._edges), self._layout.picture()
        _fill(pane, canvas, _NEW)
        thumbnail = self._scaled(size)
        thumbnail.scale(
            pane, *_within(pane, picture), *picture[:2],
            picture[2] / thumbnail.get_width(), picture[3] / thumbnail.get_height(), GdkPixbuf.InterpType.BILINEAR,
        )  # fmt: skip
        if len(self._crops) > 1:
            for crop in self._crops:
                _outline(pane, self._layout.part(crop.box, self._edges), _REQUEST)
        _outline(pane, _grown(canvas, 1), _HALO)
        _outline(pane, canvas, _EDGE)
        for x, y in _handles(canvas):
            _fill(pane, (x - _HANDLE - 1, y - _HANDLE - 1, 2 * _HANDLE + 3, 2 * _HANDLE + 3), _HALO)
            _fill(pane, (x - _HANDLE, y - _HANDLE, 2 * _HANDLE + 1, 2 * _HANDLE + 1), _EDGE)
        self._image.set_from_pixbuf(pane)

    def _scaled(self, size: tuple[int, int]) -> GdkPixbuf.Pixbuf:
        """The image as it looks, small."""
        if self._thumbnail is None or self._thumbnail[0] != size:
            keep = Gimp.PixbufTransparency.SMALL_CHECKS
            made = self._gimp_image.get_thumbnail(_LARGEST_THUMBNAIL, _LARGEST_THUMBNAIL, keep)
            self._thumbnail = (size, made)
        return self._thumbnail[1]

    def _resized(self) -> bool:
        self._layout = None
        self.draw()
        return bool(GLib.SOURCE_REMOVE)

    def _press(self, event: Gdk.EventButton) -> bool:
        at = (event.x, event.y)
        grabbed = self._layout.grabbed(at, self._edges) if self._layout and event.button == 1 else ()
        if grabbed:
            self._held = (grabbed, at, self._edges)
        return bool(grabbed)

    def _move(self, event: Gdk.EventMotion) -> bool:
        if not self._layout:
            return False
        if self._held:
            grabbed, start, before = self._held
            self._dragged(self._layout.dragged(before, grabbed, start, (event.x, event.y)))
        else:
            grabbed = self._layout.grabbed((event.x, event.y), self._edges)
            name = _CURSORS.get(grabbed, "default")
            self._pane.get_window().set_cursor(Gdk.Cursor.new_from_name(self.get_display(), name))
        return True

    def _release(self) -> bool:
        if self._held:
            self._held = self._layout = None
            self.draw()
        return True


class EdgesPane(Gtk.Box):
    """The picture and the line below it, for `LivePlan`."""

    def __init__(self, image: Gimp.Image, dragged: Callable[[Edges], object]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
        self.viewer = EdgesPicture(image, dragged)
        self.line = parts.paragraph()
        self.line.set_hexpand(True)
        self.pack_start(self.viewer, True, True, 0)
        self.pack_start(self.line, False, False, 0)

    def show_plan(self, _captured: Capture, planned: Planned, _folder: Path, _mark: Callable[..., object]) -> None:
        """Shows in how many requests it is done, and what they show."""
        self.viewer.show_requests(planned.crops)
        self.line.set_text(described(planned))

    def clear(self, sentence: str) -> None:
        """Says why nothing can be sent."""
        self.viewer.show_requests(())
        self.line.set_text(sentence)


def _handles(box: Rectangle) -> list[tuple[int, int]]:
    """The corners and the middles of the edges."""
    x, y, width, height = box
    across, down = (x, x + width // 2, x + width - 1), (y, y + height // 2, y + height - 1)
    return [(left, top) for left in across for top in down if (left, top) != (across[1], down[1])]


def _grown(box: Rectangle, by: int) -> Rectangle:
    return (box[0] - by, box[1] - by, box[2] + 2 * by, box[3] + 2 * by)


def _within(pane: GdkPixbuf.Pixbuf, box: Rectangle) -> Rectangle:
    """The part of a box that is in the pane; empty if none is."""
    left, top = max(0, box[0]), max(0, box[1])
    right, bottom = min(pane.get_width(), box[0] + box[2]), min(pane.get_height(), box[1] + box[3])
    return (left, top, max(0, right - left), max(0, bottom - top))


def _fill(pane: GdkPixbuf.Pixbuf, box: Rectangle, colour: int) -> None:
    inside = _within(pane, box)
    if inside[2] and inside[3]:
        pane.new_subpixbuf(*inside).fill(colour)


def _outline(pane: GdkPixbuf.Pixbuf, box: Rectangle, colour: int) -> None:
    """Lines of 1 px, inside of the box."""
    x, y, width, height = box
    for line in (
        (x, y, width, 1),
        (x, y + height - 1, width, 1),
        (x, y, 1, height),
        (x + width - 1, y, 1, height),
    ):
        _fill(pane, line, colour)
