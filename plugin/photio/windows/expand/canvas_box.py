"""Where the new edges of the canvas are: typed in px or percent, or as a ratio with an anchor."""

from __future__ import annotations

from bridge.common.i18n import _
from canvas.edges import LARGEST_SIDE, Edges, anchored, of_percent, ratio_of, with_ratio
from edge_arguments import ANCHOR_HELP, ANCHORS, NAMES
from windows import parts
from windows.parts import Gimp, Gtk

#: What is offered; any other can be typed.
_RATIOS = ("16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16")

_PERCENT = 1000.0  # the most


class CanvasBox(Gtk.Box):
    """Bound to the config's edges, which are in px here, whatever unit is shown."""

    def __init__(self, config: Gimp.ProcedureConfig, image: Gimp.Image) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
        self._config, self._image = config, image
        self._following = False
        self._unit = Gtk.ComboBoxText()
        for text in (_("px"), "%"):
            self._unit.append_text(text)
        self._unit.set_active(0)
        self._ratio = Gtk.ComboBoxText.new_with_entry()
        for ratio in _RATIOS:
            self._ratio.append_text(ratio)
        self._ratio.get_child().set_placeholder_text(_("free"))
        self._ratio.get_child().set_width_chars(7)
        self._numbers = {name: Gtk.SpinButton.new_with_range(0, LARGEST_SIDE, 1) for name in NAMES}
        self._anchors: dict[str, Gtk.RadioButton] = {}
        self._size = parts.paragraph()
        self._build()
        for number in self._numbers.values():
            number.connect("value-changed", lambda _number: self._typed())
        self._unit.connect("changed", lambda _unit: self._follow())
        self._ratio.connect("changed", lambda _ratio: self._ratio_chosen())
        for name in NAMES:
            config.connect(f"notify::{name}", lambda *_: self._follow())
        self.set_edges(Edges())  # those of another image would be meaningless
        self._follow()

    @property
    def edges(self) -> Edges:
        """As they are now, px."""
        return Edges(*(round(self._config.get_property(name)) for name in NAMES))

    def set_edges(self, edges: Edges) -> None:
        """Moves the edges; there is no ratio any longer."""
        self._set(edges)
        self._forget_ratio()

    def refresh(self) -> None:
        """The image has another size."""
        self._follow()

    @property
    def _old(self) -> tuple[int, int]:
        return (self._image.get_width(), self._image.get_height()) if self._image.is_valid() else (1, 1)

    def _build(self) -> None:
        grid = parts.grid()
        ratio_tip = _("Of the new canvas: choose one, or type another")
        both = Gtk.Box(spacing=parts.APART)
        label = parts.row(grid, 0, _("Ratio"), both)
        label.set_mnemonic_widget(self._ratio.get_child())
        for widget in (self._ratio, self._ratio.get_child()):
            parts.named(widget, _("Ratio"), ratio_tip)
        self._ratio.set_valign(Gtk.Align.CENTER)
        both.pack_start(self._ratio, True, True, 0)
        anchors, text = self._anchor_grid(), Gtk.Label(label=_("Anc_hor"), use_underline=True)
        text.set_mnemonic_widget(self._anchors["center"])
        both.pack_start(text, False, False, 0)
        both.pack_start(anchors, False, False, 0)
        labels = (_("Left"), _("Top"), _("Right"), _("Bottom"))
        for row, (name, text) in enumerate(zip(NAMES, labels, strict=True), 1):
            parts.row(grid, row, text, self._numbers[name], _("How much is added at this edge"))
        parts.row(grid, 5, _("_Unit"), self._unit, _("What the edges are counted in"))
        self.pack_start(grid, False, False, 0)
        self.pack_start(self._size, False, False, 0)

    def _anchor_grid(self) -> Gtk.Grid:
        grid = parts.named(Gtk.Grid(valign=Gtk.Align.CENTER), _("Anchor"), ANCHOR_HELP)
        group: Gtk.RadioButton | None = None
        for index, (name, label, _help) in enumerate(ANCHORS):
            button = Gtk.RadioButton.new_from_widget(group)
            group = group or button
            parts.named(button, _("Anchor: {place}").format(place=label), label)
            grid.attach(button, index % 3, index // 3, 1, 1)
            self._anchors[name] = button
        self._anchors["center"].set_active(True)
        for button in self._anchors.values():
            button.connect("toggled", self._anchor_chosen)
        return grid

    @property
    def _anchor(self) -> str:
        return next(name for name, button in self._anchors.items() if button.get_active())

    def _set(self, edges: Edges) -> None:
        for name, value in zip(NAMES, edges, strict=True):
            if self._config.get_property(name) != value:  # each change is drawn
                self._config.set_property(name, float(min(value, LARGEST_SIDE)))

    def _forget_ratio(self) -> None:
        self._following = True
        self._ratio.set_active(-1)
        self._ratio.get_child().set_text("")
        self._following = False

    def _typed(self) -> None:
        if self._following:
            return
        values = [self._numbers[name].get_value() for name in NAMES]
        left, top, right, bottom = values
        in_percent = self._unit.get_active() == 1
        self.set_edges(of_percent(self._old, (left, top, right, bottom)) if in_percent else Edges(*map(round, values)))

    def _ratio_chosen(self) -> None:
        ratio = ratio_of(self._ratio.get_child().get_text())
        if self._following or ratio is None:  # still being typed
            return
        self._set(with_ratio(self._old, Edges(), ratio, self._anchor))

    def _anchor_chosen(self, button: Gtk.RadioButton) -> None:
        if button.get_active():  # the one that was chosen before is toggled, too
            self._set(anchored(self.edges, self._anchor))

    def _follow(self) -> None:
        """Shows the config's edges."""
        self._following = True
        in_percent, old = self._unit.get_active() == 1, self._old
        for name, value, side in zip(NAMES, self.edges, (*old, *old), strict=True):
            number = self._numbers[name]
            number.set_digits(1 if in_percent else 0)
            number.set_range(0, _PERCENT if in_percent else LARGEST_SIDE)
            number.set_increments(*((1, 10) if in_percent else (1, 100)))
            number.set_value(100 * value / side if in_percent else value)
        self._following = False
        width, height = self.edges.canvas(old)
        text = _("New canvas: {width} × {height} px")
        self._size.set_text(text.format(width=width, height=height))
