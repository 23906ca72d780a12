"""The strip of results: thumbnails with their seeds, the chosen one shown in the preview."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.common.i18n import _
from bridge.protocol import Rectangle, Result
from canvas.generation import Outcome
from windows import parts
from windows.parts import Gdk, GdkPixbuf, Gtk

#: The longer side of a thumbnail, px.
THUMBNAIL = 96


@dataclass
class Shown:
    """One result in the strip.

    Attributes:
        picture, before: image files of the same part of the image.
        box: that part of the canvas.
    """

    outcome: Outcome
    result: Result
    picture: str
    before: str
    box: Rectangle
    inserted: bool = False


class Results(Gtk.ScrolledWindow):
    """All results of this window, oldest first; hidden until there is one. One of them, or none, is chosen."""

    def __init__(self, chosen: Callable[[Shown | None], None], insert: Callable[[Shown], None]) -> None:
        super().__init__(vscrollbar_policy=Gtk.PolicyType.NEVER, no_show_all=True)
        self._chosen = chosen
        self._insert = insert
        self._box = Gtk.Box(spacing=parts.NEAR)
        self._box.show()
        self.add(self._box)
        self._buttons: list[tuple[Gtk.RadioButton, Shown]] = []
        # one button of a radio group is always chosen: this hidden one stands for none
        self._none = Gtk.RadioButton()
        parts.named(self, _("Results"))

    def add_result(self, shown: Shown) -> None:
        """Adds a result at the end."""
        button = Gtk.RadioButton.new_from_widget(self._none)
        button.set_mode(False)  # drawn as a button that stays pressed
        thumbnail = GdkPixbuf.Pixbuf.new_from_file_at_scale(shown.picture, THUMBNAIL, THUMBNAIL, True)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=2)
        content.add(Gtk.Image.new_from_pixbuf(thumbnail))
        content.add(Gtk.Label(label=str(shown.result.seed)))
        button.add(content)
        self._buttons.append((button, shown))
        self._name(button, shown)
        button.connect("toggled", lambda button: self._toggled(button, shown))
        button.connect("button-press-event", lambda _button, event: self._pressed(event, shown))
        button.connect("key-press-event", lambda _button, event: self._typed(event, shown))
        button.show_all()
        self._box.add(button)
        self.show()

    def choose(self, shown: Shown) -> None:
        """Chooses a result, and focuses it."""
        for button, other in self._buttons:
            if other is shown:
                button.set_active(True)
                button.grab_focus()

    def choose_none(self) -> None:
        """Chooses none, so that the plan is shown."""
        self._none.set_active(True)

    @property
    def current(self) -> Shown | None:
        """The chosen result."""
        return next((shown for button, shown in self._buttons if button.get_active()), None)

    def of(self, outcome: Outcome) -> list[Shown]:
        """All results of one generation."""
        return [shown for _button, shown in self._buttons if shown.outcome is outcome]

    def mark_inserted(self, *inserted: Shown) -> None:
        """Marks results as inserted."""
        for button, shown in self._buttons:
            if shown in inserted:
                shown.inserted = True
                label = button.get_child().get_children()[1]
                label.set_text(f"✓ {shown.result.seed}")
                self._name(button, shown)

    def _name(self, button: Gtk.RadioButton, shown: Shown) -> None:
        number = [other for _button, other in self._buttons].index(shown) + 1
        text = _("Result {number}, inserted, seed {seed}") if shown.inserted else _("Result {number}, seed {seed}")
        parts.named(button, text.format(number=number, seed=shown.result.seed))
        button.set_tooltip_text(_("Seed {seed}; Enter or double-click inserts it").format(seed=shown.result.seed))

    def _toggled(self, button: Gtk.RadioButton, shown: Shown) -> None:
        if button.get_active():
            self._chosen(shown)
        elif self._none.get_active():
            self._chosen(None)

    def _pressed(self, event: Gdk.EventButton, shown: Shown) -> bool:
        if event.type != Gdk.EventType.DOUBLE_BUTTON_PRESS:
            return False
        self._insert(shown)
        return True

    def _typed(self, event: Gdk.EventKey, shown: Shown) -> bool:
        if event.keyval in (Gdk.KEY_Left, Gdk.KEY_Right):
            self._walk(shown, 1 if event.keyval == Gdk.KEY_Right else -1)
            return True
        if event.keyval not in (Gdk.KEY_Return, Gdk.KEY_KP_Enter):
            return False
        self._insert(shown)
        return True

    def _walk(self, shown: Shown, step: int) -> None:
        """Chooses a neighbour. GTK's own arrow keys would only move the focus."""
        everything = [other for _button, other in self._buttons]
        at = everything.index(shown) + step
        if 0 <= at < len(everything):
            self.choose(everything[at])


class InsertButtons(Gtk.Box):
    """Buttons that insert the chosen result, or all of its generation. Hidden until there is a result."""

    def __init__(self, results: Results, insert: Callable[..., None]) -> None:
        super().__init__(spacing=parts.NEAR, no_show_all=True)
        self._results = results
        self._one = parts.button(_("_Insert"), lambda: self._insert(insert, False), _("Insert the chosen result"))
        tip = _("Insert all its variations in a group")
        self._all = parts.button(_("Insert All"), lambda: self._insert(insert, True), tip)
        for button in (self._one, self._all):
            button.show()
            self.pack_end(button, False, False, 0)

    def follow(self, shown: Shown | None) -> None:
        """Updates the buttons for the chosen result, or for none."""
        self._one.set_sensitive(shown is not None)
        self._all.set_sensitive(shown is not None and len(self._results.of(shown.outcome)) > 1)

    def _insert(self, insert: Callable[..., None], everything: bool) -> None:
        if shown := self._results.current:
            insert(*(self._results.of(shown.outcome) if everything else [shown]))
