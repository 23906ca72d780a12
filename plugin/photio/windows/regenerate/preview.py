"""The left side of *Regenerate…*: a picture of what will be sent, or of a result in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.common.i18n import _, ngettext
from bridge.protocol import Planned, Rectangle
from canvas import exporting, hiding
from canvas.reading import Capture
from windows import parts
from windows.parts import GdkPixbuf, GLib, Gtk
from windows.regenerate.scene import Part, Scene, of_file, of_pixels
from windows.regenerate.viewer import Viewer
from windows.regenerate.zoom_bar import ZoomBar


class PreviewPane(Gtk.Box):
    """A picture and a line about it. Holding the picture, or the button `hold`, shows the image before the change."""

    def __init__(self) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
        self._scene: Scene | None = None
        self._before: Scene | None = None
        self.viewer = Viewer()
        self.viewer.held = lambda held: self._compare(held or self.hold.get_active())
        self.hold = Gtk.ToggleButton(label=_("Show _before"), use_underline=True, no_show_all=True)
        tip = _("Shows how it was before; pressing and holding the picture does so, too")
        parts.named(self.hold, _("Show before"), tip)
        self.hold.connect("toggled", lambda hold: self._compare(hold.get_active()))
        self.line = parts.paragraph()
        self.line.set_hexpand(True)
        below = Gtk.Box(spacing=parts.APART)
        below.pack_start(self.line, True, True, 0)
        below.pack_start(ZoomBar(self.viewer), False, False, 0)
        self.pack_start(self.viewer, True, True, 0)
        self.pack_start(below, False, False, 0)

    def show_plan(
        self,
        captured: Capture,
        planned: Planned,
        folder: Path,
        mark: Callable[[Rectangle, tuple[int, int]], Path | None],
    ) -> None:
        """Shows the part of the image that would be sent, with what is regenerated marked.

        Args:
            mark: makes the overlay's file for a part of the canvas, at a size in px; None if it cannot be had now.
        """
        if planned.preview is None:
            return

        def load(part: Rectangle, step: int) -> Part | None:
            size = (-(-part[2] // step), -(-part[3] // step))
            part = (part[0], part[1], size[0] * step, size[1] * step)
            overlay = mark(part, size) if captured.image.is_valid() else None
            return Part(_marked(captured, part, size, of_file(overlay)), part) if overlay else None

        box, size = planned.preview.box, planned.preview.size
        overview = Part(_marked(captured, box, size, of_file(folder / planned.preview.overlay)), box)
        self._set(Scene(overview, load), None)
        self.viewer.describe(_("Preview of what will be sent, with the part to be regenerated marked"))
        self.line.set_text("\n".join((described(planned), *hiding.remarks(captured))))

    def show_result(self, result: Scene, before: Scene, description: str) -> None:
        """Shows a result in place. The description is also for screen readers."""
        self._set(result, before)
        self.viewer.describe(description)
        self.line.set_text(description)

    def clear(self, sentence: str) -> None:
        """Shows only a sentence."""
        self._set(None, None)
        self.line.set_text(sentence)

    def _set(self, scene: Scene | None, before: Scene | None) -> None:
        self._scene, self._before = scene, before
        self.hold.set_active(False)
        self.hold.set_visible(before is not None)
        self.viewer.show_scenes(*(each for each in (scene, before) if each))

    def _compare(self, before: bool) -> None:
        if self._scene and self._before:
            scenes = (self._scene, self._before)
            self.viewer.show_scenes(*(reversed(scenes) if before else scenes))


def _marked(captured: Capture, box: Rectangle, size: tuple[int, int], overlay: GdkPixbuf.Pixbuf) -> GdkPixbuf.Pixbuf:
    """A part of the image, scaled to `size`, over a board where it is transparent, under the overlay."""
    pixels = of_pixels(exporting.picture(captured, box, size), *size)
    nearest = GdkPixbuf.InterpType.NEAREST
    shown = pixels.composite_color_simple(*size, nearest, 255, 8, 0x666666, 0x999999)
    overlay.composite(shown, 0, 0, *size, 0, 0, 1, 1, nearest, 255)
    return shown


def described(planned: Planned) -> str:
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
