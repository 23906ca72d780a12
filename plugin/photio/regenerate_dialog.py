"""The window of *Regenerate…*: GIMP's own dialog for a procedure's arguments."""

from __future__ import annotations

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi, Gtk  # noqa: E402


def ask(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig) -> bool:
    """Lets the user set the arguments in `config`; whether they said yes."""
    GimpUi.init("photio")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Regenerate")
    dialog.set_ok_label("_Generate")
    dialog.get_widget("seed", GimpUi.LabelSpin.__gtype__).set_digits(0)
    for choice in (
        "quality",
        "sample",
        "areas",
        "resolution",
        "engine",
    ):  # GIMP 3.2 would show radio buttons, and a window twice as high
        dialog.get_widget(choice, Gtk.ComboBox.__gtype__)
    dialog.fill(None)
    _name_widgets(dialog)
    answer: bool = dialog.run()
    dialog.destroy()
    return answer


def _name_widgets(widget: Gtk.Widget) -> None:
    """Names each widget after the label beside it: to a screen reader GIMP's own have no names."""
    if isinstance(widget, Gtk.Label) and widget.get_mnemonic_widget():
        widget.get_mnemonic_widget().get_accessible().set_name(widget.get_text())
    if isinstance(widget, Gtk.Container):
        widget.forall(_name_widgets)
