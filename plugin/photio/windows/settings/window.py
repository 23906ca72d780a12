"""The window of *Settings…*. OK stores the changes; only the key has buttons of its own, which act at once."""

from __future__ import annotations

from pathlib import Path

from bridge.common import core_dumps
from bridge.common.i18n import _
from bridge.protocol.settings import (
    AskDoctor,
    AskSettings,
    ChangeSettings,
    DoctorReport,
    ForgetKey,
    KeyTested,
    Preferences,
    SettingsReport,
    StoreKey,
    TryKey,
)
from bridge_process import Bridge, BridgeError
from windows import parts, setup
from windows.parts import GimpUi, GLib, Gtk, Notice, named
from windows.settings import doctor
from windows.settings.conversation import Conversation
from windows.settings.key_page import KeyPage
from windows.settings.pages import HistoryPage, WorkPage

_RESET = 1
_WORK_PAGE = 1


def show(parent: Gtk.Window | None = None) -> bool:
    """Shows the window until it is closed. Returns whether something was installed meanwhile: only a new bridge has it.

    Args:
        parent: the window it belongs to; None: GIMP's own.

    Raises:
        BridgeError: the bridge cannot be started or cannot read the settings, or only a set-up helps.
    """
    core_dumps.forbid()  # before the key is typed
    parts.start()
    first = Bridge()
    try:
        window = SettingsWindow(first, first.ask(AskSettings(with_keyring=False), SettingsReport), parent)
    except BridgeError:
        first.close()
        raise
    return window.run()


class SettingsWindow:
    """The window while it is open. Asking the bridge runs the main loop: meanwhile only Cancel can be pressed."""

    def __init__(self, bridge: Bridge, report: SettingsReport, parent: Gtk.Window | None) -> None:
        self._bridge = Conversation(bridge, self._allow, self._on_error)
        self._report = report
        self._broken: BridgeError | None = None
        self._focus: Gtk.Widget | None = None
        self._loop = GLib.MainLoop()
        self._closed = False
        self._notice = Notice()
        self._key = KeyPage(self._store, self._test, self._forget, self._warn)
        self._work = WorkPage(self._add_neural)
        self._history = HistoryPage(self._open_log, self._examine)
        self._book = self._pages()
        self._dialog = _dialog(parent)
        for widget, fills in ((self._notice, False), (self._book, True)):
            self._dialog.get_content_area().pack_start(widget, fills, fills, 0)
        self._dialog.connect("response", lambda _dialog, response: parts.later(lambda: self._respond(response)))
        self._key.fill(report)
        self._work.allow_neural(report.neural)
        self._fill(report.preferences)
        self._show_text(*report.remarks)

    def run(self) -> bool:
        """Shows it until it is closed. Returns whether something was installed meanwhile.

        Raises:
            BridgeError: only a set-up helps.
        """
        self._dialog.show_all()
        self._key.focus()
        parts.later(self._look_into_keyring)
        self._loop.run()
        self._dialog.destroy()
        if self._broken:
            raise self._broken
        return self._bridge.replaced

    def _pages(self) -> Gtk.Notebook:
        book = Gtk.Notebook()
        for page, label in (
            (self._key, _("_API Key")),
            (self._work, _("_Engine and Service")),
            (self._history, _("_History and Help")),
        ):
            book.append_page(page, Gtk.Label(label=label, use_underline=True))
            named(page, label)
        return named(book, _("Settings"))

    # What the buttons do

    def _respond(self, response: int) -> None:
        if response == _RESET:
            self._fill(self._report.defaults)
            self._show_text(_("These are the defaults: OK keeps them. The API key stays."))
        elif response != Gtk.ResponseType.OK or (not self._bridge.asking and self._keep()):
            self._close()

    def _close(self) -> None:
        self._closed = True
        self._dialog.hide()
        self._bridge.close()
        self._loop.quit()

    def _keep(self) -> bool:
        """Stores everything, including a typed key. Returns whether that succeeded."""
        if self._key.typed and not self._store():
            return False
        changed = self._history.read(self._work.read(self._report.preferences))
        if changed == self._report.preferences:
            return True
        report = self._bridge.ask(ChangeSettings(changed), SettingsReport)
        if report is None and not self._closed:
            self._book.set_current_page(_WORK_PAGE)
            self._work.focus()
        return report is not None

    def _store(self) -> bool:
        if not self._key.typed:
            self._warn(_("Type or paste a key first."))
            return False
        return self._take(self._bridge.ask(StoreKey(self._key.typed), SettingsReport), _("The key is stored."))

    def _forget(self) -> None:
        forgotten = self._take(self._bridge.ask(ForgetKey(), SettingsReport), _("The key is forgotten."))
        if not forgotten and not self._closed:
            self._look_into_keyring()  # a part may have succeeded; the notice says which

    def _take(self, report: SettingsReport | None, done: str) -> bool:
        """Shows the new state of the key. Changes on the other pages stay as they are, unsaved."""
        if report is None:
            return False
        self._report = report
        self._key.fill(report)
        self._key.clear()
        self._key.focus()
        self._show_text(done, *report.remarks)
        return True

    def _test(self) -> None:
        self._show_text(_("The service is asked…"))
        if tested := self._bridge.ask(TryKey(self._key.typed), KeyTested, self._report.preferences.origin):
            self._notice.show_text(
                tested.sentence, Gtk.MessageType.INFO if tested.accepted else Gtk.MessageType.WARNING
            )

    def _open_log(self) -> None:
        path = self._report.log_file
        if not Path(path).exists():
            self._show_text(_("There is no log yet: nothing was done so far."))
            return
        try:
            parts.open_file(path)
        except GLib.Error:
            self._warn(_("No program could be found that opens the log: it is “{file}”.").format(file=path))

    def _examine(self) -> None:
        self._show_text(_("The doctor looks at everything…"))
        if found := self._bridge.ask(AskDoctor(), DoctorReport, self._report.preferences.origin):
            self._notice.clear()
            doctor.show(found, self._dialog)

    def _add_neural(self) -> None:
        """Adds MI-GAN. The bridge that runs cannot use it, so another one takes its place."""
        from windows.setup import window

        if self._bridge.asking or not window.show(self._dialog, neural=True) or not self._bridge.replace_bridge():
            return
        if report := self._bridge.ask(AskSettings(with_keyring=False), SettingsReport):
            self._work.allow_neural(report.neural)
            self._work.focus_neural()
            self._show_text(_("MI-GAN is installed: Texture uses it from now on."))

    # The bridge

    def _look_into_keyring(self) -> None:
        """Shows what the keyring says of the key."""
        before = self._report
        report = self._bridge.ask_in_background(AskSettings(), SettingsReport)
        if report and self._report is before:  # else the key was stored or forgotten meanwhile
            self._report = report
            self._key.fill(report)
            if new := [remark for remark in report.remarks if remark not in before.remarks]:
                self._show_text(*filter(None, (self._notice.text, *new)))

    def _allow(self, usable: bool) -> None:
        """Lets the user do more than close the window."""
        if not usable:
            self._focus = self._dialog.get_focus()
        self._book.set_sensitive(usable)
        for response in (_RESET, Gtk.ResponseType.OK):
            self._dialog.set_response_sensitive(response, usable)
        if usable and self._focus:
            self._focus.grab_focus()

    def _on_error(self, error: BridgeError) -> None:
        self._warn(str(error))
        if error.code in setup.HELPS:
            self._broken = error  # who opened the window sets Photio up, and opens it again
            self._close()

    def _fill(self, preferences: Preferences) -> None:
        self._work.fill(preferences)
        self._history.fill(preferences)

    def _show_text(self, *sentences: str) -> None:
        if sentences:
            self._notice.show_text(" ".join(sentences))

    def _warn(self, sentence: str) -> None:
        self._notice.show_text(sentence, Gtk.MessageType.WARNING)


def _dialog(parent: Gtk.Window | None) -> GimpUi.Dialog:
    """The empty window with its buttons."""
    dialog = parts.dialog(_("Photio Settings"), "photio-settings")
    for label, response in (
        (_("_Reset to Defaults"), _RESET),
        (_("_Cancel"), Gtk.ResponseType.CANCEL),
        (_("_OK"), Gtk.ResponseType.OK),
    ):
        named(dialog.add_button(label, response), label)
    dialog.set_alternative_button_order_from_array([_RESET, Gtk.ResponseType.OK, Gtk.ResponseType.CANCEL])
    dialog.set_default_response(Gtk.ResponseType.OK)
    parts.belong(dialog, parent)
    return dialog
