"""Starts the process that sets Photio up, and hears what it says. No threads: GLib's main loop reads its lines."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable

from gi.repository import Gio, GLib

import desktop_proxy
import early
from bridge.common import systems
from bridge.common.i18n import _
from windows.setup.messages import Done, Failed, Message, Stopped, decode

#: A host that the set-up may fetch from. Most desktops name the same proxy for all hosts.
_HOST = "github.com"

#: So many lines are kept of what programs printed, for the details of a failure.
_KEPT = 60


class SetupProcess:
    """One attempt. Its last message is `Done`, `Failed` or `Stopped`.

    The process removes what is half-made when its standard input ends: after `cancel`, or when this process ends.
    """

    def __init__(self, neural: bool, hear: Callable[[Message], None]) -> None:
        """Starts the process. Runs the main loop until the desktop has said which proxy to use.

        Args:
            neural: MI-GAN is added.
            hear: called from the main loop with each message.

        Raises:
            GLib.Error: it cannot be started.
        """
        flags = Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE | Gio.SubprocessFlags.STDERR_MERGE
        launcher = Gio.SubprocessLauncher.new(flags)
        for name in systems.FOREIGN_VARIABLES:
            launcher.unsetenv(name)
        for name, value in desktop_proxy.variables(_HOST).items():
            launcher.setenv(name, value, True)
        process = launcher.spawnv(early.setup_command(neural))
        self._hear = hear
        self._stdin = process.get_stdin_pipe()
        self._lines = Gio.DataInputStream.new(process.get_stdout_pipe())
        self._printed: deque[str] = deque(maxlen=_KEPT)
        self._cancelled = self._ended = False
        self._read_next_line()

    def go(self) -> None:
        """Lets it do what its plan says."""
        with contextlib.suppress(GLib.Error):  # it has ended, which is also read from it
            self._stdin.write_all(b"go\n", None)
            self._stdin.flush(None)

    def cancel(self) -> None:
        """Makes it stop and remove what is half-made; `Stopped` comes when it has done so."""
        self._cancelled = True
        with contextlib.suppress(GLib.Error):
            self._stdin.close(None)

    def _read_next_line(self) -> None:
        self._lines.read_line_async(GLib.PRIORITY_DEFAULT, None, self._on_line)

    def _on_line(self, stream: Gio.DataInputStream, result: Gio.AsyncResult) -> None:
        try:
            line, _length = stream.read_line_finish(result)
        except GLib.Error:
            line = None
        if line is None:
            self._end(self._last())
            return
        self._read_next_line()  # before the callback: an exception in it must not stop the reading
        text = line.decode(errors="replace")
        message = decode(text)
        if message is None:
            self._printed.append(text)
        elif isinstance(message, Done | Failed):
            self._end(Stopped() if self._cancelled else message)
        elif not self._cancelled:
            self._hear(message)

    def _last(self) -> Message:
        """What it means that the process has ended without a word."""
        if self._cancelled:
            return Stopped()
        return Failed("other", _("The set-up ended unexpectedly."), "\n".join(self._printed))

    def _end(self, message: Message) -> None:
        if not self._ended:
            self._ended = True
            self._hear(message)
