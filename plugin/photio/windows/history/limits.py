"""The limits of the history: the line at the bottom of its window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gi.repository import GLib

from bridge.common.i18n import _, ngettext
from bridge.protocol.settings import Preferences
from windows.parts import APART, NEAR, Gtk, button, named


class Limits(Gtk.Box):
    """Shows the size of the history, and sets its limits. *Apply* stores them and deletes what exceeds them."""

    def __init__(self, apply: Callable[[], None]) -> None:
        super().__init__(spacing=APART)
        self._size = Gtk.Label(xalign=0.0, hexpand=True)
        self._days = _number(3650, 1, 0)
        self._gigabytes = _number(9999, 0.5, 1)
        self._apply = button(_("_Apply"), apply, _("Deletes the oldest results beyond these limits"))
        self._stored: tuple[int, float] = (0, 0.0)
        self._boxes = [
            _labelled(_("_Keep for (days)"), self._days, _("Older results are deleted by themselves; 0: no limit")),
            _labelled(_("Up _to (GB)"), self._gigabytes, _("The oldest are deleted first; 0: no limit")),
        ]
        self.pack_start(self._size, True, True, 0)
        for box in (*self._boxes, self._apply):
            self.pack_start(box, False, False, 0)
            box.set_sensitive(False)  # until `show_stored`
        for spin in (self._days, self._gigabytes):
            spin.connect("value-changed", lambda _spin: self._compare())

    def show_size(self, total: int, size: int, searched: bool) -> None:
        """Shows how many results are listed, and the size of the whole history in bytes."""
        size_text = GLib.format_size(size)
        if searched:
            text = ngettext("{count} result found", "{count} results found", total).format(count=total)
        else:
            text = ngettext("{count} result, {size}", "{count} results, {size}", total).format(
                count=total, size=size_text
            )
        self._size.set_text(text)
        named(self._size, text)

    def show_stored(self, preferences: Preferences) -> None:
        """Shows the stored limits."""
        self._stored = (preferences.history_days, preferences.history_gigabytes)
        self._days.set_value(preferences.history_days)
        self._gigabytes.set_value(preferences.history_gigabytes)
        for box in self._boxes:
            box.set_sensitive(True)
        self._compare()

    def applied(self, preferences: Preferences) -> Preferences:
        """The preferences with the limits that are set here."""
        days, gigabytes = self._entered()
        return replace(preferences, history_days=days, history_gigabytes=gigabytes)

    def _entered(self) -> tuple[int, float]:
        return self._days.get_value_as_int(), round(float(self._gigabytes.get_value()), 1)

    def _compare(self) -> None:
        self._apply.set_sensitive(self._entered() != self._stored)


def _number(most: float, step: float, digits: int) -> Gtk.SpinButton:
    spin = Gtk.SpinButton.new_with_range(0, most, step)
    spin.set_digits(digits)
    spin.set_width_chars(8)
    spin.connect("output", _show_no_limit)
    return spin


def _show_no_limit(spin: Gtk.SpinButton) -> bool:
    """Shows "no limit" instead of 0, which would look as if nothing were kept."""
    if spin.get_value():
        return False  # GTK shows the number
    spin.set_text(_("no limit"))
    return True


def _labelled(text: str, spin: Gtk.SpinButton, tip: str) -> Gtk.Box:
    label = Gtk.Label(label=text, use_underline=True)
    label.set_mnemonic_widget(spin)
    named(spin, label.get_text(), tip)
    box = Gtk.Box(spacing=NEAR)
    box.add(label)
    box.add(spin)
    return box
