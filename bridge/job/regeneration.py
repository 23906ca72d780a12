"""A job's work, from start to end; `bridge.job.running` starts and cancels it.

plan → read → send → journal → fit → finish; the files' part of that is in `bridge.job.fitting`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

from bridge.common.cores import usable_cores
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job import fitting, sequence
from bridge.job.areas import Planning
from bridge.job.crop_work import CropWork
from bridge.job.failure import foremost, unexpected
from bridge.job.planned_job import PlannedJob
from bridge.job.progress import Stages
from bridge.job.sending import Request, Upload, disk_space_needed, draw_seeds, encode
from bridge.protocol import Finished, Message, Patch, Received
from bridge.regen.call import Call
from bridge.regen.decoding import suffix
from bridge.regen.request import RegenRequest
from bridge.store import prompts
from bridge.store.arriving import Arriving
from bridge.store.private_files import StorageError

if TYPE_CHECKING:
    from bridge.regen.client import RegenClient

_log = logging.getLogger(__name__)

#: So many requests are under way at once; the others wait for their turn.
CONCURRENT = 8


class Regeneration:
    """The work itself: `run` it once, in a thread of its own; `drop` may be called from any other at any time.

    Making it announces that it begins, and does nothing else yet.

    Args:
        notify: gets the messages on the way, but not the last; called from the job's own threads.
        imported: returns once nothing is imported in another thread any more (see `bridge.service.imports`).

    Attributes:
        requests: one for each crop of each variation.
    """

    def __init__(
        self, planned: PlannedJob, notify: Callable[[Message], None], imported: Callable[[], None] = lambda: None
    ) -> None:
        job, crops, backend = planned.message.job, planned.planning.crops, planned.backend
        self._planned, self._notify, self._folder = planned, notify, planned.folder
        self._imported = imported
        self._seeds = draw_seeds(job.seed, job.variations)
        self._started = time.time()
        self._stages = Stages(notify, backend.name, crops, job.variations)
        self.requests = list[Request]()
        for variation, crop in product(range(1, job.variations + 1), range(1, len(crops) + 1)):
            arriving = Arriving(self._folder.file(f"arriving-{crop}-{variation}"), backend.key)
            call = Call(partial(self._stages.report, len(self.requests)), arriving.begin)
            self.requests.append(Request(len(self.requests), crop, variation, call, arriving))

    @property
    def billed(self) -> bool:
        """Whether its requests may cost money."""
        return self._planned.backend.billed

    def drop(self) -> bool:
        """Drops what was not fully sent, at once. Returns whether something was sent that may be billed."""
        for request in self.requests:
            request.call.cancel()
        return self.billed and any(request.call.sent for request in self.requests)

    def run(self) -> Finished:
        """Does all that follows the export. When it ends, all answers that came are in the journal.

        Raises:
            PhotioError: there is nothing to place.
        """
        job, masked, folder = self._planned.job, self._planned.message.masked, self._folder
        for remark in self._planned.planning.remarks:
            _log.warning("%s", remark)
        with closing(self._stages), workers() as pool:
            self._fetch_key()
            planning, crops = fitting.read_crops(folder, self._planned.planning, masked)
            uploads = [] if planning.in_turn else [pool.submit(encode, pool, crop) for crop in crops]
            fitting.save_masks(folder, planning)  # while the pictures are encoded
            self._imported()
            client = self._planned.backend.client()
            with folder.reserve(disk_space_needed(planning) * job.variations, len(self.requests)):
                # from here on something may have been paid for: the record says what, before it is sent
                self._note("sending")
                if planning.in_turn:
                    self._send_in_turn(planning, crops, client, pool)
                else:
                    self._send(uploads, client, pool)
        return self._outcome(planning)

    def _fetch_key(self) -> None:
        """Asks the keyring, if it has the key. Nothing has been sent, so a cancelled job is over at once meanwhile.

        Raises:
            PhotioError: it does not give it.
        """
        if self._planned.backend.in_keyring:
            self._stages.report(0, "keyring")
            self._planned = replace(self._planned, backend=self._planned.backend.with_key())
            for request in self.requests:
                request.arriving.hide(self._planned.backend.key)
            self._stages.report(0, "preparing")

    def _send(self, uploads: list[Future[Upload]], client: RegenClient, pool: Executor) -> None:
        """Sends each request as soon as its crop is encoded, and waits for all answers."""
        with ThreadPoolExecutor(CONCURRENT) as senders:  # waits, whatever goes wrong: what is sent may be billed
            for request in self.requests:
                senders.submit(self._obtain, request, uploads[request.crop - 1], client, pool)
            # while the service is at work, so that nobody waits for the disk
            prompts.remember(self._planned.message.job.prompt)
            for number, upload in enumerate(uploads, 1):
                self._keep_upload(number, upload)

    def _send_in_turn(self, planning: Planning, crops: list[CropWork], client: RegenClient, pool: Executor) -> None:
        """Sends the requests of each variation one after the other, and waits for all answers."""

        def obtain(variation: int) -> None:
            requests = [request for request in self.requests if request.variation == variation]
            for request, upload in sequence.uploads(self._folder, planning, crops, requests, pool):
                self._stages.report(request.number, "preparing")
                self._obtain(request, upload, client, pool)
                self._keep_upload(request.crop, upload)

        for request in self.requests:
            nothing = not sequence.fills(planning.areas[request.crop - 1])
            self._stages.report(request.number, "done" if nothing else "queued")
        with ThreadPoolExecutor(CONCURRENT) as senders:
            for variation in range(1, len(self._seeds) + 1):
                senders.submit(obtain, variation)
            prompts.remember(self._planned.message.job.prompt)

    def _keep_upload(self, number: int, upload: Future[Upload]) -> None:
        """Saves what is sent, for people who look into the folder; a full disk does no harm: it can be made again."""
        try:
            self._folder.save(f"sent-{number}.png", upload.result().base.data, lasting=False)
            self._folder.save(f"mask-{number}.png", upload.result().mask.data, lasting=False)
        except Exception as error:  # noqa: BLE001  (whoever sends the upload reports it to the user)
            _log.warning("what is sent is not kept: %s", error)

    def _obtain(self, request: Request, upload: Future[Upload], client: RegenClient, pool: Executor) -> None:
        """Sends one request, journals the answer and fits it. Errors are kept in `request` for `_outcome`."""
        name = f"answer-{request.crop}-{request.variation}"
        try:
            job, seed, sent = self._planned.message.job, self._seeds[request.variation - 1], upload.result()
            asked = (job.prompt, job.negative_prompt, job.quality, seed, job.cfg_scale)
            answer = client.regenerate(RegenRequest(sent.base, sent.mask, *asked), call=request.call)
            # meanwhile, because the disk takes its time; nothing of it is written before the answer is
            fitted = pool.submit(lambda: sent.fitter.result().fit(request.variation, answer.pixels, answer.seed))
            self._folder.save(f"{name}.{suffix(answer.media_type)}", answer.encoded)
            request.arriving.remove()
            self._notify(Received(request.variation, answer.seed))
            self._stages.report(request.number, "finishing")
            request.remarks = answer.warnings
            request.patches = fitting.save(self._folder, fitted.result())
            self._stages.report(request.number, "done")
            return
        except PhotioError as error:
            # the traceback would keep all that this job holds in memory for a long time
            request.error = error.with_traceback(None)
            self._keep_unreadable(name, error, request.arriving)
        except Exception as error:  # noqa: BLE001  (one request that fails must not cost the others)
            _log.exception("request %d failed", request.number)
            request.error = PhotioError(unexpected(), repr(error))
        self._stages.report(request.number, "failed")

    def _keep_unreadable(self, name: str, error: PhotioError, arriving: Arriving) -> None:
        """Saves what arrived even though it is no picture that we can use: it may have been paid for."""
        received: bytes = getattr(error, "received", b"")
        try:
            if received:
                self._folder.save(f"{name}.unreadable", received)
            if not isinstance(error, StorageError):  # then the file of what arrived is the only copy
                arriving.remove()
        except PhotioError as unsaved:  # the user hears the first error; this one is in the log
            _log.error("%s: %s %s", unsaved.code, unsaved.sentence, unsaved.details)

    def _outcome(self, planning: Planning) -> Finished:
        """Delivers what arrived, even if other requests failed."""
        errors = [request.error for request in self.requests if request.error]
        patches = dict.fromkeys(range(1, len(self._seeds) + 1), tuple[Patch, ...]())
        for request in self.requests:
            patches[request.variation] += request.patches
        if not any(patches.values()):
            error = foremost(errors[0], self.requests)
            may_be_billed = self.billed and any(request.may_be_billed for request in self.requests)
            self._note_end("failed", error=error.code, may_be_billed=may_be_billed)
            raise error
        remarks = [remark for request in self.requests for remark in request.remarks]
        missing = _("A part of the result is missing: {reason}")
        remarks += [missing.format(reason=error.sentence) for error in errors if error.code != "cancelled"]
        engine = self._planned.backend.name
        finished = fitting.finish(self._folder.id, planning, engine, self._seeds, patches)
        finished = replace(finished, remarks=tuple(dict.fromkeys(remarks)))
        # somebody may have emptied the journal while the service was at work
        fitting.save_masks(self._folder, planning, missing_only=True)
        return replace(finished, remarks=finished.remarks + self._note_end("received", result=asdict(finished)))

    def _note_end(self, state: str, **facts: Any) -> tuple[str, ...]:
        """Notes how the job ended. If that fails, the end stays what it is, and the user gets a sentence more.

        Without the note, the history makes the result again from the answers.
        """
        try:
            self._note(state, **facts)
        except StorageError as error:
            _log.error("the end is not noted: %s %s", error.sentence, error.details)
            return (_("The history could not be brought up to date: {reason}").format(reason=error.sentence),)
        return ()

    def _note(self, state: str, **facts: Any) -> None:
        """Writes the job's record, each time all of it: somebody may have removed it. May raise a `StorageError`."""
        planned, message = self._planned, self._planned.message
        self._folder.note(
            state=state,
            started=self._started,
            job=asdict(planned.job),
            document=asdict(message.document),
            selection=message.selection,
            masked=message.masked,
            native_limit=planned.native_limit,
            crops=[crop._asdict() for crop in planned.planning.crops],
            requests=planned.requests,
            engine=planned.backend.name,
            seeds=self._seeds,
            **facts,
        )


@contextmanager
def workers() -> Iterator[Executor]:
    """A thread for each core. At the end nobody waits for work that no answer needed."""
    pool = ThreadPoolExecutor(usable_cores())
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
