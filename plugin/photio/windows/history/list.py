"""The list of results in the window of *History…*: grows while the user scrolls, and shows what they look at first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gi.repository import GLib

from bridge.common.i18n import _
from bridge.protocol.history import Browse, Entry, Page, Picture, Show
from bridge_process import BridgeError
from windows.history.row import THUMBNAIL, Row
from windows.parts import BORDER, Gtk, named
from windows.task_queue import Errand, Errands

#: So many results are asked for at once.
PAGE = 50


class Results(Gtk.ScrolledWindow):
    """Rows, newest first. `counted` is told each page. Thumbnails have to wait for `journal`, where they are."""

    def __init__(self, search: Callable[[], str], counted: Callable[[Page], None]) -> None:
        super().__init__(hscrollbar_policy=Gtk.PolicyType.NEVER, shadow_type=Gtk.ShadowType.IN, vexpand=True)
        self.errands: Errands | None = None
        self.journal: Path | None = None
        self.list = Gtk.ListBox(activate_on_single_click=False)
        named(self.list, _("Results, newest first"))
        self.list.get_style_context().add_class("view")  # GIMP's own look of lists: it shows well what is selected
        self._search, self._counted = search, counted
        self._made: dict[tuple[str, int], Row] = {}
        self._total, self._complete, self._fresh = 0, False, True
        # beside the list, not the list's own placeholder: screen readers do not get to see that
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
        """Puts the keyboard on the selected row, else the first; whether there is one."""
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
        """Takes a row out and selects its neighbour; where it was."""
        position: int = row.get_index()
        self.list.unselect_all()  # or GTK would take the row for selected when it comes back, and the list would not
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
        GLib.idle_add(row.grab_focus)  # when the button that was pressed for this is gone

    def read_first(self, errands: Errands) -> None:
        """An errand: the first results of what is searched for, in place of those that are shown."""
        search = self._search()
        page = errands.ask(Browse(search, 0, PAGE), Page)
        if search != self._search():  # the next errand is another search
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

    def at_leisure(self, errands: Errands) -> Errand | None:
        """What makes the list more complete where the user looks: rows first, then a thumbnail."""
        scroll = self.get_vadjustment()
        top, height = scroll.get_value(), scroll.get_page_size()
        missing = not self._complete and 0 < len(self._rows()) < self._total
        if missing and top + 2 * height > scroll.get_upper():
            return lambda: self._read_more(errands)
        row = self.list.get_row_at_y(int(top))
        while row and self.journal and row.get_allocation().y < top + height:
            if not row.pictured:
                return _picturing(row, errands, self.journal)
            row = self.list.get_row_at_index(row.get_index() + 1)
        return None

    def _read_more(self, errands: Errands) -> None:
        search = self._search()
        page = errands.ask(Browse(search, len(self._rows()), PAGE), Page)
        if search == self._search():
            self._append(page)
            self._complete = not page.entries

    def _append(self, page: Page) -> None:
        """Adds rows. Results that came meanwhile moved the others down: some are shown already."""
        shown = {row.key for row in self._rows()}
        for entry in page.entries:
            if (entry.id, entry.variation) not in shown:
                self.list.add(self._row(entry))
        self._complete = False
        self._total = page.total
        self._counted(page)

    def _row(self, entry: Entry) -> Row:
        """The row of a result: the same one each time it is found, with its thumbnail.

        Rows are not destroyed before the window is: with GIMP 3.2 in Debian, ATK asks after those that were.
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
        if self.errands:
            self.errands.wake()


def _why_empty(search: str) -> str:
    """What is said in place of results."""
    if search.strip():
        return _("No result has these words in its prompt or its image's name, or that seed: “{search}”.").format(
            search=search.strip()
        )
    return _(
        "There is no result yet. Everything that Remove Object, Regenerate… and Re-roll Layer make is kept "
        "here, also what no image got: so nothing that was paid for is lost."
    )


def _picturing(row: Row, errands: Errands, journal: Path) -> Errand:
    def picture() -> None:
        row.pictured = True  # asked for once, whatever comes of it
        size = THUMBNAIL * row.get_scale_factor()
        try:
            made = errands.ask(Show(row.entry.id, row.entry.variation, size), Picture)
        except BridgeError as error:
            row.set_picture(None)
            if error.code == "bridge":
                raise
            return
        row.set_picture(str(journal / row.entry.id / made.file))

    return picture
