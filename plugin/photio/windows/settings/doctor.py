"""The window with the doctor's report."""

from __future__ import annotations

from bridge.common.i18n import _
from bridge.protocol.settings import DoctorReport
from windows import parts
from windows.parts import Gtk, named

_COPY = 1


def show(report: DoctorReport, parent: Gtk.Window) -> None:
    """The doctor's table, until it is closed."""
    dialog = parts.dialog(_("Photio Doctor"), "photio-doctor")
    parts.belong(dialog, parent)
    for label, response in ((_("_Copy"), _COPY), (_("C_lose"), Gtk.ResponseType.CLOSE)):
        named(dialog.add_button(label, response), label)
    dialog.set_default_response(Gtk.ResponseType.CLOSE)
    text = _("Everything that is needed works.") if report.healthy else _("Something must be put right: see below.")
    dialog.get_content_area().pack_start(parts.paragraph(text), False, False, 0)
    view = Gtk.TextView(
        editable=False, cursor_visible=False, monospace=True, accepts_tab=False, left_margin=6, right_margin=6
    )
    view.get_buffer().set_text(report.text)
    view.set_wrap_mode(Gtk.WrapMode.WORD_CHAR)  # long paths differ at their ends
    named(view, _("The doctor's report"))
    scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, expand=True)
    scrolled.set_min_content_width(640)
    scrolled.set_min_content_height(320)
    scrolled.add(view)
    dialog.get_content_area().pack_start(scrolled, True, True, 0)
    dialog.show_all()
    while dialog.run() == _COPY:
        parts.copy(report.text)
    dialog.destroy()
