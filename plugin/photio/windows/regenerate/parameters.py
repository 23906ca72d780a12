"""The right side of *Regenerate…* and *Expand…*: all parameters, bound to the procedure's config."""

from __future__ import annotations

import locale
from collections.abc import Callable

from arguments import FEATHER_HELP, GROW_HELP, SPILL_HELP
from bridge.common.i18n import _
from bridge.protocol import Planned
from windows import parts
from windows.margin import Margin
from windows.parts import Gimp, GimpUi, GLib, GObject, Gtk
from windows.prompt import CONTINUED, REMOVED, Prompt
from windows.seed import Seed

#: The parameters that decide which part of the image is sent, and so change the preview.
AREA = ("context", "grow", "feather", "spill", "spill-unit", "areas", "sample", "resolution", "fill-transparent")

#: These also change the line below the preview.
SENT = (*AREA, "variations", "engine", "insert-as")


class Parameters(Gtk.Box):
    """All parameters that the procedure has; `prompt` and `seed` consist of several widgets each."""

    def __init__(
        self, dialog: GimpUi.ProcedureDialog, config: Gimp.ProcedureConfig, generate: Callable[[], None]
    ) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=parts.APART)
        self._dialog = dialog
        self._config = config
        self._expands = not self._has("variations")
        self.prompt = Prompt(config, generate, CONTINUED if self._expands else REMOVED)
        self.seed = Seed(config)
        self._margins = {"grow": Margin(config, "grow", _("Grow")), "feather": Margin(config, "feather", _("Feather"))}
        if self._has("spill"):
            self._margins["spill"] = Margin(config, "spill", _("Spill"), "spill-unit")
        self.pack_start(self.prompt, False, False, 0)
        self.pack_start(self._negative(), False, False, 0)
        self.pack_start(self._main(), False, False, 0)
        self.pack_start(self._area(), False, False, 0)
        self.pack_start(self._finish(), False, False, 0)

    def show_margins(self, planned: Planned) -> None:
        """Shows the automatic margins of a plan."""
        for name, margin in self._margins.items():
            margin.planned(getattr(planned, name))

    def take_over(self) -> None:
        """Stores a number that was typed but not confirmed: pressing a shortcut does not move the focus."""
        _update_numbers(self)

    def _has(self, name: str) -> bool:
        return self._config.find_property(name) is not None

    def _negative(self) -> Gtk.Widget:
        buffer = GimpUi.prop_text_buffer_new(self._config, "negative-prompt", 10_000)
        view = Gtk.TextView(buffer=buffer, wrap_mode=Gtk.WrapMode.WORD_CHAR, accepts_tab=False)
        parts.named(view, _("Negative prompt"), _("What should not appear, in English"))
        frame = Gtk.ScrolledWindow(
            can_focus=False, shadow_type=Gtk.ShadowType.IN, hscrollbar_policy=Gtk.PolicyType.NEVER
        )
        frame.set_min_content_height(54)
        frame.add(view)
        return _folded(_("_Negative prompt"), frame)

    def _main(self) -> Gtk.Widget:
        grid = parts.grid()
        parts.row(grid, 0, _("_Quality"), self._choice("quality"), _("Higher quality takes longer"))
        label = parts.row(grid, 1, _("See_d"), self.seed)
        label.set_mnemonic_widget(self.seed.number)
        parts.named(self.seed.number, _("Seed"), _("The same seed gives the same result; empty: a new one every time"))
        cfg_tip = _("How closely to follow the prompt; between the marks, 1.0 to 2.5, is recommended")
        both, number = self._cfg_scale(cfg_tip)
        parts.row(grid, 2, _plain(_("CF_G scale")), both, cfg_tip).set_mnemonic_widget(number)
        parts.named(number, _("CFG scale"), cfg_tip)
        if self._has("variations"):
            variations = self._number("variations", 1, 1)
            parts.row(grid, 3, _("_Variations"), variations, _("How many results, each sent and billed by itself"))
        parts.row(grid, 4, _("_Engine"), self._choice("engine"), _("Who does the work"))
        return grid

    def _area(self) -> Gtk.Widget:
        grid = parts.grid()
        context_tip = _("Surroundings to show, in percent of the selection's longer side")
        areas_label, areas_tip = _("Dis_joint areas"), _("How disjoint parts of the selection are sent")
        if self._expands:
            context_tip = _("How much of the picture to show, in percent of the shorter side of what is new")
            areas_label, areas_tip = _("Requests"), _("In how many requests what is new is sent")
        parts.row(grid, 0, _("Conte_xt (%)"), self._number("context", 5, 50), context_tip)
        self._margin(grid, 1, _("Gro_w (px)"), "grow", GROW_HELP)
        self._margin(grid, 2, _("_Feather (px)"), "feather", FEATHER_HELP)
        if self._has("spill"):
            self._margin(grid, 3, _("Spill"), "spill", SPILL_HELP)
        parts.row(grid, 4, areas_label, self._choice("areas"), areas_tip)
        parts.row(grid, 5, _("Sa_mple"), self._choice("sample"), _("What the service gets to see"))
        if self._has("insert-as"):
            insert_tip = _("What Insert makes of a result: a layer, or a part of the layer that collects repairs")
            parts.row(grid, 6, _plain(_("Inse_rt as")), self._choice("insert-as"), insert_tip)
        parts.row(grid, 7, _("Si_ze sent"), self._choice("resolution"), _("At what size the picture is sent"))
        if self._has("fill-transparent"):
            fill_tip = _(
                "Regenerate transparent parts around the selection, too; of the whole layer if nothing is selected"
            )
            grid.attach(self._check("fill-transparent", _plain(_("F_ill transparent parts")), fill_tip), 0, 8, 2, 1)
        return _folded(_("_Area"), grid)

    def _margin(self, grid: Gtk.Grid, number: int, label: str, name: str, tip: str) -> None:
        margin = self._margins[name]
        text = parts.row(grid, number, label, margin, tip)
        text.set_mnemonic_widget(margin.number)
        parts.named(margin.number, text.get_text(), tip)

    def _finish(self) -> Gtk.Widget:
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
        colour_tip = _("Undo what the service did to colours that it should have kept")
        detail_tip = _("Give a result that was scaled up the fine detail of its surroundings")
        grain_tip = _("Give the result the noise of its surroundings")
        box.add(self._check("match-colour", _plain(_("Match colo_ur")), colour_tip))
        box.add(self._check("match-detail", _plain(_("Match _detail")), detail_tip))
        box.add(self._check("match-grain", _("Ma_tch grain"), grain_tip))
        return _folded(_plain(_("F_inish")), box)

    def _choice(self, name: str) -> Gtk.Widget:
        """A combo box; its options' labels are those of the argument."""
        # GIMP 3.2 would show radio buttons, and a window twice as high
        return GimpUi.prop_choice_combo_box_new(self._config, name)

    def _number(self, name: str, step: float, page: float) -> Gtk.Widget:
        return GimpUi.prop_spin_button_new(self._config, name, step, page, 0)

    def _check(self, name: str, label: str, tip: str) -> Gtk.Widget:
        return parts.named(GimpUi.prop_check_button_new(self._config, name, label), label, tip)

    def _cfg_scale(self, tip: str) -> tuple[Gtk.Widget, Gtk.Widget]:
        """A slider for the useful range with the recommended part marked, and a number that may exceed the slider."""
        number = GimpUi.prop_spin_button_new(self._config, "cfg-scale", 0.1, 0.5, 1)
        shown = Gtk.Adjustment(lower=0, upper=5, step_increment=0.1, page_increment=0.5)
        slider = Gtk.Scale(adjustment=shown, draw_value=False, hexpand=True)
        for value in (1.0, 2.5):
            slider.add_mark(value, Gtk.PositionType.BOTTOM, locale.format_string("%.1f", value))
        self._config.bind_property("cfg-scale", shown, "value", GObject.BindingFlags.SYNC_CREATE)
        slider.connect("change-value", self._slid)  # only when the user moves it: it must not cut a larger number
        both = Gtk.Box(spacing=parts.NEAR)
        both.pack_start(parts.named(slider, _("CFG scale, slider"), tip), True, True, 0)
        both.pack_start(number, False, False, 0)
        return both, number

    def _slid(self, _slider: Gtk.Scale, _scroll: Gtk.ScrollType, value: float) -> bool:
        self._config.set_property("cfg-scale", round(min(max(value, 0.0), 5.0), 1))
        return False


def _update_numbers(widget: Gtk.Widget) -> None:
    if isinstance(widget, Gtk.SpinButton):
        widget.update()
    elif isinstance(widget, Gtk.Container):
        widget.forall(_update_numbers)


def _folded(label: str, content: Gtk.Widget) -> Gtk.Expander:
    """An expander: its content is shown when its heading is pressed."""
    expander = Gtk.Expander(label=label, use_underline=True, resize_toplevel=False)
    parts.named(expander, label)
    content.set_margin_start(parts.APART)
    content.set_margin_top(parts.NEAR)
    expander.add(content)
    content.connect("map", lambda _content: _scroll_when_measured(expander))
    content.show_all()
    content.set_no_show_all(True)  # or the Tab key would also visit hidden widgets
    expander.bind_property("expanded", content, "visible", GObject.BindingFlags.SYNC_CREATE)
    return expander


def _plain(label: str) -> str:
    """The label without its mnemonic. A letter that two widgets share activates neither of them."""
    return label.replace("_", "", 1)


def _scroll_when_measured(expander: Gtk.Expander) -> None:
    """Scrolls after GTK has computed the new height, and not during that."""

    def measured(*_: object) -> None:
        expander.disconnect(handler)
        GLib.idle_add(_scroll_to, expander)

    handler = expander.connect_after("size-allocate", measured)


def _scroll_to(expander: Gtk.Expander) -> bool:
    """Scrolls an expanded part into view; a part that is too high, to its heading."""
    viewport = expander.get_ancestor(Gtk.Viewport.__gtype__)
    if viewport and expander.get_expanded():
        here, whole = expander.get_allocation(), viewport.get_child().get_allocation()
        top = here.y - whole.y
        viewport.get_vadjustment().clamp_page(top, top + here.height)
        if here.height > viewport.get_allocated_height():
            viewport.get_vadjustment().set_value(top)
    return False
