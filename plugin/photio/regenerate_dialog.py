"""The window of *Regenerate…*: GIMP's own dialog for a procedure's arguments."""

from __future__ import annotations

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gimp, GimpUi  # noqa: E402


def ask(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig) -> bool:
    """Lets the user set the arguments in `config`; whether they said yes."""
    GimpUi.init("photio")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Regenerate")
    dialog.set_ok_label("_Generate")
    dialog.fill(None)
    answer: bool = dialog.run()
    dialog.destroy()
    return answer
