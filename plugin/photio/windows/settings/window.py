"""The window of *Settings…*. OK stores the changes; only the key has buttons of its own, which act at once."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import desktop_proxy
from bridge.common import core_dumps
from bridge.common.i18n import _
from bridge.protocol import Message
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
from windows import parts
from windows.parts import Gdk, GimpUi, GLib, Gtk, Notice, named
from windows.settings.key_page import KeyPage
from windows.settings.pages import HistoryPage, WorkPage

Answer = TypeVar("Answer")

_RESET, _COPY = 1, 2
_WORK_PAGE = 1


def show(parent: Gtk.Window | None = None) -> None:
    """Shows the window until it is closed.

    Args:
        parent: the window it belongs to; None: GIMP's own.

    Raises:
        BridgeError: the bridge cannot be started, or cannot read the settings.
    """
    core_dumps.forbid()  # before the key is typed
    parts.start()
    bridge = Bridge()
    try:
        SettingsWindow(bridge, bridge.ask(AskSettings(with_keyring=False), SettingsReport), parent).run()
    finally:
        bridge.close()


class SettingsWindow:
    """The window while it is open. Asking the bridge runs the main loop: meanwhile only Cancel can be pressed."""

    def __init__(self, bridge: Bridge, report: SettingsReport, parent: Gtk.Window | None) -> None:
        self._bridge = bridge
        self._report = report
        self._loop = GLib.MainLoop()
        self._asking = self._closed = self._looking = False
        self._notice = Notice()
        self._key = KeyPage(self._store, self._test, self._forget, self._warn)
        self._work = WorkPage()
        self._history = HistoryPage(self._open_log, self._examine)
        self._book = self._pages()
        self._dialog = _dialog(parent)
        for widget, fills in ((self._notice, False), (self._book, True)):
            self._dialog.get_content_area().pack_start(widget, fills, fills, 0)
        self._dialog.connect("response", lambda _dialog, response: parts.later(lambda: self._respond(response)))
        self._key.fill(report)
        self._fill(report.preferences)
        self._show_text(*report.remarks)

    def run(self) -> None:
        """Shows it until it is closed."""
        self._dialog.show_all()
        self._key.focus()
        parts.later(self._look_into_keyring)
        self._loop.run()
        self._dialog.destroy()

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
        elif response != Gtk.ResponseType.OK or (not self._asking and self._keep()):
            self._close()

    def _close(self) -> None:
        self._closed = True
        self._dialog.hide()
        if self._asking or self._looking:  # nobody waits for the answer any more, and nothing here costs money
            self._bridge.kill()
        self._loop.quit()

    def _keep(self) -> bool:
        """Stores everything, including a typed key. Returns whether that succeeded."""
        if self._key.typed and not self._store():
            return False
        changed = self._history.read(self._work.read(self._report.preferences))
        if changed == self._report.preferences:
            return True
        report = self._ask(ChangeSettings(changed), SettingsReport)
        if report is None and not self._closed:
            self._book.set_current_page(_WORK_PAGE)
            self._work.focus()
        return report is not None

    def _store(self) -> bool:
        if not self._key.typed:
            self._warn(_("Type or paste a key first."))
            return False
        return self._take(self._ask(StoreKey(self._key.typed), SettingsReport), _("The key is stored."))

    def _forget(self) -> None:
        forgotten = self._take(self._ask(ForgetKey(), SettingsReport), _("The key is forgotten."))
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
        if tested := self._ask(TryKey(self._key.typed), KeyTested, connects=True):
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
        if found := self._ask(AskDoctor(), DoctorReport, connects=True):
            self._notice.clear()
            _show_report(found, self._dialog)

    # The bridge

    def _look_into_keyring(self) -> None:
        """Shows what the keyring says of the key. It may take its time: meanwhile the window can be used."""
        if self._looking:
            return
        before, self._looking = self._report, True
        try:
            report = self._bridge.ask(AskSettings(), SettingsReport)
        except BridgeError as error:
            if not self._closed:
                self._warn(str(error))
            return
        finally:
            self._looking = False
        if self._report is before and not self._closed:  # else the key was stored or forgotten meanwhile
            self._report = report
            self._key.fill(report)
            if new := [remark for remark in report.remarks if remark not in before.remarks]:
                self._show_text(*filter(None, (self._notice.text, *new)))

    def _ask(self, message: Message, answer: type[Answer], connects: bool = False) -> Answer | None:
        """The bridge's answer. None after an error, which the notice shows, or when the window has been closed.

        Args:
            connects: the bridge connects to the service, to which a proxy may lead.
        """
        if self._asking:
            return None
        focus = self._dialog.get_focus()
        self._set_usable(False)
        try:
            if connects:
                desktop_proxy.tell(self._bridge, self._report.preferences.origin)
            received = self._bridge.ask(message, answer)
        except BridgeError as error:
            received = None
            if not self._closed:
                self._warn(str(error))
        self._asking = False
        if self._closed:
            return None
        self._set_usable(True)
        if focus:
            focus.grab_focus()
        return received

    def _set_usable(self, usable: bool) -> None:
        self._asking = not usable
        self._book.set_sensitive(usable)
        for response in (_RESET, Gtk.ResponseType.OK):
            self._dialog.set_response_sensitive(response, usable)

    def _fill(self, preferences: Preferences) -> None:
        self._work.fill(preferences, self._report.neural)
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
    _belong(dialog, parent)
    return dialog


def _belong(dialog: Gtk.Window, parent: Gtk.Window | None) -> None:
    if parent:
        dialog.set_transient_for(parent)
        dialog.set_modal(True)
    else:
        GimpUi.window_set_transient(dialog)


def _show_report(report: DoctorReport, parent: Gtk.Window) -> None:
    """The doctor's table, until it is closed."""
    dialog = parts.dialog(_("Photio Doctor"), "photio-doctor")
    _belong(dialog, parent)
    for label, response in ((_("_Copy"), _COPY), (_("C_lose"), Gtk.ResponseType.CLOSE)):
        named(dialog.add_button(label, response), label)
    dialog.set_default_response(Gtk.ResponseType.CLOSE)
    text = _("Everything that is needed works.") if report.healthy else _("Something must be put right: see below.")
    dialog.get_content_area().pack_start(parts.paragraph(text), False, False, 0)
    view = Gtk.TextView(
        editable=False, cursor_visible=False, monospace=True, accepts_tab=False, left_margin=6, right_margin=6
    )
    view.get_buffer().set_text(report.text)
    view.set_wrap_mode(Gtk.WrapMode.WORD_CHAR)  # long paths differ at their ends
    named(view, _("The doctor's report"))
    scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN, expand=True)
    scrolled.set_min_content_width(640)
    scrolled.set_min_content_height(320)
    scrolled.add(view)
    dialog.get_content_area().pack_start(scrolled, True, True, 0)
    dialog.show_all()
    while dialog.run() == _COPY:
        clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        clipboard.set_text(report.text, -1)
        clipboard.store()  # this process may have ended when it is pasted
    dialog.destroy()
