"""Deletes results in the window of *History…*. A deletion is carried out only when it can no longer be undone."""

from __future__ import annotations

from collections.abc import Callable

from bridge.common.i18n import _
from bridge.protocol.history import Discard, Discarded
from windows.history.list import Results
from windows.history.row import Row, is_unclaimed, what
from windows.parts import Gtk, named
from windows.task_queue import TaskQueue


class Deletion:
    """At most one row at a time is deleted and not yet carried out."""

    def __init__(self, results: Results, tasks: TaskQueue, parent: Gtk.Window) -> None:
        self._results, self._tasks, self._parent = results, tasks, parent
        self._row: Row | None = None  # gone from the list; its files are still there

    def start(self, show_undo: Callable[[str, Callable[[], None]], None], on_deleted: Callable[[], None]) -> None:
        """Takes the selected row out of the list. The user has to confirm it if it is unclaimed.

        Args:
            show_undo: shows a sentence, and a button that calls the function.
            on_deleted: called when an earlier deletion has been carried out.
        """
        row = self._results.chosen
        if row is None or (is_unclaimed(row.entry) and not _confirm(row, self._parent)):
            return
        self.carry_out(on_deleted)
        position = self._results.remove_row(row)
        show_undo(_("Deleted: “{what}”.").format(what=what(row.entry)), lambda: self._undo(row, position))
        self._row = row

    def carry_out(self, on_deleted: Callable[[], None]) -> None:
        """Adds a task that deletes the files, if there is anything to delete."""
        if row := self._row:
            self._row = None
            self._tasks.add(lambda: self._discard(row, on_deleted))

    def carry_out_now(self) -> bool:
        """As `carry_out`, from within a task. Returns whether there was anything to delete.

        Raises:
            BridgeError: it could not be deleted.
        """
        if self._row is None:
            return False
        self._tasks.ask(Discard(*self._row.key), Discarded)
        self._row = None
        return True

    def _undo(self, row: Row, position: int) -> None:
        self._row = None
        self._results.put_back(row, position)

    def _discard(self, row: Row, on_deleted: Callable[[], None]) -> None:
        self._tasks.ask(Discard(*row.key), Discarded)
        on_deleted()


def _confirm(row: Row, parent: Gtk.Window) -> bool:
    """Asks the user whether to delete an unclaimed result."""
    dialog = Gtk.MessageDialog(
        transient_for=parent,
        modal=True,
        message_type=Gtk.MessageType.WARNING,
        text=_("Delete “{what}”?").format(what=what(row.entry)),
        secondary_text=_("This result was paid for, and no image got it."),
    )
    named(dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL), _("_Cancel"))
    delete = dialog.add_button(_("_Delete"), Gtk.ResponseType.ACCEPT)
    named(delete, _("_Delete"))
    delete.get_style_context().add_class("destructive-action")
    dialog.set_default_response(Gtk.ResponseType.CANCEL)
    answer = dialog.run()
    dialog.destroy()
    return bool(answer == Gtk.ResponseType.ACCEPT)
