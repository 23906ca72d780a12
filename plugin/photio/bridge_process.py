"""Starts the bridge process, exchanges messages with it and ends it. No threads: GLib's main loop reads its lines."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gi.repository import Gio, GLib

import early
from bridge.common import systems
from bridge.common.i18n import _
from bridge.protocol import (
    Cancel,
    Cancelled,
    Failed,
    Message,
    Progress,
    ProtocolError,
    Received,
    Run,
    decode,
    encode,
)

if TYPE_CHECKING:
    import logging

Answer = TypeVar("Answer")


class BridgeError(Exception):
    """The text is one sentence for the user. `code` says which kind of error it is.

    "bridge": the process has ended. "setup": this GIMP has no environment for it yet. "damaged": it cannot work with
    the packages that it finds. After the latter two, `windows.setup` helps.
    """

    def __init__(self, sentence: str, code: str = "bridge") -> None:
        super().__init__(sentence)
        self.code = code


class BridgeCancelled(BridgeError):
    """The user cancelled the job. `may_be_billed`: a request was sent; its result will be in the history."""

    def __init__(self, may_be_billed: bool) -> None:
        super().__init__(_("Cancelled."), "cancelled")
        self.may_be_billed = may_be_billed


@dataclass
class Pending:
    """A message whose answer somebody waits for. `answer` stays None if the bridge ends before it answers."""

    message: Message
    answer: Message | None = None
    done: bool = False


class Bridge:
    """One bridge process. It ends when `close` closes its standard input, or when this process ends.

    `ask` runs GLib's main loop until its answer has come. Callbacks that run meanwhile may ask, too: so several
    messages can be pending at a time. Each message has a number, and each answer has the number of its message.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        on_failure: Callable[[BridgeError], None] = lambda error: None,
    ) -> None:
        """Starts the process.

        Args:
            on_progress: called with the progress of a job that `ask` waits for.
            on_failure: called when the bridge could not carry out a notification.

        Raises:
            BridgeError: it cannot be started.
        """
        self._on_progress, self._on_failure = on_progress, on_failure
        self._process = _early() or _spawned()
        self._stdin = self._process.stdin
        self._lines = Gio.DataInputStream.new(self._process.stdout)
        self._last_number = 0
        self._pending: dict[int, Pending] = {}  # by number
        self._notifications: set[int] = set()  # numbers of messages that nobody waits for
        self._reading = self._has_spoken = False

    def ask(self, message: Message, answer: type[Answer]) -> Answer:
        """Sends a message and runs the main loop until its answer has come.

        Raises:
            BridgeError: the bridge says that it failed, or has ended.
        """
        return self.wait(self.begin(message), answer)

    def begin(self, message: Message) -> Pending:
        """Sends a message whose answer `wait` gives later. Raises as `ask`."""
        pending = Pending(message)
        self._pending[self._send(message)] = pending
        return pending

    def wait(self, pending: Pending, answer: type[Answer]) -> Answer:
        """Runs the main loop until that answer has come; returns at once if `pending.done`. Raises as `ask`."""
        main_loop = GLib.MainContext.default()
        while not pending.done:
            main_loop.iteration(True)  # blocks until something happens, and runs its callbacks
        if pending.answer is None and not self._has_spoken:
            raise BridgeError(_DEAD, "damaged")
        return _expected(pending.answer, answer)

    def notify(self, message: Message) -> None:
        """Sends a message without waiting. That the bridge has ended is no error here: the layer is in the image.

        If the bridge answers that it failed, `on_failure` is called from the main loop.
        """
        with contextlib.suppress(BridgeError):
            self._notifications.add(self._send(message))

    def cancel(self) -> None:
        """Cancels all jobs that run: their `ask` raises `BridgeCancelled`, unless a result is already on its way."""
        for number, pending in list(self._pending.items()):
            if isinstance(pending.message, Run):
                self.notify(Cancel(number))

    def kill(self) -> None:
        """Ends the process at once. Only where nothing can have been paid for."""
        self._process.kill()

    def close(self) -> None:
        """Lets the process end. It still stores the results of requests that were sent. No callback is called again."""
        self._on_progress, self._on_failure = lambda progress: None, lambda error: None
        with contextlib.suppress(GLib.Error):  # an exception may be on its way, and is more important
            self._stdin.close(None)

    def _send(self, message: Message) -> int:
        """Sends a message. Returns its number."""
        self._last_number += 1
        try:
            self._stdin.write_all(encode(message, self._last_number), None)
        except GLib.Error as error:
            raise (BridgeError(_GONE) if self._has_spoken else BridgeError(_DEAD, "damaged")) from error
        self._read_next_line()
        return self._last_number

    def _read_next_line(self) -> None:
        if not self._reading:
            self._reading = True
            self._lines.read_line_async(GLib.PRIORITY_DEFAULT, None, self._on_line)

    def _on_line(self, stream: Gio.DataInputStream, result: Gio.AsyncResult) -> None:
        """A line was read, or the stream has ended.

        GLib prints an exception that is raised here and goes on. Then no later line would be read, and `ask` would
        wait for ever.
        """
        self._reading = False
        try:
            line, _length = stream.read_line_finish(result)
            received = decode(line) if line is not None else None
        except (GLib.Error, ProtocolError):
            received = None
        if received is None:
            for number in list(self._pending):
                self._settle(number, None)
            return
        self._has_spoken = True
        self._read_next_line()  # before the callbacks: an exception in one of them must not stop the reading
        self._dispatch(*received)

    def _dispatch(self, number: int, message: Message) -> None:
        if number not in self._pending:
            _log().warning("dropped, nobody waits for it: %s %d", type(message).__name__, number)
            if isinstance(message, Failed) and number in self._notifications:
                sentence = _("The history could not be brought up to date: {reason}").format(reason=message.sentence)
                _log().warning("%s", sentence)
                self._on_failure(BridgeError(sentence, message.code))
        elif isinstance(message, Progress):
            self._on_progress(message)
        elif not isinstance(message, Received):
            self._settle(number, message)

    def _settle(self, number: int, answer: Message | None) -> None:
        pending = self._pending.pop(number)
        pending.answer, pending.done = answer, True


_GONE = _("Photio's bridge ended unexpectedly. What it had received is kept: try again.")
_DEAD = _("Photio's bridge does not start. “python3 install.py --doctor” says why.")


def _log() -> logging.Logger:
    """The log is written to the terminal that GIMP was started from."""
    import logging  # slow to import, and hardly ever needed

    return logging.getLogger("photio")


def _expected(received: Message | None, answer: type[Answer]) -> Answer:
    if isinstance(received, answer):
        return received
    if isinstance(received, Failed):
        raise BridgeError(received.sentence, received.code)
    if isinstance(received, Cancelled):
        raise BridgeCancelled(received.may_be_billed)
    raise BridgeError(_GONE)


class _Process(NamedTuple):
    """A running bridge: our ends of its pipes, and a function that kills it."""

    stdin: Gio.OutputStream
    stdout: Gio.InputStream
    kill: Callable[[], None]


def _early() -> _Process | None:
    """The process that was started while GIMP's libraries were loading, if there is one."""
    running = early.take()
    if running is None:
        return None
    ours = []
    for pipe in (running.stdin, running.stdout):
        assert pipe is not None
        ours.append(os.dup(pipe.fileno()))  # only the GLib streams below close it
        pipe.close()
    return _Process(Gio.UnixOutputStream.new(ours[0], True), Gio.UnixInputStream.new(ours[1], True), running.kill)


def _spawned() -> _Process:
    """Starts a process.

    Raises:
        BridgeError: it cannot be started.
    """
    try:
        command = early.command()
    except early.NotSetUp as error:
        sentence = _("Photio is not set up yet: choose anything in Filters > Photio once, or run “python3 install.py”.")
        raise BridgeError(sentence, "setup") from error
    launcher = Gio.SubprocessLauncher.new(Gio.SubprocessFlags.STDIN_PIPE | Gio.SubprocessFlags.STDOUT_PIPE)
    for name in systems.FOREIGN_VARIABLES:
        launcher.unsetenv(name)
    for name, value in early.KEEPING_MEMORY.items():
        launcher.setenv(name, value, True)
    try:
        process = launcher.spawnv(command)
    except GLib.Error as error:
        sentence = _("Photio's bridge cannot be started: “{reason}”.").format(reason=error.message)
        raise BridgeError(sentence, "damaged") from error
    return _Process(process.get_stdin_pipe(), process.get_stdout_pipe(), process.force_exit)
