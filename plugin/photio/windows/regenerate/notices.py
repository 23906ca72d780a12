"""What the notice at the top of *Regenerate…* says, and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.common.i18n import _, ngettext
from bridge.protocol.settings import SettingsReport
from bridge_process import BridgeCancelled, BridgeError
from canvas import reading
from windows import parts
from windows.parts import GLib, Gtk
from windows.regenerate.errors import cancelled, helps_for


@dataclass(frozen=True)
class Actions:
    """What the buttons do that are not the notice's own matter."""

    generate: Callable[[], None]
    generate_offline: Callable[[], None]
    enter_key: Callable[[], None]


class Notices(parts.Notice):
    """A notice that knows which buttons help against which error.

    Args:
        removes: whether the prompt is empty, so that the offline engine could do the job.
        keyless: what is said where there is no key.
    """

    def __init__(self, actions: Actions, removes: Callable[[], bool], keyless: str) -> None:
        super().__init__()
        self._window_actions, self._removes, self._keyless = actions, removes, keyless
        self.report: SettingsReport | None = None  # set when the bridge has sent it; it says where the log is

    def greet(self, report: SettingsReport, unclaimed: int) -> None:
        """Shows what the user should know when the window opens: unclaimed results, or that there is no key."""
        if unclaimed:
            text = ngettext(
                "{count} result that was paid for has never been inserted: it is in Filters > Photio > History.",
                "{count} results that were paid for have never been inserted: they are in Filters > Photio > History.",
                unclaimed,
            )
            self.show_text(text.format(count=unclaimed))
        elif report.key_place is None and report.preferences.origin == report.defaults.origin:
            self.show_text(self._keyless, Gtk.MessageType.INFO, (_("Enter _Key…"), self._window_actions.enter_key))

    def show_failure(self, error: BridgeError) -> None:
        """The history was not brought up to date. Without buttons: generating again would cost again."""
        self.show_text(str(error), Gtk.MessageType.WARNING)

    def show_error(self, error: Exception) -> None:
        """Shows a `BridgeError`, `Refusal` or `OSError`. One from the bridge gets the buttons that help."""
        if isinstance(error, BridgeCancelled):
            self.show_text(cancelled(error.may_be_billed))
        elif isinstance(error, BridgeError):
            buttons = {
                "key": (_("Enter _Key…"), self._window_actions.enter_key),
                "again": (_("_Try Again"), self._window_actions.generate),
                "offline": (_("_Use Offline Engine"), self._window_actions.generate_offline),
                "log": (_("Open _Log"), self._open_log),
            }
            helps = [buttons[name] for name in helps_for(error.code, self._removes())]
            self.show_text(str(error), Gtk.MessageType.ERROR, *helps)
        elif isinstance(error, OSError):
            self.show_text(reading.unreadable(error), Gtk.MessageType.ERROR)
        else:
            self.show_text(str(error), Gtk.MessageType.WARNING)

    def _open_log(self) -> None:
        if self.report:
            try:
                parts.open_file(self.report.log_file)
            except GLib.Error:  # no program opens it: say at least where it is
                self.show_text(_("The log is “{file}”.").format(file=self.report.log_file))
