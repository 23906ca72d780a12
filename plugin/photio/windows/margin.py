"""A margin: a number, and a check mark that leaves it to Photio."""

from __future__ import annotations

from arguments import LARGEST_MARGIN
from bridge.common.i18n import _
from bridge.protocol import AUTOMATIC
from windows import parts
from windows.parts import Gimp, GimpUi, Gtk


class Margin(Gtk.Box):
    """Bound to one of the config's margins. While it is automatic, it shows the px that the plan has chosen.

    Args:
        label: its name for screen readers.
        unit: the config's property for what it is counted in; empty: px.
    """

    def __init__(self, config: Gimp.ProcedureConfig, name: str, label: str, unit: str = "") -> None:
        super().__init__(spacing=parts.NEAR)
        self._config, self._name, self._unit = config, name, unit
        self.number = Gtk.SpinButton.new_with_range(0, LARGEST_MARGIN, 1)
        self.number.set_increments(1, 10)
        self._automatic = Gtk.CheckButton(label=_("Automatic"))
        parts.named(self._automatic, _("{margin}: automatic").format(margin=label), _("By the size of the selection"))
        self.pack_start(self.number, True, True, 0)
        # GIMP 3.2 would show radio buttons
        self._units = GimpUi.prop_choice_combo_box_new(config, unit) if unit else None
        if self._units:
            parts.named(self._units, _("{margin}: unit").format(margin=label))
            self.pack_start(self._units, False, False, 0)
        self.pack_start(self._automatic, False, False, 0)
        self.number.connect("value-changed", lambda _number: self._typed())
        self._automatic.connect("toggled", lambda _check: self._toggled())
        config.connect(f"notify::{name}", lambda *_: self._follow())
        self._follow()

    def planned(self, px: int) -> None:
        """The plan has so many px."""
        if self._is_automatic():
            self.number.set_value(px)

    def _is_automatic(self) -> bool:
        return bool(self._config.get_property(self._name) == AUTOMATIC)

    def _follow(self) -> None:
        automatic = self._is_automatic()
        self._automatic.set_active(automatic)
        for widget in filter(None, (self.number, self._units)):
            widget.set_sensitive(not automatic)
        if not automatic:
            self.number.set_value(self._config.get_property(self._name))

    def _typed(self) -> None:
        if not self._is_automatic():
            self._config.set_property(self._name, self.number.get_value_as_int())

    def _toggled(self) -> None:
        automatic = self._automatic.get_active()
        if automatic == self._is_automatic():
            return
        if self._unit:  # what the plan has chosen is in px
            self._config.set_property(self._unit, "px")
        self._config.set_property(self._name, AUTOMATIC if automatic else self.number.get_value_as_int())
