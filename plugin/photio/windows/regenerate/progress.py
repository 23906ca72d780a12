"""The progress of a job: a bar, the stage of each request, and a button that cancels."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.common.i18n import _
from bridge.protocol import Progress, RequestProgress
from windows import parts
from windows.parts import GLib, Gtk, Pango

#: Milliseconds between two updates of the seconds shown.
_TICK = 500


class ProgressPane(Gtk.Box):
    """Hidden unless a job runs."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR, no_show_all=True)
        self._bar = Gtk.ProgressBar(show_text=True, ellipsize=Pango.EllipsizeMode.END, hexpand=True)
        self._requests = parts.paragraph()
        self._cancel = parts.button(_("_Cancel"), cancel)
        self._progress: Progress | None = None
        self._since: dict[int, float] = {}  # the time when a request began to wait, by its index
        self._timer = 0
        row = Gtk.Box(spacing=parts.APART)
        row.pack_start(self._bar, True, True, 0)
        row.pack_end(self._cancel, False, False, 0)
        row.show_all()
        self._requests.set_no_show_all(True)
        self.add(row)
        self.add(self._requests)
        parts.named(self._bar, _("Progress"))

    def begin(self, text: str) -> None:
        """Shows an empty bar."""
        self._progress = None
        self._since.clear()
        self._cancel.set_sensitive(True)
        self._requests.hide()
        self._bar.set_fraction(0)
        self._say(text)
        self.show()
        self._cancel.grab_focus()
        self._timer = self._timer or GLib.timeout_add(_TICK, self._tick)

    def update(self, progress: Progress) -> None:
        """Shows the progress, unless the job has ended."""
        if not self.get_visible():
            return
        self._progress = progress
        for number, request in enumerate(progress.requests):
            if request.stage == "waiting":
                self._since.setdefault(number, time.monotonic())
        self._draw()

    def cancelling(self) -> None:
        """The user has pressed the button."""
        self._cancel.set_sensitive(False)
        self._say(_("Cancelling…"))

    def end(self) -> None:
        """Hides it."""
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
        self.hide()

    def _tick(self) -> bool:
        self._draw()
        return True

    def _draw(self) -> None:
        progress = self._progress
        if progress is None or not self._cancel.get_sensitive():
            return
        self._bar.set_fraction(progress.fraction)
        stages = [self._stage(number, request) for number, request in enumerate(progress.requests)]
        if len(stages) == 1 and progress.requests[0].stage == "waiting":
            self._say(f"{progress.text} {self._seconds(0)}")
        else:
            self._say(progress.text)
        if len(stages) > 1:
            lines = [
                _("Request {number}: {stage}").format(number=number, stage=stage)
                for number, stage in enumerate(stages, 1)
            ]
            self._requests.set_text("\n".join(lines))
            self._requests.show()

    def _say(self, text: str) -> None:
        """Shows a text in the bar. GTK does not pass it to screen readers, so this does."""
        self._bar.set_text(text)
        self._bar.get_accessible().set_description(text)

    def _seconds(self, number: int) -> str:
        waited = time.monotonic() - self._since.get(number, time.monotonic())
        return _("{seconds} s").format(seconds=int(waited))

    def _stage(self, number: int, request: RequestProgress) -> str:
        texts = {
            "keyring": _("waiting for the keyring"),
            "queued": _("after the earlier ones"),
            "preparing": _("preparing"),
            "connecting": _("connecting"),
            "uploading": _("uploading, {done} of {total}"),
            "waiting": _("waiting, {seconds}"),
            "receiving": _("receiving, {done}"),
            "finishing": _("finishing"),
            "done": _("done"),
            "failed": _("failed"),
        }
        return texts.get(request.stage, "").format(
            done=GLib.format_size(request.done),
            total=GLib.format_size(request.total),
            seconds=self._seconds(number),
        )
