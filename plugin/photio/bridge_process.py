"""Starts the bridge, talks to it and ends it. No threads: its lines arrive on the GLib main loop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from gi.repository import Gio, GLib

import early
from bridge.protocol import Cancelled, Failed, Message, Progress, ProtocolError, Received, decode, encode
from bridge.words import _

Answer = TypeVar("Answer")


class BridgeError(Exception):
    """The job failed; the text is one sentence for the user. `code` is the bridge's word for it."""

    def __init__(self, sentence: str, code: str = "bridge") -> None:
        super().__init__(sentence)
        self.code = code


class BridgeCancelled(BridgeError):
    """The user did not want to wait. `may_be_billed`: a request was sent; its result will be in the history."""

    def __init__(self, may_be_billed: bool) -> None:
        super().__init__(_("Cancelled."), "cancelled")
        self.may_be_billed = may_be_billed


class Bridge:
    """One bridge process. It ends when its standard input closes: with `close`, or with us."""

    def __init__(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        """Starts the process.

        Raises:
            BridgeError: it cannot be started.
        """
        self._on_progress = on_progress
        self._process = _early() or _spawned()
        self._stdin = self._process.stdin
        self._lines = Gio.DataInputStream.new(self._process.stdout)

    def send(self, message: Message) -> None:
        """Sends a message that has no answer."""
        try:
            self._stdin.write_all(encode(message), None)
        except GLib.Error as error:
            raise BridgeError(_GONE) from error

    def ask(self, message: Message, answer: type[Answer]) -> Answer:
        """Sends a message and waits for `answer`, with GIMP's main loop running.

        Raises:
            BridgeError: the bridge says that it failed, or is gone.
        """
        self.send(message)
        loop, outcome = GLib.MainLoop(), []

        def read(stream: Gio.DataInputStream, result: Gio.AsyncResult) -> None:
            try:
                line, _length = stream.read_line_finish(result)
                received = decode(line) if line is not None else None
            except (GLib.Error, ProtocolError):
                received = None
            if not isinstance(received, Progress | Received):
                outcome.append(received)
                loop.quit()
                return
            self._lines.read_line_async(GLib.PRIORITY_DEFAULT, None, read)
            if isinstance(received, Progress):  # last: an error in showing it must not keep the answer from us
                self._on_progress(received)

        self._lines.read_line_async(GLib.PRIORITY_DEFAULT, None, read)
        loop.run()
        return _expected(outcome[0], answer)

    def mention(self, message: Message) -> None:
        """Sends a message that may get lost: when the layer is in the image, a bridge that died is no failure."""
        with contextlib.suppress(BridgeError):
            self.send(message)

    def abandon(self) -> None:
        """Ends the bridge at once, whatever it does: only where nothing can have been paid for."""
        self._process.kill()

    def close(self) -> None:
        """Ends the bridge; what it was paid for, it still puts into the journal."""
        self._stdin.close(None)


_GONE = _(
    "Photio's bridge ended unexpectedly. What it had received is kept; run “python3 install.py --doctor” to see why."
)


def _expected(received: Message | None, answer: type[Answer]) -> Answer:
    if isinstance(received, answer):
        return received
    if isinstance(received, Failed):
        raise BridgeError(received.sentence, received.code)
    if isinstance(received, Cancelled):
        raise BridgeCancelled(received.may_be_billed)
    raise BridgeError(_GONE)


class _Process(NamedTuple):
    """A running bridge: both ends of its pipes that are ours, and what ends it at once."""

    stdin: Gio.OutputStream
    stdout: Gio.InputStream
    kill: Callable[[], None]


def _early() -> _Process | None:
    """The one that was started while GIMP's libraries were loaded, if it was."""
    running = early.taken()
    if running is None:
        return None
    ours = []
    for pipe in (running.stdin, running.stdout):
        assert pipe is not None
        ours.append(os.dup(pipe.fileno()))  # from now on they are closed by these streams alone
        pipe.close()
    return _Process(Gio.UnixOutputStream.new(ours[0], True), Gio.UnixInputStream.new(ours[1], True), running.kill)


def _spawned() -> _Process:
    """Another one.

    Raises:
        BridgeError: it cannot be started.
    """
    try:
        command = early.command()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BridgeError(_("Photio is not completely installed: run “python3 install.py” again.")) from error
    launcher = Gio.SubprocessLauncher.new(Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE)
    for name in early.FOREIGN_VARIABLES:
        launcher.unsetenv(name)
    for name, value in early.KEEPING_MEMORY.items():
        launcher.setenv(name, value, True)
    try:
        process = launcher.spawnv(command)
    except GLib.Error as error:
        raise BridgeError(
            _("Photio's bridge cannot be started ({reason}): run “python3 install.py” again.").format(
                reason=error.message
            )
        ) from error
    return _Process(process.get_stdin_pipe(), process.get_stdout_pipe(), process.force_exit)
