"""The bridge's end of the protocol: reads messages from stdin, and writes answers to stdout.

This module decides which message is allowed when, and what happens when the plug-in ends. The steps of a job are in
`bridge.job`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from functools import partial
from typing import BinaryIO

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job.failure import failure
from bridge.job.running import RunningJob
from bridge.protocol import (
    LONGEST_LINE,
    Cancel,
    DesktopProxies,
    Failed,
    Mark,
    Message,
    Open,
    Placed,
    Plan,
    ProtocolError,
    Run,
    decode,
    encode,
)
from bridge.regen import desktop
from bridge.service.imports import Imports
from bridge.store import log, places, settings
from bridge.store.journal import JobFolder

_log = logging.getLogger(__name__)


class Announcer:
    """Writes messages to the plug-in, from any thread. After the plug-in has ended, messages are dropped."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, question: int, message: Message) -> None:
        """Sends one message as an answer to the question of that number."""
        with self._lock:
            try:
                self._stream.write(encode(message, question))
                self._stream.flush()
            except OSError:  # the plug-in has ended; results are in the journal
                _log.info("dropped, the plug-in has ended: %s", type(message).__name__)


class Service:
    """Serves one plug-in until its end of the pipe closes. Each job has a folder of its own."""

    def __init__(self, announce: Announcer, imports: Imports | None = None) -> None:
        self._announce = announce
        self._imports = imports or Imports()
        self._draft: RunningJob | None = None  # opened, and not run yet
        self._running: dict[int, RunningJob] = {}  # by the number of their `Run`
        self._lock = threading.Lock()  # for changes of `_running`
        self._folders: list[JobFolder] = []  # of all jobs that were run; the jobs themselves hold large masks

    def serve(self, stream: BinaryIO) -> None:
        """Answers messages until the stream ends. Returns when all results that were paid for are in the journal."""
        with contextlib.suppress(SystemExit):  # a signal
            self._listen(stream)
        with self._lock:
            running = list(self._running.values())
        # First all are dropped: otherwise one could still be sent while another one is waited for.
        for job in [job for job in running if job.drop()]:
            job.wait()
        for folder in (*self._folders, *((self._draft.folder,) if self._draft else ())):
            folder.discard_if_unanswered()
        _tidy(frozenset(folder.id for folder in self._folders))

    def _listen(self, stream: BinaryIO) -> None:
        question = 0
        while line := _line(stream):
            question += 1  # unless the line says otherwise
            try:
                question, message = decode(line)
                if (answer := self._answer(question, message)) is not None:
                    self._announce(question, answer)
            except ProtocolError as error:
                _log.error("not understood: %s", error)
                sentence = _("The plug-in and its bridge do not match: install Photio again, then restart GIMP.")
                self._announce(question, Failed("protocol", sentence))
            except Exception as error:  # noqa: BLE001  (as in `bridge.job`: no error may end the bridge)
                self._announce(question, failure(error, (), billed=False))

    def _answer(self, question: int, message: Message) -> Message | None:
        """The answer; None if it comes later, or the message needs none."""
        if isinstance(message, Open):
            return self._open()
        self._imports.wait_for_planning()
        if isinstance(message, Plan | Mark) and self._draft:
            return self._draft.plan(message) if isinstance(message, Plan) else self._draft.mark(message)
        if isinstance(message, Run) and self._draft:
            self._run(question, self._draft)
        elif isinstance(message, Cancel):
            if job := self._running.get(message.run):
                job.cancel()
        elif isinstance(message, DesktopProxies):
            desktop.learn(message.origin, message.proxies)
        elif isinstance(message, Placed):
            JobFolder.existing(places.journal_directory(), message.id).note_placed(message.variations)
        else:
            self._imports.wait()
            from bridge.service import history_messages, settings_messages  # late, because jobs do not need them

            if answer := history_messages.answer(message) or settings_messages.answer(message):
                return answer
            raise ProtocolError(f"{type(message).__name__} was not expected now")
        return None

    def _open(self) -> Message:
        if self._draft:
            self._draft.folder.discard_if_unanswered()
        found, remarks = settings.load()
        self._draft = RunningJob(found, remarks, self._imports.wait)
        return self._draft.opened

    def _run(self, question: int, job: RunningJob) -> None:
        with self._lock:
            if question in self._running:
                raise ProtocolError("a job that runs has this number")
            job.start(partial(self._announce, question), partial(self._on_end, question))
            self._running[question], self._draft = job, None
        self._folders.append(job.folder)

    def _on_end(self, question: int) -> None:
        """Forgets the job of that `Run`, which has ended."""
        with self._lock:
            del self._running[question]


def _line(stream: BinaryIO) -> bytes:
    """The next line. Of a line that is too long, only the beginning, but all of it is read: lines are counted."""
    line = part = stream.readline(LONGEST_LINE)
    while len(part) == LONGEST_LINE and not part.endswith(b"\n"):
        part = stream.readline(LONGEST_LINE)
    return line


def _tidy(new: frozenset[str]) -> None:
    """Keeps the history within its limits. New results stay, even if the clock is wrong."""
    from bridge.history.limits import enforce_limits

    try:
        enforce_limits(places.journal_directory(), settings.load()[0], time.time(), new)
    except (PhotioError, OSError) as error:
        _log.warning("the history was not tidied: %s", error)


def _end_on_signals() -> None:
    """Ctrl-C in GIMP's terminal and the end of a session also reach this process. It then ends as with the plug-in."""
    known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def end(number: int, _frame: object) -> None:
        for each in known:  # a second signal must not interrupt the end
            signal.signal(each, signal.SIG_IGN)
        _log.info("ended by signal %d", number)
        raise SystemExit

    for each in known:
        signal.signal(each, end)


def main() -> int:
    """`python -m bridge service`."""
    log.start()
    _end_on_signals()
    imports = Imports()
    imports.start()
    # the pipe is only for the protocol: everything else that prints, C libraries included, prints to stderr
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    Service(Announcer(pipe), imports).serve(sys.stdin.buffer)
    logging.shutdown()
    os._exit(0)  # without waiting for threads whose requests were dropped
