"""Starts the bridge, talks to it and ends it. No threads: its lines arrive on the GLib main loop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gi.repository import Gio, GLib

import early
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
    Said,
    decode,
    encode,
)

if TYPE_CHECKING:
    import logging

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


@dataclass
class _Question:
    """What somebody waits for. `answer` is None as long as there is none, and when the bridge has gone."""

    message: Message
    loop: GLib.MainLoop
    answer: Message | None = None


class Bridge:
    """One bridge process. It ends when its standard input closes: with `close`, or with us.

    Several questions can be open at a time, for waiting spins the main loop, and there somebody may ask the next one.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        on_failure: Callable[[BridgeError], None] = lambda error: None,
    ) -> None:
        """Starts the process.

        Args:
            on_progress: is told how the job goes that somebody waits for.
            on_failure: is told when something that was only mentioned could not be noted.

        Raises:
            BridgeError: it cannot be started.
        """
        self._on_progress, self._on_failure = on_progress, on_failure
        self._process = _early() or _spawned()
        self._stdin = self._process.stdin
        self._lines = Gio.DataInputStream.new(self._process.stdout)
        self._said = 0  # the number of the last message
        self._questions: dict[int, _Question] = {}  # by their numbers
        self._mentioned: set[int] = set()
        self._listening = False

    def ask(self, message: Message, answer: type[Answer]) -> Answer:
        """Sends a message and waits for `answer`, with GIMP's main loop running.

        Raises:
            BridgeError: the bridge says that it failed, or is gone.
        """
        question = _Question(message, GLib.MainLoop())
        number = self._send(message)
        self._questions[number] = question
        try:
            question.loop.run()
        finally:
            self._questions.pop(number, None)
        return _expected(question.answer, answer)

    def mention(self, message: Message) -> None:
        """Sends a message that may get lost: when the layer is in the image, a bridge that died is no failure.

        Nobody waits for it. Where the bridge cannot note it, `on_failure` hears so, as soon as the main loop runs.
        """
        with contextlib.suppress(BridgeError):
            self._mentioned.add(self._send(message))

    def cancel(self) -> None:
        """Whoever waits for a job no longer does, and gets `BridgeCancelled`, unless the answer is on its way."""
        for number, question in list(self._questions.items()):
            if isinstance(question.message, Run):
                self.mention(Cancel(number))

    def abandon(self) -> None:
        """Ends the bridge at once, whatever it does: only where nothing can have been paid for."""
        self._process.kill()

    def close(self) -> None:
        """Ends the bridge; what it was paid for, it still puts into the journal. Nobody is told anything any longer."""
        self._on_progress, self._on_failure = lambda progress: None, lambda error: None
        with contextlib.suppress(GLib.Error):  # whoever closes it may have something worse to tell
            self._stdin.close(None)

    def _send(self, message: Message) -> int:
        """Sends a message; its number."""
        self._said += 1
        try:
            self._stdin.write_all(encode(message, self._said), None)
        except GLib.Error as error:
            raise BridgeError(_GONE) from error
        self._listen()
        return self._said

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            self._lines.read_line_async(GLib.PRIORITY_DEFAULT, None, self._hear)

    def _hear(self, stream: Gio.DataInputStream, result: Gio.AsyncResult) -> None:
        """A line has come, or the end. GLib prints what is raised here, and goes on: then nobody would be answered."""
        self._listening = False
        try:
            line, _length = stream.read_line_finish(result)
            said = decode(line) if line is not None else None
        except (GLib.Error, ProtocolError):
            said = None
        if said is None:
            for number in list(self._questions):
                self._answer(number, None)
            return
        self._listen()
        self._take(said)  # last: an error in showing it must not keep the next answer from us

    def _take(self, said: Said) -> None:
        number, message = said
        if number not in self._questions:
            _log().warning("dropped, for nobody waits for it: %s %d", type(message).__name__, number)
            if isinstance(message, Failed) and number in self._mentioned:
                sentence = _("The history could not be brought up to date: {reason}").format(reason=message.sentence)
                _log().warning("%s", sentence)
                self._on_failure(BridgeError(sentence, message.code))
        elif isinstance(message, Progress):
            self._on_progress(message)
        elif not isinstance(message, Received):
            self._answer(number, message)

    def _answer(self, number: int, message: Message | None) -> None:
        question = self._questions.pop(number)
        question.answer = message
        question.loop.quit()


_GONE = _(
    "Photio's bridge ended unexpectedly. What it had received is kept; run “python3 install.py --doctor” to see why."
)


def _log() -> logging.Logger:
    """For whoever looks for a fault: what it gets is in the terminal that GIMP was started from."""
    import logging  # it takes time, and is hardly ever needed

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
