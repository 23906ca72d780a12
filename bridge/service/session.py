"""The bridge as the plug-in sees it: messages in on stdin, messages out on stdout.

The steps of a job are in `bridge.job.running`. Here is who may say what when, and what happens when the plug-in goes
away.
"""

from __future__ import annotations

import contextlib
import gc
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
from bridge.job.failure import unexpected
from bridge.job.running import RunningJob
from bridge.protocol import (
    LONGEST_LINE,
    Cancel,
    Failed,
    Message,
    Open,
    Placed,
    Plan,
    ProtocolError,
    Run,
    decode,
    encode,
)
from bridge.store import log, places, settings
from bridge.store.journal import JobFolder

_log = logging.getLogger(__name__)


class Announcer:
    """Writes messages to the plug-in, from any thread; silently once nobody listens any longer."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, question: int, message: Message) -> None:
        """Sends one message, to whoever asked the question of that number."""
        with self._lock:
            try:
                self._stream.write(encode(message, question))
                self._stream.flush()
            except OSError:  # the plug-in is gone; what it was to hear is in the journal
                _log.info("nobody listens to %s", type(message).__name__)


class Service:
    """Serves one plug-in until its end of the pipe closes. One job after the other, each with a folder of its own."""

    def __init__(self, announce: Announcer) -> None:
        self._announce = announce
        self._draft: RunningJob | None = None  # opened, perhaps planned
        self._running: dict[int, RunningJob] = {}  # by the number of their `Run`, until they have ended
        self._changing = threading.Lock()  # held to look at or change what runs
        self._folders: list[JobFolder] = []  # of all jobs that were run: their masks are many megabytes, this is not

    def serve(self, stream: BinaryIO) -> None:
        """Answers messages until the stream ends; returns when all that was paid for is in the journal."""
        with contextlib.suppress(_ToldToLeaveError):
            self._listen(stream)
        with self._changing:
            running = list(self._running.values())
        paid = [job for job in running if job.drop()]  # all of them first: what waits must not let another one be sent
        for job in paid:
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
            except PhotioError as error:
                _log.warning("%s: %s %s", error.code, error.sentence, error.details)
                self._announce(question, Failed(error.code, error.sentence))
            except ProtocolError as error:
                _log.error("misunderstood: %s", error)
                sentence = _("The plug-in and its bridge do not match: run install.py again.")
                self._announce(question, Failed("protocol", sentence))
            except Exception:  # noqa: BLE001  (as in `job`: one thing that nobody foresaw must not end the bridge)
                _log.exception("a message failed")
                self._announce(question, Failed("internal", unexpected()))

    def _answer(self, question: int, message: Message) -> Message | None:
        """The answer; None when it comes later, or when nothing is asked."""
        if isinstance(message, Open):
            return self._open()
        if isinstance(message, Plan) and self._draft:
            return self._draft.plan(message)
        if isinstance(message, Run) and self._draft:
            self._run(question, self._draft)
        elif isinstance(message, Cancel):
            self._cancel(message.run)
        elif isinstance(message, Placed):
            JobFolder.existing(places.journal_directory(), message.id).note_placed(message.variations)
        elif answer := _answer_beside(message):
            return answer
        else:
            raise ProtocolError(f"{type(message).__name__} was not expected now")
        return None

    def _open(self) -> Message:
        if self._draft:
            self._draft.folder.discard_if_unanswered()
        found, remarks = settings.load()
        self._draft = RunningJob(found, remarks)
        return self._draft.opened

    def _run(self, question: int, job: RunningJob) -> None:
        with self._changing:
            if question in self._running:
                raise ProtocolError("a job that runs has this number")
            job.start(partial(self._announce, question), partial(self._let_go, question))
            self._running[question], self._draft = job, None
        self._folders.append(job.folder)

    def _let_go(self, question: int) -> None:
        """The job of that `Run` has ended."""
        with self._changing:
            del self._running[question]

    def _cancel(self, run: int) -> None:
        with self._changing:
            job = self._running.get(run)
        if job:
            job.cancel()


def _answer_beside(message: Message) -> Message | None:
    """The answer to what has nothing to do with a job; None when it has."""
    from bridge.service import history_messages as history_desk
    from bridge.service import settings_messages  # a job need not wait for what it does not use

    return history_desk.answer(message) or settings_messages.answer(message)


def _line(stream: BinaryIO) -> bytes:
    """The next line; of one that is too long, the beginning alone: lines are counted, and this is still one."""
    line = rest = stream.readline(LONGEST_LINE)
    while len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
        rest = stream.readline(LONGEST_LINE)
    return line


def _tidy(new: frozenset[str]) -> None:
    """Keeps the history within its limits, when nobody waits any longer; what is new stays, whatever the clock says."""
    from bridge.history.limits import enforce_limits

    try:
        enforce_limits(places.journal_directory(), settings.load()[0], time.time(), new)
    except (PhotioError, OSError) as error:
        _log.warning("the history was not tidied: %s", error)


class _ToldToLeaveError(BaseException):
    """The system wants us to end."""


def _leave_when_told() -> None:
    """Ctrl-C in GIMP's terminal and the end of a session mean us, too: then we leave as when the plug-in goes."""
    known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def told(number: int, _frame: object) -> None:
        for each in known:  # we are leaving
            signal.signal(each, signal.SIG_IGN)
        _log.info("told to leave by signal %d", number)
        raise _ToldToLeaveError

    for each in known:
        signal.signal(each, told)


def _load_ahead() -> None:
    """Imports what every job needs, while the plug-in still looks at its image."""
    try:
        import bridge.job.regeneration  # noqa: F401
    finally:
        gc.freeze()  # modules stay
        gc.enable()  # see `__main__`


def main() -> int:
    """`python -m bridge service`."""
    log.start()
    _leave_when_told()
    # numpy is loaded later: the threads of its BLAS take a third of that time, and nothing here needs them
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threading.Thread(target=_load_ahead, name="imports", daemon=True).start()
    # the pipe is the protocol's: whatever else prints, a library in C included, prints to stderr
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    Service(Announcer(pipe)).serve(sys.stdin.buffer)
    logging.shutdown()
    os._exit(0)  # without waiting for threads whose requests were dropped
