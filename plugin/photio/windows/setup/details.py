"""The details of a failure, to unfold and to copy."""

from __future__ import annotations

from bridge.common.i18n import _
from windows import parts
from windows.parts import Gtk, named

#: px
_HEIGHT = 160


class Details(Gtk.Expander):
    """Hidden unless there are any."""

    def __init__(self) -> None:
        super().__init__(label=_("_Details"), use_underline=True, no_show_all=True, resize_toplevel=True)
        self._view = Gtk.TextView(
            editable=False, cursor_visible=False, monospace=True, accepts_tab=False, left_margin=6, right_margin=6
        )
        self._view.set_wrap_mode(Gtk.WrapMode.WORD_CHAR)
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, expand=True)
        scrolled.set_min_content_height(_HEIGHT)
        scrolled.add(self._view)
        copy = parts.button(_("C_opy"), lambda: parts.copy(self.text), _("Copies the details"))
        copy.set_halign(Gtk.Align.START)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR, margin_top=parts.NEAR)
        box.pack_start(scrolled, True, True, 0)
        box.pack_start(copy, False, False, 0)
        box.show_all()
        self.add(box)
        named(self, _("_Details"))
        for each in (scrolled, self._view):
            named(each, _("Details"))

    @property
    def text(self) -> str:
        """The details."""
        buffer = self._view.get_buffer()
        return str(buffer.get_text(buffer.get_start_iter(), buffer.get_end_iter(), False))

    def show_text(self, text: str) -> None:
        """Shows that there are details, folded."""
        self._view.get_buffer().set_text(text)
        self.set_visible(bool(text.strip()))

    def clear(self) -> None:
        """Hides it."""
        self.set_expanded(False)
        self.hide()
