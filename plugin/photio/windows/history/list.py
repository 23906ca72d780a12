"""The list of results in the window of *History…*. It loads rows while the user scrolls, visible thumbnails first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gi.repository import GLib

from bridge.common.i18n import _
from bridge.protocol.history import Browse, Entry, Page, Picture, Show
from bridge_process import BridgeError
from windows import setup
from windows.history.row import THUMBNAIL, Row
from windows.parts import BORDER, Gtk, named
from windows.task_queue import Task, TaskQueue

#: The number of results in one request to the bridge.
PAGE = 50


class Results(Gtk.ScrolledWindow):
    """Rows, newest first. `counted` is called with each page. No thumbnail is shown before `journal` is set."""

    def __init__(self, search: Callable[[], str], counted: Callable[[Page], None]) -> None:
        super().__init__(hscrollbar_policy=Gtk.PolicyType.NEVER, shadow_type=Gtk.ShadowType.IN, vexpand=True)
        self.tasks: TaskQueue | None = None
        self.journal: Path | None = None
        self.list = Gtk.ListBox(activate_on_single_click=False)
        named(self.list, _("Results, newest first"))
        for style in ("view", "photio-rows"):  # as GIMP's own lists, with a selection that is easy to see
            self.list.get_style_context().add_class(style)
        self._search, self._counted = search, counted
        self._made: dict[tuple[str, int], Row] = {}
        self._total, self._complete, self._fresh = 0, False, True
        # not the list's own placeholder, which screen readers do not find
        self._nothing = Gtk.Label(wrap=True, max_width_chars=50, justify=Gtk.Justification.CENTER, margin=4 * BORDER)
        self._either = Gtk.Stack()
        self._either.add(self.list)
        self._either.add(self._nothing)
        self.add(self._either)
        named(self, _("Results"))
        scroll = self.get_vadjustment()
        scroll.connect("value-changed", lambda _adjustment: self._wake())
        scroll.connect("changed", lambda _adjustment: self._wake())

    @property
    def chosen(self) -> Row | None:
        """The selected row."""
        row: Row | None = self.list.get_selected_row()
        return row

    def focus(self) -> bool:
        """Focuses the selected row, or else the first. Returns whether there is one."""
        row = self.chosen or self.list.get_row_at_index(0)
        if row:
            self.list.select_row(row)
            row.grab_focus()
        return row is not None

    def _explain(self) -> None:
        """Shows the list, or why there is none."""
        self._nothing.set_text(_why_empty(self._search()))
        named(self._nothing, self._nothing.get_text())
        self._either.set_visible_child(self.list if self._rows() else self._nothing)

    def remove_row(self, row: Row) -> int:
        """Takes a row out and selects its neighbour. Returns the row's position."""
        position: int = row.get_index()
        self.list.unselect_all()  # or `put_back` would draw the row as selected, though the list has no selection
        self.list.remove(row)
        self._total -= 1
        self._explain()
        neighbour = self.list.get_row_at_index(position) or self.list.get_row_at_index(position - 1)
        if neighbour:
            self.list.select_row(neighbour)
            neighbour.grab_focus()
        return position

    def put_back(self, row: Row, position: int) -> None:
        """Undoes `remove_row`."""
        self.list.insert(row, position)
        self._total += 1
        self._explain()
        self.list.select_row(row)
        GLib.idle_add(row.grab_focus)  # after the pressed button has gone

    def read_first(self, tasks: TaskQueue) -> None:
        """A task: replaces the rows with the first results of the search."""
        search = self._search()
        page = tasks.ask(Browse(search, 0, PAGE), Page)
        if search != self._search():  # the next task is another search
            return
        had_focus = self._fresh or isinstance(self.get_toplevel().get_focus(), Row)
        kept = self.chosen.key if self.chosen else None
        self.list.unselect_all()
        for row in self._rows():
            self.list.remove(row)
        self._append(page)
        self._explain()
        again = next((row for row in self._rows() if row.key == kept), self.list.get_row_at_index(0))
        self.list.select_row(again)
        if had_focus and again:
            again.grab_focus()
        self._fresh = False

    def idle_task(self, tasks: TaskQueue) -> Task | None:
        """The next task that completes the visible part of the list: more rows, else a thumbnail. None: complete."""
        scroll = self.get_vadjustment()
        top, height = scroll.get_value(), scroll.get_page_size()
        missing = not self._complete and 0 < len(self._rows()) < self._total
        if missing and top + 2 * height > scroll.get_upper():
            return lambda: self._read_more(tasks)
        row = self.list.get_row_at_y(int(top))
        while row and self.journal and row.get_allocation().y < top + height:
            if not row.pictured:
                return _thumbnail_task(row, tasks, self.journal)
            row = self.list.get_row_at_index(row.get_index() + 1)
        return None

    def _read_more(self, tasks: TaskQueue) -> None:
        search = self._search()
        page = tasks.ask(Browse(search, len(self._rows()), PAGE), Page)
        if search == self._search():
            self._append(page)
            self._complete = not page.entries

    def _append(self, page: Page) -> None:
        """Adds rows. Some may be shown already, because new results moved the others down."""
        shown = {row.key for row in self._rows()}
        for entry in page.entries:
            if (entry.id, entry.variation) not in shown:
                self.list.add(self._row(entry))
        self._complete = False
        self._total = page.total
        self._counted(page)

    def _row(self, entry: Entry) -> Row:
        """The row of a result: always the same one, with its thumbnail.

        Rows live as long as the window: with GIMP 3.2 in Debian, ATK accesses rows that were destroyed.
        """
        key = (entry.id, entry.variation)
        if key in self._made:
            self._made[key].update(entry)
        else:
            self._made[key] = Row(entry)
        return self._made[key]

    def _rows(self) -> list[Row]:
        return [child for child in self.list.get_children() if isinstance(child, Row)]

    def _wake(self) -> None:
        if self.tasks:
            self.tasks.wake()


def _why_empty(search: str) -> str:
    """The text that is shown when there is no result."""
    if search.strip():
        return _("No result has these words in its prompt or its image's name, or that seed: “{search}”.").format(
            search=search.strip()
        )
    return _(
        "There is no result yet. Everything that Remove Object, Regenerate… and Re-roll Layer make is kept "
        "here, also what no image got: so nothing that was paid for is lost."
    )


def _thumbnail_task(row: Row, tasks: TaskQueue, journal: Path) -> Task:
    def show_thumbnail() -> None:
        row.pictured = True  # it is requested only once, even after an error
        size = THUMBNAIL * row.get_scale_factor()
        try:
            made = tasks.ask(Show(row.entry.id, row.entry.variation, size), Picture)
        except BridgeError as error:
            row.set_picture(None)
            if error.code == "bridge" or error.code in setup.HELPS:
                raise
            return
        row.set_picture(str(journal / row.entry.id / made.file))

    return show_thumbnail
