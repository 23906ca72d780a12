"""The settings window's page on the API key and privacy. It only shows values and calls functions."""

from __future__ import annotations

from collections.abc import Callable

from bridge.common.i18n import _
from bridge.protocol.settings import SettingsReport
from windows.parts import NEAR, GimpUi, GLib, Gtk, button, later, named, open_uri, paragraph
from windows.settings.pages import WIDE, Page, column

DASHBOARD = "https://photio.io"


class KeyPage(Page):
    """The key, and what leaves this computer.

    Args:
        store, test, forget: called by the buttons; Enter in the field calls `store`, too.
        on_error: called with a sentence when no web browser could be opened.
    """

    def __init__(
        self,
        store: Callable[[], object],
        test: Callable[[], None],
        forget: Callable[[], None],
        on_error: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._on_error = on_error
        self._state = paragraph(width=WIDE)
        self._place = paragraph(small=True, width=WIDE)
        self._tested = paragraph(small=True, width=WIDE)
        self._privacy = paragraph(width=WIDE)
        self._forget = button(_("_Forget"), forget, _("Removes the stored key from this computer"))
        self._entry = _secret(store)
        buttons = Gtk.Box(spacing=NEAR)
        buttons.add(button(_("_Store"), store, _("Keeps the typed key, in place of the one before")))
        buttons.add(button(_("_Test"), test, _("Shows the key to the service; should cost nothing")))
        buttons.add(self._forget)
        content = column(self._state, self._entry_row(), self._place, buttons, self._tested, self._link(), spacing=NEAR)
        self.group(_("API key"), content)
        self.group(_("What leaves this computer"), self._privacy)

    def fill(self, report: SettingsReport) -> None:
        """Shows which key is stored, and where."""
        state = _state_of(report)
        self._state.set_text(state)
        named(self._state, state)
        self._forget.set_sensitive(report.key_place is not None)
        if report.keyring is None:
            self._place.set_text(_("Asking the system's keyring…"))
        elif report.keyring:
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

    def clear(self) -> None:
        """Clears the field."""
        self._entry.set_text("")

    @property
    def typed(self) -> str:
        """The text in the field, without blanks that were pasted with it."""
        return str(self._entry.get_text()).strip()

    def focus(self) -> None:
        """Focuses the field."""
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
            self._on_error(_("No web browser could be opened: go to {address} yourself.").format(address=DASHBOARD))
        return True  # GTK need not open it


def _secret(entered: Callable[[], object]) -> Gtk.Entry:
    entry = Gtk.Entry(visibility=False, input_purpose=Gtk.InputPurpose.PASSWORD)
    entry.connect("activate", lambda _entry: later(entered))
    return entry


def _state_of(report: SettingsReport) -> str:
    """The sentence about which key is stored, and where."""
    texts = {
        "environment": _("Key {hint} is in the environment variable PHOTIO_API_KEY."),
        "keyring": _("Key {hint} is in the system's keyring."),
        "file": _("Key {hint} is in a file that only you can read."),
    }
    if report.key_place in texts:
        if report.key_hint is None and report.keyring is None:
            return _("There is an API key in the system's keyring.")
        if report.key_hint is None:
            return _("There is an API key, which cannot be used now.")
        return texts[report.key_place].format(hint=report.key_hint)
    chosen = report.preferences
    if chosen.engine == "photio" or (chosen.engine == "auto" and chosen.origin != report.defaults.origin):
        return _("There is no API key.")  # another service may need none
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
