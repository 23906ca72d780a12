"""The settings window's pages on engine, service, history and help. They only show and return values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.common.i18n import _
from bridge.protocol.settings import Preferences
from windows.parts import APART, BORDER, NEAR, GimpUi, Gtk, button, grid, named, paragraph, row

#: The width of texts, in characters. GTK computes the window's height for it.
WIDE = 60

_LEAST = 0.01  # seconds, megapixels: the bridge requires more than 0


class Page(Gtk.Box):
    """A page of groups; each has a bold heading, as in GIMP's preferences."""

    def __init__(self) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=APART, border_width=BORDER)

    def group(self, heading: str, content: Gtk.Widget) -> None:
        """Adds a group."""
        frame = GimpUi.Frame.new(heading)
        frame.add(content)
        named(frame, heading)
        self.pack_start(frame, False, False, 0)


def column(*widgets: Gtk.Widget, spacing: int) -> Gtk.Box:
    """The widgets below each other, `spacing` px apart."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box


class WorkPage(Page):
    """The engine, the service's address, and the limits of a job.

    Args:
        add_neural: called by the button that is there while MI-GAN is not installed.
    """

    def __init__(self, add_neural: Callable[[], None]) -> None:
        super().__init__()
        self._engine = Gtk.ComboBoxText()
        self._engine.append("auto", _("Automatic: Photio where there is a key"))
        self._engine.append("photio", _("Photio"))
        self._engine.append("offline", _("The offline engine on this computer"))
        self._models = self._radio_buttons()
        self._add = button(_("A_dd MI-GAN…"), add_neural, _("Says first what it would fetch"))
        self._add.set_halign(Gtk.Align.START)
        self._address = Gtk.Entry(activates_default=True, input_purpose=Gtk.InputPurpose.URL)
        self._connect = Number(_LEAST, 3600)
        self._answer = Number(_LEAST, 3600)
        self._requests = Number(1, 64)
        self._native = Number(_LEAST, 12, digits=1)
        self._insert_as = Gtk.ComboBoxText()
        self._insert_as.append("new", _("A new layer for each"))
        self._insert_as.append("retouch", _("The retouch layer, which collects them"))
        self._labels = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)  # one column for all groups
        self.group(_("Engine"), self._engines())
        self.group(_("Service"), self._service())
        self.group(_("Limits"), self._limits())
        self.group(_("Layers"), self._layers())

    def fill(self, preferences: Preferences) -> None:
        """Shows these preferences."""
        self._engine.set_active_id(preferences.engine)
        self._models[preferences.offline_model].set_active(True)
        self._address.set_text(preferences.origin)
        self._connect.show_number(preferences.connect_timeout)
        self._answer.show_number(preferences.answer_timeout)
        self._requests.show_number(preferences.most_requests)
        self._native.show_number(preferences.native_limit)
        self._insert_as.set_active_id(preferences.insert_as)

    def allow_neural(self, installed: bool) -> None:
        """Lets the user choose MI-GAN, or else add it. Nothing else is changed."""
        self._models["migan"].set_sensitive(installed)
        self._add.set_visible(not installed)
        self._add.set_no_show_all(installed)

    def focus_neural(self) -> None:
        """Focuses the model that uses MI-GAN first: the button that added it has gone."""
        self._models["texture"].grab_focus()

    def read(self, before: Preferences) -> Preferences:
        """`before` with the values that are set here."""
        return replace(
            before,
            engine=str(self._engine.get_active_id()),
            offline_model=next(name for name, radio in self._models.items() if radio.get_active()),
            origin=str(self._address.get_text()).strip(),
            connect_timeout=self._connect.number(),
            answer_timeout=self._answer.number(),
            most_requests=round(self._requests.number()),
            native_limit=self._native.number(),
            insert_as=str(self._insert_as.get_active_id()),
        )

    def focus(self) -> None:
        """Focuses the address: the bridge rejects nothing else on this page."""
        self._address.grab_focus()

    def _radio_buttons(self) -> dict[str, Gtk.RadioButton]:
        """The offline models."""
        labels = {
            "texture": _("Te_xture: sharp and quick; with MI-GAN, better with large structures"),
            "patchmatch": _("_PatchMatch: sharp, invents nothing"),
            "migan": _("_MI-GAN: softer, better with large structures"),
        }
        made: dict[str, Gtk.RadioButton] = {}
        for name, label in labels.items():
            radio = Gtk.RadioButton(label=label, use_underline=True, group=made.get("texture"))
            named(radio, str(radio.get_label()))
            radio.get_child().set_line_wrap(True)
            radio.get_child().set_max_width_chars(45)
            made[name] = radio
        return made

    def _engines(self) -> Gtk.Widget:
        models = column(*self._models.values(), self._add, spacing=NEAR)
        named(models, _("Offline model"))
        made = grid()
        self._row(made, 0, _("E_ngine"), self._engine, _("What makes the results, where a job does not say"))
        self._row(made, 1, _("Offline model"), models).set_valign(Gtk.Align.START)
        return made

    def _service(self) -> Gtk.Widget:
        made = grid()
        self._row(
            made,
            0,
            _("Service a_ddress"),
            self._address,
            _("It begins with https://; http:// is for this computer only"),
        )
        self._row(made, 1, _("_Time to connect (seconds)"), self._connect)
        self._row(made, 2, _("Time to _wait for an answer (seconds)"), self._answer)
        return made

    def _limits(self) -> Gtk.Widget:
        made = grid()
        self._row(made, 0, _("Most re_quests for one job"), self._requests, _("A job that needs more is refused"))
        tip = _("The largest area that the resolution “native” sends without scaling it")
        self._row(made, 1, _("_Largest native crop (megapixels)"), self._native, tip)
        return made

    def _layers(self) -> Gtk.Widget:
        made = grid()
        tip = _("What Remove Object and History make of a result; Regenerate… asks each time")
        self._row(made, 0, _("_Insert results as"), self._insert_as, tip)
        return made

    def _row(self, made: Gtk.Grid, number: int, label: str, widget: Gtk.Widget, tip: str = "") -> Gtk.Label:
        text = row(made, number, label, widget, tip)
        text.set_line_wrap(True)
        text.set_max_width_chars(32)
        self._labels.add_widget(text)
        return text


class HistoryPage(Page):
    """The limits of the history, and buttons for the log and the doctor."""

    def __init__(self, open_log: Callable[[], None], doctor: Callable[[], None]) -> None:
        super().__init__()
        self._days = Number(0, 36_500)
        self._gigabytes = Number(0, 10_000, digits=1)
        made = grid()
        row(made, 0, _("_Keep results for (days)"), self._days)
        row(made, 1, _("Keep results _up to (gigabytes)"), self._gigabytes)
        text = paragraph(_("0 means: no limit. The oldest results are deleted first."), small=True, width=WIDE)
        self.group(_("History"), column(made, text, spacing=NEAR))
        buttons = Gtk.Box(spacing=NEAR)
        buttons.add(button(_("Open _Log"), open_log, _("What the bridge did; no prompt and no key is in it")))
        buttons.add(button(_("_Doctor…"), doctor, _("Checks whether everything works here; spends nothing")))
        text = paragraph(
            _("The doctor checks the installation, and connects to the service address without sending anything."),
            small=True,
            width=WIDE,
        )
        self.group(_("When something goes wrong"), column(buttons, text, spacing=NEAR))

    def fill(self, preferences: Preferences) -> None:
        """Shows these preferences."""
        self._days.show_number(preferences.history_days)
        self._gigabytes.show_number(preferences.history_gigabytes)

    def read(self, before: Preferences) -> Preferences:
        """`before` with the values that are set here."""
        days, gigabytes = round(self._days.number()), self._gigabytes.number()
        return replace(before, history_days=days, history_gigabytes=gigabytes)


class Number(Gtk.SpinButton):
    """A number. It is not rounded unless the user changes it: the settings may have more decimals than are shown."""

    def __init__(self, least: float, most: float, digits: int = 0) -> None:
        super().__init__(numeric=True, activates_default=True, width_chars=8, halign=Gtk.Align.START)
        self._digits = digits
        self._original = self._shown = least
        self.set_adjustment(Gtk.Adjustment(lower=least, upper=most, step_increment=10.0**-digits, page_increment=10))

    def show_number(self, value: float) -> None:
        """Shows a value, with two decimals if necessary."""
        self.set_digits(self._digits if round(value, self._digits) == value else 2)
        self.set_value(value)
        self.update()
        self._original, self._shown = value, float(self.get_value())

    def number(self) -> float:
        """The value, also one that was typed and not confirmed yet."""
        self.update()
        value = float(self.get_value())
        return self._original if value == self._shown else value
