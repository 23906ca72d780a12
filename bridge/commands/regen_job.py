"""Runs a job as the service does it for GIMP: the same folder, the same files and the same steps."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np

from bridge.commands.colours import Conversion
from bridge.commands.photograph import Photograph, to_bytes
from bridge.common.errors import PhotioError
from bridge.history.limits import enforce_limits
from bridge.job.running import RunningJob
from bridge.pixels.imaging import Pixels, pnm
from bridge.protocol import SELECTION_FILE, Document, Failed, Finished, Job, Message, Plan, Planned, Progress, Rectangle
from bridge.store import places
from bridge.store.journal import JobFolder
from bridge.store.private_files import StorageError
from bridge.store.settings import Settings

#: Characters that GLib leaves as they are in a file's URI, so that GIMP finds the photograph in the history.
_PLAIN = "/!$&'()*+,;=:@~"

_INTERRUPTED = 130
#: Seconds. Nothing waits longer at once: Windows would not hear Ctrl-C, and others not if it came just before.
_MOMENT = 0.5

_log = logging.getLogger(__name__)


class JobFailedError(PhotioError):
    """A job ended without a result; its own code is in the details."""

    code = "job-failed"


class RegenJob:
    """One job; a context, because its folder is removed if no answer came.

    Attributes:
        folder: where its files are.
    """

    def __init__(self, settings: Settings, warn: Callable[[str], None]) -> None:
        self._settings, self._warn = settings, warn
        self._running = RunningJob(settings, ())
        self._planned: Planned | None = None

    @property
    def folder(self) -> JobFolder:
        """The job's."""
        return self._running.folder

    def __enter__(self) -> RegenJob:
        return self

    def __exit__(self, *_: object) -> None:
        self.folder.discard_if_unanswered()
        try:
            enforce_limits(places.journal_directory(), self._settings, time.time(), frozenset([self.folder.id]))
        except (PhotioError, OSError) as failure:
            _log.warning("the history was not tidied: %s", failure)

    def plan(self, job: Job, photograph: Photograph, coverage: Pixels | None) -> Planned:
        """Decides what is sent, and says what the user should know of it.

        Args:
            coverage: of the photograph, uint8 [height, width]; None: what is transparent.

        Raises:
            PhotioError: it cannot work.
        """
        height, width = photograph.pixels.shape[:2]
        selection: Rectangle = (0, 0, width, height)
        if coverage is not None:
            selection = _bounds(coverage)
            x, y, across, down = selection
            self.folder.save(SELECTION_FILE, pnm(coverage[y : y + down, x : x + across]), lasting=False)
        document = Document(photograph.path.name, _uris(photograph.path), "", (width, height), 0)
        self._planned = self._running.plan(Plan(job, document, selection, coverage is not None, (0, 0)))
        for remark in self._planned.remarks:
            self._warn(remark)
        return self._planned

    def export(self, photograph: Photograph, conversion: Conversion) -> None:
        """Saves the crops for the job: sRGB, 8 bits, with alpha if the photograph has one.

        Raises:
            StorageError: there is too little room.
        """
        assert self._planned is not None
        for crop in self._planned.crops:
            x, y, width, height = crop.box
            part = (slice(y, y + height), slice(x, x + width))
            pixels = conversion.to_srgb(photograph.colours[part])
            if photograph.alpha is not None:
                pixels = np.dstack([pixels, to_bytes(photograph.alpha[part])])
            self.folder.save(crop.file, pnm(pixels), lasting=False)

    def run(self) -> Finished:
        """Sends the requests, and waits for all that may be billed. Says what the user should know of the results.

        Raises:
            PhotioError: there is no result.
        """
        try:
            message = self._await_end()
        except KeyboardInterrupt:
            self._interrupted()
            raise
        if isinstance(message, Failed):
            raise JobFailedError(message.sentence, message.code)
        assert isinstance(message, Finished)
        for remark in message.remarks:
            self._warn(remark)
        return message

    def unreadable(self) -> list[bytes]:
        """Answers that are no picture."""
        return [file.read_bytes() for file in sorted(self.folder.path.glob("answer-*.unreadable"))]

    def note_written(self, variation: int) -> None:
        """Notes that a result is in a file, as if it had been inserted in GIMP."""
        try:
            self.folder.note_placed((variation,))
        except StorageError as error:
            self._warn(error.sentence)

    def _await_end(self) -> Message:
        messages = queue.SimpleQueue[Message]()
        self._running.start(messages.put)
        with _Status() as status:
            while True:
                with contextlib.suppress(queue.Empty):
                    message = messages.get(timeout=_MOMENT)
                    if isinstance(message, Finished | Failed):
                        return message
                    if isinstance(message, Progress):
                        status.show(message.text)

    def _interrupted(self) -> None:
        """Drops what is not fully sent, and waits for the rest, unless the user interrupts again."""
        try:
            if not self._running.drop():
                self._end()
            self._warn(
                "The request was sent already and may have been billed: its answer is awaited and goes to the history "
                "(Ctrl-C again ends this at once)."
            )
            while not self._running.wait(_MOMENT):
                pass
        except KeyboardInterrupt:
            self._end()
        if any(self.folder.path.glob("result-*")):
            self._warn("The answer has come: it is in GIMP's Filters > Photio > History.")

    def _end(self) -> None:
        """Ends this process without waiting for threads whose requests were dropped."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more must not stop this half-way
        self.folder.discard_if_unanswered()
        self._warn("Interrupted.")
        logging.shutdown()
        sys.stdout.flush()
        os._exit(_INTERRUPTED)


class _Status:
    """One line that says how far a job is, if somebody watches."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()

    def __enter__(self) -> _Status:
        return self

    def __exit__(self, *_: object) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Replaces the line."""
        if self._watched:
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def _bounds(coverage: Pixels) -> Rectangle:
    rows, columns = (np.flatnonzero(coverage.any(axis=axis)) for axis in (1, 0))
    x, y = int(columns[0]), int(rows[0])
    return (x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)


def _uris(path: Path) -> tuple[str, ...]:
    """The URIs by which GIMP may know the file."""
    paths = dict.fromkeys((Path(os.path.abspath(path)), path.resolve()))
    return tuple(
        f"file://{'' if each.as_posix().startswith('/') else '/'}{quote(each.as_posix(), safe=_PLAIN)}"
        for each in paths
    )
