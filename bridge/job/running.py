"""One job: what was asked, in steps, with what must be on the disk at each of them.

plan → read → send → journal → fit → finish; the files' part of that is in `bridge.job.fitting`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge.common.cores import usable_cores
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job import backend
from bridge.job.backend import Backend
from bridge.job.failure import failure, foremost, unexpected
from bridge.job.progress import Stages
from bridge.job.sending import Ahead, Sending, Sent, begin, draw_seeds, largest_upload, room_needed
from bridge.protocol import (
    Cancelled,
    CropPlan,
    Finished,
    Job,
    Message,
    Opened,
    Patch,
    Plan,
    Planned,
    Preview,
    ProtocolError,
    Received,
)
from bridge.store import places, prompts
from bridge.store.arriving import Arriving
from bridge.store.journal import JobFolder
from bridge.store.private_files import StorageError
from bridge.store.settings import Settings

if TYPE_CHECKING:  # slow to import, so not before the first picture
    from bridge.job.steps import Planning

_log = logging.getLogger(__name__)

#: So many requests are under way at once; the others wait for their turn.
CONCURRENT = 8

_OVERLAY_FILE = "preview.pam"


class TooManyRequestsError(PhotioError):
    """The job would take more requests, and so cost more, than the user allows."""

    code = "too-many-requests"


@dataclass(frozen=True)
class _Planned:
    """The last plan, and what it was made for."""

    message: Plan
    planning: Planning
    backend: Backend

    @property
    def requests(self) -> int:
        return len(self.planning.crops) * self.message.job.variations


class RunningJob:
    """A job from `Open` to its end.

    Attributes:
        folder: where its files are.
    """

    def __init__(self, settings: Settings, remarks: tuple[str, ...]) -> None:
        self._settings = settings
        self._remarks = remarks
        self.folder = JobFolder.create(places.journal_directory())
        self._backends: dict[tuple[str, bool], Backend] = {}
        self._planned: _Planned | None = None
        self._sendings: tuple[Sending, ...] = ()
        self._runner: threading.Thread | None = None
        self._announce: Callable[[Message], None] | None = None  # as long as `Run` has no answer
        self._announcing = threading.Lock()
        self._turns = threading.Semaphore(CONCURRENT)
        self._cancelled = threading.Event()
        self._facts: dict[str, Any] = {}

    @property
    def opened(self) -> Opened:
        """Where the job's files go."""
        return Opened(self.folder.id, str(self.folder.path))

    def plan(self, message: Plan) -> Planned:
        """Decides on the crops. Nothing has been read of the image yet but the selection.

        Raises:
            PhotioError: it cannot work; nothing was sent.
        """
        from bridge.job import fitting

        job = message.job
        chosen = self._backend(job)
        canvas = message.document.canvas
        planning = fitting.plan(
            self.folder, job, canvas, message.selection, message.masked, self._settings.native_limit
        )
        planned = self._planned = _Planned(message, planning, chosen)
        exports = tuple(
            CropPlan(fitting.base_file(number), crop.box, crop.size, crop.scale)
            for number, crop in enumerate(planning.crops, 1)
        )
        upload = job.variations * sum(largest_upload(*crop.size) for crop in planning.crops)
        remarks = (*self._remarks, *chosen.remarks)
        return Planned(exports, planned.requests, chosen.name, upload, remarks, self._preview(planned))

    def start(self, announce: Callable[[Message], None], ended: Callable[[], None] = lambda: None) -> None:
        """Runs the rest in a thread of its own.

        Args:
            announce: is told how the job goes, and last of all its end, once; from the job's own threads.
            ended: called when nothing more is done for the job, after the answer.

        Raises:
            PhotioError: it would take more requests than the user allows.
        """
        planned = self._planned
        if planned is None or self._runner is not None:
            raise ProtocolError("Run was not expected now")
        if planned.requests > self._settings.most_requests:
            raise TooManyRequestsError(
                _(
                    "This would take {requests} requests, more than the {most} that your settings allow: select fewer "
                    "areas, send them together, or ask for fewer variations."
                ).format(requests=planned.requests, most=self._settings.most_requests)
            )
        self._announce = announce
        self._runner = threading.Thread(target=self._run, args=(ended,), name="job", daemon=True)
        self._runner.start()

    def cancel(self) -> None:
        """The user no longer waits: drops what was not fully sent, and says so, unless the job's end was told before.

        What was sent is waited for, quietly: it may have been billed.
        """
        with self._announcing:
            announce, self._announce = self._announce, None
        if announce:
            announce(Cancelled(self.drop()))

    def drop(self) -> bool:
        """Drops what was not fully sent, at once; whether something was, and may be billed: see `wait`."""
        self._cancelled.set()
        sendings, planned = self._sendings, self._planned
        for sending in sendings:
            sending.call.cancel()
        return planned is not None and planned.backend.billed and any(sending.call.sent for sending in sendings)

    def wait(self) -> None:
        """Returns when the answers to all that was sent are in the journal."""
        if self._runner:
            self._runner.join()

    def _backend(self, job: Job) -> Backend:
        """Who does it; a keyring is asked only once."""
        asked = (job.engine, bool(job.prompt.strip()))
        if asked not in self._backends:
            self._backends[asked] = backend.choose(job.engine, job.prompt, self._settings)
        return self._backends[asked]

    def _preview(self, planned: _Planned) -> Preview | None:
        if planned.message.preview == (0, 0):
            return None
        from bridge.job import preview

        box = preview.shown_box(planned.planning)
        size = preview.shown_size(box, planned.message.preview)
        self.folder.file(_OVERLAY_FILE).write_bytes(preview.overlay(planned.planning, box, size))
        return Preview(box, size, _OVERLAY_FILE)

    def _tell(self, message: Message) -> None:
        """Announces something, unless nobody waits for it any longer."""
        with self._announcing:
            if self._announce and not self._cancelled.is_set():
                self._announce(message)

    def _tell_end(self, message: Message) -> None:
        """Announces the answer to `Run`, unless it was cancelled."""
        with self._announcing:
            announce, self._announce = self._announce, None
        if announce and not self._cancelled.is_set():
            announce(message)

    def _run(self, ended: Callable[[], None]) -> None:
        planned = self._planned
        assert planned is not None
        try:
            self._tell_end(self._regenerate(planned))
        except Exception as error:  # noqa: BLE001  (the last line of defence: the user gets a sentence, the log everything)
            self._tell_end(failure(error, self._sendings, planned.backend.billed))
            error.__traceback__ = None  # see `_obtain`
        finally:
            self.folder.release()
            del planned
            self._planned, self._sendings = None, ()
            ended()

    def _regenerate(self, planned: _Planned) -> Message:
        """All that follows the export."""
        from bridge.job import fitting

        message, job = planned.message, planned.message.job
        planning, sources = fitting.read_crops(self.folder, planned.planning, job, message.masked)
        with (
            closing(Stages(self._tell, planned.backend.name, planning.crops, job.variations)) as stages,
            workers() as pool,
        ):
            # while the pictures are encoded, the rest is imported, and the disk is waited for
            ahead = begin(pool, job, planning, sources)
            fitting.save_masks(self.folder, planning)
            seeds = draw_seeds(job.seed, job.variations)
            self._sendings = self._sendings_of(planned, len(sources), stages)
            with self.folder.reserve(room_needed(planning) * job.variations, len(self._sendings)):
                self._note_sending(planned, planning, seeds)
                if self._cancelled.is_set():  # before there was anything to drop
                    self.drop()
                self._send(Sent(job, planning, seeds, stages, planned.backend.client(), pool, ahead))
        return self._outcome(planned, planning, seeds)

    def _sendings_of(self, planned: _Planned, crops: int, stages: Stages) -> tuple[Sending, ...]:
        """One request for each crop of each variation."""
        from bridge.regen.call import Call

        sendings = list[Sending]()
        for variation in range(1, planned.message.job.variations + 1):
            for crop in range(1, crops + 1):
                arriving = Arriving(self.folder.file(f"arriving-{crop}-{variation}"), planned.backend.key)
                call = Call(stages.of(len(sendings)), arriving)
                sendings.append(Sending(len(sendings), crop, variation, call, arriving))
        return tuple(sendings)

    def _send(self, sent: Sent) -> None:
        """Has every request sent as soon as its crop is encoded, and waits for all of them."""
        threads = [
            threading.Thread(target=self._obtain, args=(sending, sent), daemon=True) for sending in self._sendings
        ]
        started = []
        try:
            for thread in threads:
                thread.start()
                started.append(thread)
            # while the service is at work, so that nobody waits for the disk
            prompts.remember(sent.job.prompt)
            self._keep_sent(sent.crops)
        finally:  # whatever goes wrong here, what is sent may be billed
            for thread in started:
                thread.join()

    def _keep_sent(self, crops: list[Ahead]) -> None:
        """For whoever looks into the folder; they can be made again, so that a full disk is no harm."""
        for crop in crops:
            try:
                self.folder.save(f"sent-{crop.source.number}.png", crop.base.result().data, lasting=False)
                self.folder.save(f"mask-{crop.source.number}.png", crop.mask.result().data, lasting=False)
            except Exception as error:  # noqa: BLE001  (who needs the upload tells the user)
                _log.warning("what is sent is not kept: %s", error)

    def _note_sending(self, planned: _Planned, planning: Planning, seeds: list[int]) -> None:
        """From here on something may have been paid for: the record says what, before it is sent."""
        message = planned.message
        self._facts = dict(
            state="sending",
            started=time.time(),
            job=asdict(message.job),
            document=asdict(message.document),
            selection=message.selection,
            masked=message.masked,
            native_limit=self._settings.native_limit,
            crops=[{"box": crop.box, "padding": crop.padding, "size": crop.size} for crop in planning.crops],
            requests=planned.requests,
            engine=planned.backend.name,
            seeds=seeds,
        )
        self.folder.note(**self._facts)

    def _obtain(self, sending: Sending, sent: Sent) -> None:
        """Sends one request, journals the answer, makes it fit. Its errors wait for `_outcome`."""
        from bridge.job import fitting
        from bridge.regen.answer import suffix

        name, stages = f"answer-{sending.crop}-{sending.variation}", sent.stages
        try:
            noise = sent.noise(sending)
            with self._turns:
                answer = sent.client.regenerate(sent.request(sending), call=sending.call)
            # meanwhile, for the disk takes its time; nothing of it is written before the answer is
            crop = sent.crops[sending.crop - 1]
            known = (sent.job, sent.planning, crop.source, crop.reference.result, crop.grains.result)
            fitted = sent.pool.submit(fitting.fit, *known, sending.variation, answer.pixels, answer.seed, noise.result)
            self.folder.release_share()
            self.folder.save(f"{name}.{suffix(answer.media_type)}", answer.encoded)
            sending.arriving.remove()
            self._tell(Received(sending.variation, answer.seed))
            stages.tell(sending.number, "finishing")
            sending.remarks = answer.warnings
            sending.patches = fitting.save(self.folder, fitted.result())
            stages.tell(sending.number, "done")
            return
        except PhotioError as error:
            # its traceback has all that this job holds, and would keep it in memory for a long time
            sending.error = error.with_traceback(None)
            self._keep_unreadable(name, error, sending.arriving)
        except Exception as error:  # noqa: BLE001  (as in `_run`)
            _log.exception("request %d failed", sending.number)
            sending.error = PhotioError(unexpected(), repr(error))
        stages.tell(sending.number, "failed")

    def _keep_unreadable(self, name: str, error: PhotioError, arriving: Arriving) -> None:
        """What came is no picture that we can use, but it may be paid for: somebody may make sense of it."""
        received: bytes = getattr(error, "received", b"")
        try:
            if received:
                self.folder.release_share()
                self.folder.save(f"{name}.unreadable", received)
            if not isinstance(error, StorageError):  # there, what has arrived is all that there is
                arriving.remove()
        except PhotioError as unsaved:  # the user hears of the first error; this one is in the log
            _log.error("%s: %s %s", unsaved.code, unsaved.sentence, unsaved.details)

    def _outcome(self, planned: _Planned, planning: Planning, seeds: list[int]) -> Finished:
        """What arrived is delivered, whatever happened to the rest."""
        from bridge.job import fitting

        errors = [sending.error for sending in self._sendings if sending.error]
        patches: dict[int, tuple[Patch, ...]] = {}
        for sending in self._sendings:
            patches[sending.variation] = patches.get(sending.variation, ()) + sending.patches
        if not any(patches.values()):
            error = foremost(errors[0], self._sendings)
            self._note(state="failed", error=error.code)
            raise error
        remarks = [remark for sending in self._sendings for remark in sending.remarks]
        remarks += [
            _("A part of the result is missing: {reason}").format(reason=error.sentence)
            for error in errors
            if error.code != "cancelled"
        ]
        finished = fitting.finish(
            self.folder, planned.message.job, planning, planned.backend.name, seeds, patches, remarks
        )
        # all of it once more: somebody may have emptied the journal while the service was at work
        fitting.keep_masks(self.folder, planning)
        # from the answers, which are there, the history makes the result again
        unnoted = self._note(**{**self._facts, "state": "received", "result": asdict(finished)})
        return replace(finished, remarks=finished.remarks + unnoted)

    def _note(self, **facts: Any) -> tuple[str, ...]:
        """Notes how the job ended. Where that fails, the end stays what it is, and the user gets a sentence more."""
        try:
            self.folder.note(**facts)
        except StorageError as error:
            _log.error("the end is not noted: %s %s", error.sentence, error.details)
            return (_("The history could not be brought up to date: {reason}").format(reason=error.sentence),)
        return ()


@contextmanager
def workers() -> Iterator[Executor]:
    """A thread for each core. At the end nobody waits for what no answer needed."""
    pool = ThreadPoolExecutor(usable_cores())
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
