"""A job's life: opened, planned, started, perhaps cancelled, and ended. The work is in `bridge.job.regeneration`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job import backend
from bridge.job.backend import Backend
from bridge.job.failure import failure
from bridge.protocol import Cancelled, Job, Mark, Marked, Message, Opened, Plan, Planned, ProtocolError
from bridge.store import places
from bridge.store.journal import JobFolder
from bridge.store.settings import Settings

if TYPE_CHECKING:
    from bridge.job.planned_job import PlannedJob
    from bridge.job.regeneration import Regeneration


class TooManyRequestsError(PhotioError):
    """The job would take more requests, and so cost more, than the user allows."""

    code = "too-many-requests"


class RunningJob:
    """A job from `Open` to its end; its files are in `folder`.

    Args:
        remarks: on the settings, for the user.
        imported: see `Regeneration`.
    """

    def __init__(
        self, settings: Settings, remarks: tuple[str, ...], imported: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._remarks = remarks
        self._imported = imported
        self.folder = JobFolder.create(places.journal_directory())
        self._backends: dict[tuple[str, bool], Backend] = {}
        self._planned: PlannedJob | None = None
        self._work: Regeneration | None = None
        self._thread: threading.Thread | None = None
        self._announce: Callable[[Message], None] | None = None  # as long as `Run` has no answer
        self._announcing = threading.Lock()

    @property
    def opened(self) -> Opened:
        """Where the job's files go."""
        return Opened(self.folder.id, str(self.folder.path))

    def plan(self, message: Plan) -> Planned:
        """Decides on the crops. Nothing has been read of the image yet but the selection.

        Raises:
            PhotioError: it cannot work; nothing was sent.
        """
        # numpy and Pillow take longer to import than all else: the service loads them while GIMP looks at its image
        from bridge.job import fitting
        from bridge.job.planned_job import PlannedJob

        previewed = message.preview != (0, 0)  # only the run itself is refused if the engine takes no prompt
        chosen = self._backend(replace(message.job, prompt="") if previewed else message.job)
        limit = self._settings.native_limit
        asked = (message.job, message.document, message.selection, message.masked)
        planning = fitting.plan(self.folder, *asked, limit)
        self._planned = PlannedJob(self.folder, message, chosen, limit, planning)
        return self._planned.reply(self._remarks)

    def mark(self, message: Mark) -> Marked:
        """Draws the last plan over a part of the canvas.

        Raises:
            ProtocolError: there is no plan, or the part is empty.
        """
        from bridge.pixels.geometry import Box, Size

        part = Box(*message.part)
        if self._planned is None or part.is_empty:
            raise ProtocolError("Mark was not expected now")
        return self._planned.mark(part, Size(*message.size))

    def start(self, announce: Callable[[Message], None], ended: Callable[[], None] = lambda: None) -> None:
        """Runs the remaining steps in a thread of their own.

        Args:
            announce: hears how the job goes, and last of all its end, once; called from the job's own threads.
            ended: called after that, when nothing more is done for the job.

        Raises:
            ProtocolError: there is no plan, or the job was started before.
            PhotioError: it would take more requests than the user allows.
        """
        planned = self._planned
        if planned is None or self._thread is not None:
            raise ProtocolError("Run was not expected now")
        if planned.requests > self._settings.most_requests:
            raise TooManyRequestsError(
                _(
                    "This would take {requests} requests, more than the {most} that your settings allow: select fewer "
                    "areas, send them together, or ask for fewer variations."
                ).format(requests=planned.requests, most=self._settings.most_requests)
            )
        from bridge.job.regeneration import Regeneration

        self._announce = announce
        self._work, self._planned = Regeneration(planned, self._notify, self._imported), None
        self._thread = threading.Thread(target=self._run, args=(ended,), name="job", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """The user no longer waits: drops what was not fully sent, and says so, unless the job's end was announced.

        What was sent is waited for, quietly: it may have been billed.
        """
        if announce := self._silence():
            announce(Cancelled(self.drop()))

    def drop(self) -> bool:
        """Drops what was not fully sent, at once, and announces nothing more.

        Returns whether something was sent that may be billed: see `wait`.
        """
        self._silence()
        work = self._work
        return work is not None and work.drop()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until the answers to all that was sent are in the journal. Returns whether they are.

        Args:
            seconds: the longest to wait; None: as long as it takes.
        """
        if self._thread:
            self._thread.join(seconds)
        return not (self._thread and self._thread.is_alive())

    def _backend(self, job: Job) -> Backend:
        """Who does it; a keyring is asked only once."""
        asked = (job.engine, bool(job.prompt.strip()))
        if asked not in self._backends:
            self._backends[asked] = backend.choose(job.engine, job.prompt, self._settings)
        return self._backends[asked]

    def _notify(self, message: Message) -> None:
        """Announces something, unless nobody waits for it any longer."""
        with self._announcing:
            if self._announce:
                self._announce(message)

    def _silence(self) -> Callable[[Message], None] | None:
        """From now on nothing is announced, except by whoever called this first: it gets what to call."""
        with self._announcing:
            announce, self._announce = self._announce, None
        return announce

    def _run(self, ended: Callable[[], None]) -> None:
        work = self._work
        assert work is not None
        message: Message
        try:
            try:
                message = work.run()
            except Exception as error:  # noqa: BLE001  (the last defence: the user gets a sentence, the log everything)
                message = failure(error, work.requests, work.billed)
                error.__traceback__ = None  # its frames have all that this job holds
            if announce := self._silence():
                announce(message)
        finally:
            self.folder.release()
            del work
            self._work = None  # it knows us: nothing else would free its pictures soon
            ended()
