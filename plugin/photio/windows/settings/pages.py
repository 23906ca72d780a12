"""What the settings window shows, page by page. Nothing here asks the bridge or decides anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.common.i18n import _
from bridge.protocol.settings import Preferences, SettingsReport
from windows.parts import APART, BORDER, NEAR, GimpUi, GLib, Gtk, button, grid, later, named, open_uri, paragraph, row

DASHBOARD = "https://photio.io"
_WIDE = 60  # characters: GTK asks for the height that texts need at this width
_TINIEST = 0.01  # seconds, megapixels: above 0 is what the bridge asks for


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


class KeyPage(Page):
    """The key, and what leaves this computer.

    Args:
        store, test, forget: what the buttons do; Enter in the field stores.
        failed: is told that no web browser opened.
    """

    def __init__(
        self,
        store: Callable[[], object],
        test: Callable[[], None],
        forget: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._failed = failed
        self._state = paragraph(width=_WIDE)
        self._place = paragraph(small=True, width=_WIDE)
        self._tested = paragraph(small=True, width=_WIDE)
        self._privacy = paragraph(width=_WIDE)
        self._forget = button(_("_Forget"), forget, _("Removes the stored key from this computer"))
        self._entry = _secret(store)
        buttons = Gtk.Box(spacing=NEAR)
        buttons.add(button(_("_Store"), store, _("Keeps the typed key, in place of the one before")))
        buttons.add(button(_("_Test"), test, _("Shows the key to the service; should cost nothing")))
        buttons.add(self._forget)
        content = _column(
            self._state, self._entry_row(), self._place, buttons, self._tested, self._link(), spacing=NEAR
        )
        self.group(_("API key"), content)
        self.group(_("What leaves this computer"), self._privacy)

    def fill(self, report: SettingsReport) -> None:
        """Shows which key there is, and forgets what was typed."""
        self._entry.set_text("")
        told = _state_of(report)
        self._state.set_text(told)
        named(self._state, told)
        self._forget.set_sensitive(report.key_place is not None)
        if report.keyring:
            self._place.set_text(_("A stored key is kept in the system's keyring."))
        else:
            self._place.set_text(_("There is no keyring here: a stored key is kept in a file that only you can read."))
        address = report.preferences.origin
        self._tested.set_text(
            _(
                "Test sends a request without a picture to {address}, with the typed key or else the stored one. "
                "The service can only refuse it, so it should cost nothing."
            ).format(address=address)
        )
        self._privacy.set_text(_privacy(address))

    @property
    def typed(self) -> str:
        """What is in the field, without the blanks that come with pasting."""
        return str(self._entry.get_text()).strip()

    def focus(self) -> None:
        """The field is where the next key goes."""
        self._entry.grab_focus()

    def _entry_row(self) -> Gtk.Widget:
        label = Gtk.Label(label=_("_Key"), use_underline=True, xalign=0.0)
        label.set_mnemonic_widget(self._entry)
        named(self._entry, label.get_text())
        reveal = Gtk.ToggleButton(image=Gtk.Image.new_from_icon_name(GimpUi.ICON_VISIBLE, Gtk.IconSize.BUTTON))
        named(reveal, _("Show the key"), _("Show what is typed instead of dots"))
        reveal.connect("toggled", lambda toggle: self._entry.set_visibility(toggle.get_active()))
        box = Gtk.Box(spacing=NEAR)
        box.pack_start(label, False, False, 0)
        box.pack_start(self._entry, True, True, 0)
        box.pack_start(reveal, False, False, 0)
        return box

    def _link(self) -> Gtk.Widget:
        text = _("_Get a key from the API Dashboard at photio.io")
        link = Gtk.LinkButton(uri=DASHBOARD, label=text, use_underline=True, halign=Gtk.Align.START)
        link.connect("activate-link", lambda _link: self._open())
        return named(link, text)

    def _open(self) -> bool:
        try:
            open_uri(DASHBOARD)
        except GLib.Error:
            self._failed(_("No web browser could be opened: go to {address} yourself.").format(address=DASHBOARD))
        return True  # GTK need not try, too


class WorkPage(Page):
    """Who does the work, where the service is, and how much a job may take."""

    def __init__(self) -> None:
        super().__init__()
        self._engine = Gtk.ComboBoxText()
        self._engine.append("auto", _("Automatic: Photio where there is a key"))
        self._engine.append("photio", _("Photio"))
        self._engine.append("offline", _("The offline engine on this computer"))
        self._patchmatch = Gtk.RadioButton(label=_("_PatchMatch: sharp, invents nothing"), use_underline=True)
        self._migan = Gtk.RadioButton(
            label=_("_MI-GAN: softer, better with large structures"), use_underline=True, group=self._patchmatch
        )
        self._hint = paragraph(_("To add MI-GAN, run “python3 install.py --neural”."), small=True)
        self._address = Gtk.Entry(activates_default=True, input_purpose=Gtk.InputPurpose.URL)
        self._connect = Number(_TINIEST, 3600)
        self._answer = Number(_TINIEST, 3600)
        self._requests = Number(1, 64)
        self._native = Number(_TINIEST, 12, digits=1)
        self._labels = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)  # one column for all three groups
        self.group(_("Engine"), self._engines())
        self.group(_("Service"), self._service())
        self.group(_("Limits"), self._limits())

    def fill(self, preferences: Preferences, neural: bool) -> None:
        """Shows these."""
        self._engine.set_active_id(preferences.engine)
        (self._migan if preferences.offline_model == "migan" else self._patchmatch).set_active(True)
        self._migan.set_sensitive(neural)
        self._hint.set_visible(not neural)
        self._hint.set_no_show_all(neural)
        self._address.set_text(preferences.origin)
        self._connect.show_number(preferences.connect_timeout)
        self._answer.show_number(preferences.answer_timeout)
        self._requests.show_number(preferences.most_requests)
        self._native.show_number(preferences.native_limit)

    def read(self, before: Preferences) -> Preferences:
        """`before` with what is set here."""
        return replace(
            before,
            engine=str(self._engine.get_active_id()),
            offline_model="migan" if self._migan.get_active() else "patchmatch",
            origin=str(self._address.get_text()).strip(),
            connect_timeout=self._connect.number(),
            answer_timeout=self._answer.number(),
            most_requests=round(self._requests.number()),
            native_limit=self._native.number(),
        )

    def focus(self) -> None:
        """The address is the one thing here that can be wrong."""
        self._address.grab_focus()

    def _engines(self) -> Gtk.Widget:
        for radio in (self._patchmatch, self._migan):
            named(radio, str(radio.get_label()))
            radio.get_child().set_line_wrap(True)
            radio.get_child().set_max_width_chars(45)
        models = _column(self._patchmatch, self._migan, self._hint, spacing=NEAR)
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

    def _row(self, made: Gtk.Grid, number: int, label: str, widget: Gtk.Widget, tip: str = "") -> Gtk.Label:
        text = row(made, number, label, widget, tip)
        text.set_line_wrap(True)
        text.set_max_width_chars(32)
        self._labels.add_widget(text)
        return text


class HistoryPage(Page):
    """How much of the history is kept, and what helps when something goes wrong."""

    def __init__(self, open_log: Callable[[], None], doctor: Callable[[], None]) -> None:
        super().__init__()
        self._days = Number(0, 36_500)
        self._gigabytes = Number(0, 10_000, digits=1)
        made = grid()
        row(made, 0, _("_Keep results for (days)"), self._days)
        row(made, 1, _("Keep results _up to (gigabytes)"), self._gigabytes)
        text = paragraph(_("0 means: no limit. The oldest results are deleted first."), small=True, width=_WIDE)
        self.group(_("History"), _column(made, text, spacing=NEAR))
        buttons = Gtk.Box(spacing=NEAR)
        buttons.add(button(_("Open _Log"), open_log, _("What the bridge did; no prompt and no key is in it")))
        buttons.add(button(_("_Doctor…"), doctor, _("Checks whether everything works here; spends nothing")))
        text = paragraph(
            _("The doctor checks the installation, and connects to the service address without sending anything."),
            small=True,
            width=_WIDE,
        )
        self.group(_("When something goes wrong"), _column(buttons, text, spacing=NEAR))

    def fill(self, preferences: Preferences) -> None:
        """Shows these."""
        self._days.show_number(preferences.history_days)
        self._gigabytes.show_number(preferences.history_gigabytes)

    def read(self, before: Preferences) -> Preferences:
        """`before` with what is set here."""
        days, gigabytes = round(self._days.number()), self._gigabytes.number()
        return replace(before, history_days=days, history_gigabytes=gigabytes)


class Number(Gtk.SpinButton):
    """A number. One that is not touched is not rounded, either: a file may hold more decimals than are shown."""

    def __init__(self, least: float, most: float, digits: int = 0) -> None:
        super().__init__(numeric=True, activates_default=True, width_chars=8, halign=Gtk.Align.START)
        self._digits = digits
        self._given = self._shown = least
        self.set_adjustment(Gtk.Adjustment(lower=least, upper=most, step_increment=10.0**-digits, page_increment=10))

    def show_number(self, value: float) -> None:
        """Shows it, with two decimals where that is needed."""
        self.set_digits(self._digits if round(value, self._digits) == value else 2)
        self.set_value(value)
        self.update()
        self._given, self._shown = value, float(self.get_value())

    def number(self) -> float:
        """What is typed, too, when the focus is still in it."""
        self.update()
        value = float(self.get_value())
        return self._given if value == self._shown else value


def _secret(entered: Callable[[], object]) -> Gtk.Entry:
    entry = Gtk.Entry(visibility=False, input_purpose=Gtk.InputPurpose.PASSWORD)
    entry.connect("activate", lambda _entry: later(entered))
    return entry


def _column(*widgets: Gtk.Widget, spacing: int) -> Gtk.Box:
    column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing)
    for widget in widgets:
        column.pack_start(widget, False, False, 0)
    return column


def _state_of(report: SettingsReport) -> str:
    """Which key there is, and where."""
    texts = {
        "environment": _("Key {hint} is in the environment variable PHOTIO_API_KEY."),
        "keyring": _("Key {hint} is in the system's keyring."),
        "file": _("Key {hint} is in a file that only you can read."),
    }
    if report.key_place in texts:
        if report.key_hint is None:
            return _("There is an API key, which cannot be used now.")
        return texts[report.key_place].format(hint=report.key_hint)
    wanted = report.preferences
    if wanted.engine == "photio" or (wanted.engine == "auto" and wanted.origin != report.defaults.origin):
        return _("There is no API key.")  # a service of one's own may need none
    return _("There is no API key: the offline engine on this computer is used, which can only remove things.")


def _privacy(address: str) -> str:
    return "\n".join(
        (
            _(
                "With Photio, the part of the image that holds the selection, scaled, its mask and the parameters go "
                "to {address} each time you generate."
            ).format(address=address),
            _("With the offline engine, nothing leaves it."),
            _("The test of the key and the doctor connect to the service address, without a picture."),
        )
    )
