"""The zoom of the picture of *Regenerate…*: buttons and a number."""

from __future__ import annotations

from bridge.common.i18n import _
from windows import parts
from windows.parts import Gtk
from windows.regenerate.viewer import Viewer


class ZoomBar(Gtk.Box):
    """How large the picture is shown, and buttons that change that."""

    def __init__(self, viewer: Viewer) -> None:
        super().__init__(spacing=2, valign=Gtk.Align.START)
        self._viewer = viewer
        self._label = Gtk.Label(width_chars=6, xalign=1.0, margin_end=4)
        tip = _("Shows each pixel of the image as one of the screen (Ctrl+1)")
        for widget in (
            self._label,
            parts.icon_button("zoom-out-symbolic", _("Zoom out (Ctrl −)"), viewer.smaller),
            parts.icon_button("zoom-in-symbolic", _("Zoom in (Ctrl +)"), viewer.larger),
            parts.button(_("1:1"), viewer.original, tip),
            parts.icon_button("zoom-fit-best-symbolic", _("Show all (Ctrl+0)"), viewer.fit),
        ):
            self.pack_start(widget, False, False, 0)
        viewer.zoomed = self._update

    def _update(self) -> None:
        text = _("{percent} %").format(percent=max(1, round(100 * self._viewer.view.scale)))
        self._label.set_text(text)
        parts.named(self._label, _("Zoom: {percent}").format(percent=text))
