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
_AT_ONCE = 4096  # bytes


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
        self._stdout = process.get_stdout_pipe()
        self._begun = b""  # a line that has not ended yet
        self._printed: deque[str] = deque(maxlen=_KEPT)
        self._cancelled = self._ended = False
        self._read()

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

    def _read(self) -> None:
        self._stdout.read_bytes_async(_AT_ONCE, GLib.PRIORITY_DEFAULT, None, self._on_bytes)

    def _on_bytes(self, stream: Gio.InputStream, result: Gio.AsyncResult) -> None:
        """Not by lines, as the bridge's: GLib gives the same for an empty line and for the end."""
        try:
            read = stream.read_bytes_finish(result).get_data()
        except GLib.Error:
            read = None
        if not read:
            self._end(self._last())
            return
        self._read()  # before the callbacks: an exception in one of them must not stop the reading
        *lines, self._begun = (self._begun + read).split(b"\n")
        for line in lines:
            self._on_line(line.decode(errors="replace"))

    def _on_line(self, line: str) -> None:
        message = decode(line)
        if message is None:
            self._printed.append(line)
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
