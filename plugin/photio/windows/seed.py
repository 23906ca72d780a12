"""The seed: a number, a button that draws another one, and a lock that keeps it."""

from __future__ import annotations

import random

from arguments import HIGHEST_SEED
from bridge.common.i18n import _
from windows import parts
from windows.parts import Gimp, Gtk

#: The config's value for: draw a seed for each generation.
RANDOM = -1


class Seed(Gtk.Box):
    """Bound to the config's `seed`. Empty means unlocked: each generation draws a seed. A number locks it."""

    def __init__(self, config: Gimp.ProcedureConfig) -> None:
        super().__init__(spacing=parts.NEAR)
        self._config = config
        self._shown = 0  # the seed of the chosen result, or 0
        self.number = Gtk.Entry(width_chars=11, hexpand=True, placeholder_text=_("random"))
        self._lock = Gtk.ToggleButton()
        self._lock.set_image(Gtk.Image())
        tip = _("Keep this seed, so that the same request gives the same result again")
        parts.named(self._lock, _("Keep this seed"), tip)
        dice = parts.icon_button("view-refresh-symbolic", _("Draw another seed"), self._draw_another)
        for widget in (self.number, dice, self._lock):
            self.pack_start(widget, widget is self.number, True, 0)
        self.number.connect("changed", self._typed)
        self._lock.connect("toggled", self._toggled)
        config.connect("notify::seed", lambda *_: self._follow())
        self._follow()

    def seen(self, seed: int) -> None:
        """The chosen result was made with this seed; the lock will keep it."""
        self._shown = seed

    def _follow(self) -> None:
        seed = self._config.get_property("seed")
        if _seed(self.number.get_text()) != seed:
            self.number.set_text("" if seed == RANDOM else f"{seed:.0f}")
        locked = seed != RANDOM
        self._lock.set_active(locked)
        icon = "changes-prevent-symbolic" if locked else "changes-allow-symbolic"
        self._lock.get_image().set_from_icon_name(icon, Gtk.IconSize.BUTTON)

    def _typed(self, number: Gtk.Entry) -> None:
        text = number.get_text()
        digits = "".join(letter for letter in text if letter in "0123456789")
        if digits != text:  # a seed consists of digits only
            number.set_text(digits)
        elif self._config.get_property("seed") != _seed(text):
            self._config.set_property("seed", float(_seed(text)))
            if str(_seed(text)) != text and text:
                number.set_text(str(_seed(text)))

    def _toggled(self, lock: Gtk.ToggleButton) -> None:
        locked = self._config.get_property("seed") != RANDOM
        if lock.get_active() and not locked:
            self._config.set_property("seed", float(self._shown or _drawn()))
        elif not lock.get_active() and locked:
            self._config.set_property("seed", float(RANDOM))

    def _draw_another(self) -> None:
        self._config.set_property("seed", float(_drawn()))


def _seed(text: str) -> int:
    """The seed of a text of digits: random if it is empty, else the nearest allowed number."""
    return min(max(int(text), 1), HIGHEST_SEED) if text else RANDOM


def _drawn() -> int:
    return random.SystemRandom().randint(1, HIGHEST_SEED)
