"""The window of *History…*: lists all results that are kept on this computer, and inserts them again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gi.repository import GLib

from bridge.common.i18n import _
from bridge.protocol import Placed
from bridge.protocol.history import Browse, Page, Picture, Recall, Recalled, Show
from bridge.protocol.settings import AskSettings, ChangeSettings, SettingsReport
from bridge_process import BridgeError
from canvas import reading, reinsertion
from windows import setup
from windows.history.deletion import Deletion
from windows.history.limits import Limits
from windows.history.list import Results
from windows.history.row import Row
from windows.parts import NEAR, Gdk, Gimp, Gtk, Notice, button, dialog, named, reveal, start
from windows.task_queue import TaskQueue


def show(image: Gimp.Image | None) -> list[Gimp.Layer]:
    """Shows the history until the user closes it. Returns the layers that were inserted.

    Args:
        image: results are inserted here; None: they are opened as new images.

    Raises:
        BridgeError: the bridge cannot be started, or only a set-up helps.
    """
    start()
    return _History(image).run()


class _History:
    """The window, from its opening to its end."""

    def __init__(self, image: Gimp.Image | None) -> None:
        self._image = image
        self._layers: list[Gimp.Layer] = []
        self._loop = GLib.MainLoop()
        self._broken: BridgeError | None = None
        self._notice = Notice()
        self._search = Gtk.SearchEntry(placeholder_text=_("Search prompts, images and seeds"))
        self._results = Results(self._search.get_text, self._count)
        self._tasks = TaskQueue(lambda: self._results.idle_task(self._tasks), self._on_error)
        self._results.tasks = self._tasks
        self._limits = Limits(lambda: self._tasks.add(self._change_limits))
        self._dialog = dialog(_("Photio History"), "photio-history")
        self._deletion = Deletion(self._results, self._tasks, self._dialog)
        self._build()
        self._connect()

    def run(self) -> list[Gimp.Layer]:
        """Shows it until it is closed.

        Raises:
            BridgeError: the bridge cannot be started, or only a set-up helps.
        """
        self._tasks.start()
        self._dialog.show_all()
        self._tasks.add(self._browse)
        self._tasks.add(self._read_limits)
        self._loop.run()
        self._dialog.hide()
        self._deletion.carry_out(self._recount)
        self._tasks.finish()
        self._dialog.destroy()
        if self._broken:
            raise self._broken
        return [layer for layer in self._layers if layer.is_valid()]

    def _build(self) -> None:
        named(self._search, _("Search"), _("Words of the prompt or the image's name, or a seed (Ctrl+F)"))
        content = self._dialog.get_content_area()
        for widget in (self._notice, self._search, self._results, self._buttons(), self._limits):
            content.pack_start(widget, widget is self._results, True, 0)
        close = self._dialog.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
        named(close, _("_Close"))
        if self._image:
            label = _("_Insert")
            tip = _("Makes it a new layer of “{name}” (Enter)").format(name=self._image.get_name())
        else:
            label = _("_Open as New Image")
            tip = _("No image is open: this opens one, with what was there before and the result above (Enter)")
        self._insert = self._dialog.add_button(label, Gtk.ResponseType.OK)
        named(self._insert, label, tip)
        self._dialog.set_default_response(Gtk.ResponseType.OK)
        self._dialog.set_default_size(760, 620)  # a screen of 1366 × 768 has room for it
        self._allow(False)

    def _buttons(self) -> Gtk.Box:
        """The other actions on the selected result."""
        tip = _("Shows its pictures in the file manager")
        self._reveal = button(_("Show in _Files"), lambda: self._with_chosen(self._reveal_files), tip)
        self._delete = button(_("_Delete"), self._delete_chosen, _("Deletes it from this computer (Delete)"))
        box = Gtk.Box(spacing=NEAR)
        box.add(self._reveal)
        box.add(self._delete)
        return box

    def _connect(self) -> None:
        self._dialog.connect("response", self._respond)
        self._dialog.connect("delete-event", lambda *_event: self._loop.quit() or True)
        self._dialog.connect("key-press-event", self._press)
        self._search.connect("search-changed", lambda _entry: self._tasks.add(self._browse))
        self._search.connect("activate", lambda _entry: self._results.focus())
        self._search.connect("stop-search", lambda _entry: self._stop_search())
        self._results.list.connect("row-activated", lambda _list, _row: self._insert_chosen())
        self._results.list.connect("row-selected", lambda _list, row: self._allow(row is not None))

    # keyboard

    def _respond(self, _dialog: Gtk.Dialog, answer: int) -> None:
        if answer == Gtk.ResponseType.OK:
            self._insert_chosen()
        else:
            self._loop.quit()

    def _press(self, _dialog: Gtk.Dialog, event: Gdk.EventKey) -> bool:
        """Ctrl+F searches, and so does typing while no entry has the focus. Delete deletes."""
        if event.keyval in (Gdk.KEY_f, Gdk.KEY_F) and event.state & Gdk.ModifierType.CONTROL_MASK:
            self._search.grab_focus()
            return True
        if isinstance(self._dialog.get_focus(), Gtk.Entry):
            return False
        if event.keyval in (Gdk.KEY_Delete, Gdk.KEY_KP_Delete):
            self._delete_chosen()
            return True
        command = event.state & (Gdk.ModifierType.CONTROL_MASK | Gdk.ModifierType.MOD1_MASK)
        if Gdk.keyval_to_unicode(event.keyval) > ord(" ") and not command:
            self._search.grab_focus_without_selecting()  # then the search entry also gets this key
        return False

    def _stop_search(self) -> None:
        """Escape clears the search, or closes the window if the search is empty."""
        if self._search.get_text():
            self._search.set_text("")
        else:
            self._loop.quit()

    def _allow(self, chosen: bool) -> None:
        for widget in (self._reveal, self._delete, self._insert):
            widget.set_sensitive(chosen)

    def _with_chosen(self, act: Callable[[Row], None]) -> None:
        if row := self._results.chosen:
            self._tasks.add(lambda: act(row))

    # notices

    def _say(
        self, text: str, kind: Gtk.MessageType = Gtk.MessageType.INFO, *actions: tuple[str, Callable[[], None]]
    ) -> None:
        self._deletion.carry_out(self._recount)  # the notice takes the place of the one with Undo
        self._notice.show_text(text, kind, *actions)

    def _on_error(self, error: Exception) -> None:
        """Shows an error of a task."""
        if isinstance(error, BridgeError) and error.code in setup.HELPS:
            self._broken = error  # who opened the window sets Photio up, and opens it again
            self._loop.quit()
        if isinstance(error, GLib.Error):
            text = _("That did not work: {reason}").format(reason=error.message)
        elif isinstance(error, OSError):
            text = reading.unreadable(error)
        else:
            text = str(error)
        ended = isinstance(error, BridgeError) and error.code == "bridge"
        again = (_("_Try Again"), lambda: self._tasks.add(self._browse))
        self._say(text, Gtk.MessageType.ERROR, *([again] if ended else []))

    def _count(self, page: Page) -> None:
        self._limits.show_size(page.total, page.size, bool(self._search.get_text().strip()))

    # tasks: these ask the bridge

    def _browse(self) -> None:
        if self._deletion.carry_out_now():
            self._notice.clear()
        self._results.read_first(self._tasks)

    def _read_limits(self) -> None:
        report = self._tasks.ask(AskSettings(with_keyring=False), SettingsReport)
        self._results.journal = Path(report.journal)
        self._limits.show_stored(report.preferences)

    def _change_limits(self) -> None:
        """Stores the limits. The other settings are read again: another window may have changed them."""
        before = self._tasks.ask(AskSettings(with_keyring=False), SettingsReport)
        report = self._tasks.ask(ChangeSettings(self._limits.applied(before.preferences)), SettingsReport)
        self._limits.show_stored(report.preferences)
        if new := [remark for remark in report.remarks if remark not in before.remarks]:
            self._say(" ".join(new), Gtk.MessageType.WARNING)
        self._browse()

    def _insert_chosen(self) -> None:
        self._allow(False)  # a second press must not insert it twice
        self._with_chosen(self._insert_row)

    def _insert_row(self, row: Row) -> None:
        entry = row.entry
        try:
            recalled = self._tasks.ask(Recall(entry.id), Recalled)
            if self._image:
                report = self._tasks.ask(AskSettings(with_keyring=False), SettingsReport)
                done = reinsertion.insert(self._image, recalled, entry.variation, report.preferences.insert_as)
            else:
                before = self._tasks.ask(Show(entry.id, 0, max(recalled.document.canvas)), Picture)
                done = reinsertion.open_as_new(before, recalled, entry.variation)
        finally:
            self._allow(self._results.chosen is not None)
            if self._dialog.get_focus() is None:  # an insensitive button loses the focus
                self._results.focus()
        self._layers.append(done.layer)
        self._tasks.notify(Placed(entry.id, (entry.variation,)))
        row.update(replace(entry, inserted=True))
        self._say(done.sentence)

    def _reveal_files(self, row: Row) -> None:
        folder = Path(self._tasks.ask(Recall(row.entry.id), Recalled).folder)
        answers = sorted(folder.glob(f"answer-*-{row.entry.variation}.*"))
        reveal(str(answers[0] if answers else folder))

    # deleting

    def _delete_chosen(self) -> None:
        def show_undo(text: str, undo: Callable[[], None]) -> None:
            self._say(text, Gtk.MessageType.INFO, (_("_Undo"), undo))

        self._deletion.start(show_undo, self._recount)

    def _recount(self) -> None:
        self._count(self._tasks.ask(Browse(self._search.get_text(), 0, 1), Page))
