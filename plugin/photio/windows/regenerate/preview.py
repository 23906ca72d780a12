"""The left side of *Regenerate…*: a picture of what will be sent, or of a result in place."""

from __future__ import annotations

from pathlib import Path

import gi

from bridge.common.i18n import _, ngettext
from bridge.protocol import Planned
from canvas import exporting, hiding
from canvas.reading import Capture
from windows import parts
from windows.parts import Gdk, GdkPixbuf, GLib, Gtk

#: The least size of the picture, px.
_LEAST = (440, 220)


class PreviewPane(Gtk.Box):
    """A picture and a line about it. Pressing the picture, or the button `hold`, shows the image before the change."""

    def __init__(self) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
        self._picture: GdkPixbuf.Pixbuf | None = None
        self._before: GdkPixbuf.Pixbuf | None = None
        self._shown: GdkPixbuf.Pixbuf | None = None
        self._drawn_in = (0, 0)
        self._image = Gtk.Image()
        self._pane = Gtk.EventBox()
        self._pane.add(self._image)
        # it never scrolls, but lets the window become smaller than the picture, which is then scaled again
        window = Gtk.ScrolledWindow(can_focus=False, shadow_type=Gtk.ShadowType.IN)
        window.set_policy(Gtk.PolicyType.EXTERNAL, Gtk.PolicyType.EXTERNAL)
        window.set_size_request(*_LEAST)
        window.add(self._pane)
        self._window = window
        self._pane.connect("button-press-event", lambda *_: self._compare(True))
        self._pane.connect("button-release-event", lambda *_: self._compare(False))
        self.hold = Gtk.ToggleButton(label=_("Show _before"), use_underline=True, no_show_all=True)
        tip = _("Shows how it was before; pressing and holding the picture does so, too")
        parts.named(self.hold, _("Show before"), tip)
        self.hold.connect("toggled", lambda hold: self._compare(hold.get_active()))
        self.line = parts.paragraph(width=60)
        self.pack_start(window, True, True, 0)
        self.pack_start(self.line, False, False, 0)
        window.connect("size-allocate", lambda *_: self._fit())

    @property
    def picture_size(self) -> tuple[int, int]:
        """The size of the largest picture that fits, in device px."""
        here, scale = self._window.get_allocation(), self._window.get_scale_factor()
        width, height = max(here.width, _LEAST[0]) - 2, max(here.height, _LEAST[1]) - 2  # without its border
        return (width * scale, height * scale)

    def show_plan(self, captured: Capture, planned: Planned, folder: Path) -> None:
        """Shows the part of the image that would be sent, with what is regenerated marked."""
        if planned.preview is None:
            return
        width, height = planned.preview.size
        pixels = exporting.picture(captured, planned.preview.box, planned.preview.size)
        shown = _pixbuf(pixels, width, height, alpha=True).composite_color_simple(
            width, height, GdkPixbuf.InterpType.NEAREST, 255, 8, 0x666666, 0x999999
        )
        data = (folder / planned.preview.overlay).read_bytes()
        overlay = _pixbuf(data[data.index(b"ENDHDR\n") + 7 :], width, height, alpha=True)
        overlay.composite(shown, 0, 0, width, height, 0, 0, 1, 1, GdkPixbuf.InterpType.NEAREST, 255)
        self._set(shown, None)
        parts.named(self._image, _("Preview of what will be sent, with the part to be regenerated marked"))
        self.line.set_text("\n".join((_described(planned), *hiding.remarks(captured))))

    def show_result(self, picture: str, before: str, description: str) -> None:
        """Shows a result in place.

        Args:
            picture, before: image files of the same part of the image.
            description: also for screen readers.
        """
        width, height = self.picture_size
        pictures = [GdkPixbuf.Pixbuf.new_from_file_at_scale(file, width, height, True) for file in (picture, before)]
        self._set(*pictures)
        parts.named(self._image, description)
        self.line.set_text(description)

    def clear(self, sentence: str) -> None:
        """Shows only a sentence."""
        self._set(None, None)
        self.line.set_text(sentence)

    def _set(self, picture: GdkPixbuf.Pixbuf | None, before: GdkPixbuf.Pixbuf | None) -> None:
        self._picture, self._before = picture, before
        self.hold.set_active(False)
        self.hold.set_visible(before is not None)
        self._draw(picture)

    def _compare(self, pressed: bool) -> bool:
        if self._before:
            self._draw(self._before if pressed else self._picture)
        return False

    def _fit(self) -> None:
        """The available size has changed: scales the picture at once."""
        if self._shown and self.picture_size != self._drawn_in:
            GLib.idle_add(self._draw, self._shown)  # not while GTK computes sizes

    def _draw(self, picture: GdkPixbuf.Pixbuf | None) -> bool:
        self._shown, self._drawn_in = picture, self.picture_size
        if picture is None:
            self._image.clear()
            return False
        scale = self._window.get_scale_factor()
        fit = min(self.picture_size[0] / picture.get_width(), self.picture_size[1] / picture.get_height(), 1.0)
        if not _SHARP:  # then one pixel of the picture becomes one of the window, which may be several of the screen
            fit /= scale
        if fit < 1:
            size = (max(1, round(picture.get_width() * fit)), max(1, round(picture.get_height() * fit)))
            picture = picture.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR)
        if scale > 1 and _SHARP:
            self._image.set_from_surface(Gdk.cairo_surface_create_from_pixbuf(picture, scale, None))
        else:
            self._image.set_from_pixbuf(picture)
        return False


def _can_draw_surfaces() -> bool:
    """Whether PyGObject was built with cairo, which sharp pictures on HiDPI screens need."""
    try:
        gi.require_foreign("cairo")
    except ImportError:
        return False
    return True


_SHARP = _can_draw_surfaces()


def _pixbuf(pixels: bytes, width: int, height: int, alpha: bool) -> GdkPixbuf.Pixbuf:
    channels = 4 if alpha else 3
    data = GLib.Bytes.new(pixels)
    return GdkPixbuf.Pixbuf.new_from_bytes(data, GdkPixbuf.Colorspace.RGB, alpha, 8, width, height, channels * width)


def _described(planned: Planned) -> str:
    """One line: which part of the image is sent, to whom, and at what size."""
    where = _("to Photio") if planned.engine == "photio" else _("stays on this computer")
    requests = ngettext("{count} request", "{count} requests", planned.requests).format(count=planned.requests)
    upload = _("at most {size}").format(size=GLib.format_size(planned.upload))
    if len(planned.crops) == 1:
        (crop,) = planned.crops
        size = _("{width} × {height} px → {api_width} × {api_height} px ({percent} %)").format(
            width=crop.box[2],
            height=crop.box[3],
            api_width=crop.size[0],
            api_height=crop.size[1],
            percent=round(100 * crop.scale),
        )
    else:
        lowest = min(crop.scale for crop in planned.crops)
        areas = ngettext("{count} area", "{count} areas", len(planned.crops)).format(count=len(planned.crops))
        size = _("{areas}, each at least {percent} %").format(areas=areas, percent=round(100 * lowest))
    return " · ".join((size, requests, upload, where))
