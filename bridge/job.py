"""One job: what was asked, in steps, with what must be on the disk at each of them.

plan → prepare → send → journal → fit; the pixels' part of that is in `bridge.steps`.
"""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bridge import backend, places
from bridge.errors import PhotioError
from bridge.geometry import Box, Size, bounds
from bridge.journal import JobFolder
from bridge.progress import Stages
from bridge.protocol import (
    SELECTION_FILE,
    Cancelled,
    CropPlan,
    Failed,
    Finished,
    Job,
    Message,
    Opened,
    Patch,
    Plan,
    Planned,
    ProtocolError,
    Received,
    Result,
)
from bridge.provenance import provenance
from bridge.settings import Settings

if TYPE_CHECKING:  # slow to import, so not before the first picture
    from PIL import Image

    from bridge.imaging import Pixels
    from bridge.planning import Piece
    from bridge.regen import Call, RegenClient, RegenRequest, RegenResult
    from bridge.steps import Planning

_log = logging.getLogger(__name__)

#: So many requests are under way at once; the others wait for their turn.
CONCURRENT = 8


class TooManyRequestsError(PhotioError):
    """The job would take more requests, and so cost more, than the user allows."""

    code = "too-many-requests"


@dataclass(frozen=True)
class Export:
    """A crop, its pixels as GIMP gave them, and both pictures as the service gets them."""

    number: int
    piece: Piece
    source: Pixels
    base: Image.Image
    mask: Image.Image


@dataclass
class Sending:
    """One request of a job and what became of it."""

    export: Export
    variation: int
    request: RegenRequest
    call: Call
    patches: tuple[Patch, ...] = ()
    error: PhotioError | None = None
    remarks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Tells its files from those of the others: crop and variation."""
        return f"{self.export.number}-{self.variation}"


class RunningJob:
    """A job from `Open` to its end. `announce` is called from the job's own threads too."""

    def __init__(
        self, job: Job, settings: Settings, remarks: tuple[str, ...], announce: Callable[[Message], None]
    ) -> None:
        self._job = job
        self._settings = settings
        self._remarks = remarks
        self._announce = announce
        self._backend = backend.choose(job.engine, job.prompt, settings)
        self._folder = JobFolder.create(places.journal_directory(), job)
        self._planning: Planning | None = None
        self._masked = False
        self._sendings: tuple[Sending, ...] = ()
        self._runner: threading.Thread | None = None
        self._turns = threading.Semaphore(CONCURRENT)
        self._cancelled = threading.Event()

    @property
    def opened(self) -> Opened:
        """Where the job's files go."""
        return Opened(self._folder.id, str(self._folder.path))

    def plan(self, message: Plan) -> Planned:
        """Decides on the crops. Nothing has been read of the image yet but the selection.

        Raises:
            PhotioError: it cannot work; nothing was sent.
        """
        from bridge import imaging, steps

        canvas, selected = Size(*message.canvas), Box(*message.selection)
        if selected.is_empty or not Box(0, 0, *canvas).contains(selected):
            raise ProtocolError("the selection is not inside the canvas")
        selection = imaging.read_pnm(self._folder.file(SELECTION_FILE)) if message.masked else None
        if selection is not None and selection.shape != (selected.height, selected.width):
            raise ProtocolError("the selection is not of the size that was said")
        planning = steps.plan(self._job, selection, selected, canvas, self._settings.native_limit)
        requests = len(planning.crops) * self._job.variations
        if requests > self._settings.most_requests:
            raise TooManyRequestsError(
                f"This would take {requests} requests, more than the {self._settings.most_requests} that your settings "
                "allow: select fewer areas, send them together, or ask for fewer variations."
            )
        crops = [{"box": crop.box, "padding": crop.padding, "size": crop.size} for crop in planning.crops]
        self._folder.note(state="planned", canvas=canvas, crops=crops, requests=requests, engine=self._backend.name)
        self._planning, self._masked = planning, message.masked
        exports = tuple(
            CropPlan(_base_file(number), crop.box, crop.size, crop.scale)
            for number, crop in enumerate(planning.crops, 1)
        )
        return Planned(exports, requests, self._backend.name, (*self._remarks, *self._backend.remarks))

    def start(self) -> None:
        """Runs the rest in a thread of its own."""
        if self._planning is None or self._runner is not None:
            raise ProtocolError("Run was not expected now")
        self._runner = threading.Thread(target=self._run, args=(self._planning,), name="job", daemon=True)
        self._runner.start()

    def cancel(self) -> Cancelled:
        """Drops what was not fully sent. What was sent is waited for, quietly: it may have been billed."""
        self._cancelled.set()
        for sending in self._sendings:
            sending.call.cancel()
        return Cancelled(self._backend.billed and any(sending.call.sent for sending in self._sendings))

    def leave(self) -> None:
        """The plug-in is gone: returns when the answers to all that was paid for are in the journal."""
        if self._runner and self.cancel().may_be_billed:
            self._runner.join()
        self._folder.discard_if_unanswered()

    def placed(self) -> None:
        """The layers are in the image."""
        self._folder.note(state="placed", placed=time.time())

    def _run(self, planning: Planning) -> None:
        try:
            self._announce(self._regenerate(planning))
        except PhotioError as error:
            _log.warning("%s: %s %s", error.code, error.sentence, error.details)
            self._announce(Failed(error.code, error.sentence))
        except Exception:  # noqa: BLE001  (the last line of defence: the user gets a sentence, the log everything)
            _log.exception("the job failed")
            self._announce(Failed("internal", f"Something unexpected happened; {places.log_file()} says more."))

    def _regenerate(self, planning: Planning) -> Message:
        """All that follows the export."""
        stages = Stages(self._announce, self._backend.name, planning.crops, self._job.variations)
        planning, exports = self._read(planning)
        self._sendings = self._prepare(exports, stages)
        if self._cancelled.is_set():  # before there was anything to cancel
            self.cancel()
        with self._backend.client() as client:
            threads = [
                threading.Thread(target=self._obtain, args=(sending, client, planning), daemon=True)
                for sending in self._sendings
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return self._outcome(planning)

    def _read(self, planning: Planning) -> tuple[Planning, list[Export]]:
        """The crops that GIMP exported, made ready."""
        from bridge import imaging, steps

        sources = [imaging.read_pnm(self._folder.file(_base_file(at))) for at in range(1, len(planning.crops) + 1)]
        if self._job.fill_transparent:
            planning = steps.with_transparency(planning, sources[0], self._job, self._masked)
        exports = []
        for number, (piece, source) in enumerate(zip(planning.pieces, sources, strict=True), 1):
            base, mask = steps.prepare(planning, piece.crop, source)
            self._folder.save(f"sent-{number}.png", _png(base))
            self._folder.save(f"mask-{number}.png", _png(mask))
            exports.append(Export(number, piece, source, base, mask))
        for number, area in enumerate(planning.areas, 1):
            self._folder.save(_mask_file(number), imaging.pnm(area.mask))
        return planning, exports

    def _prepare(self, exports: list[Export], stages: Stages) -> tuple[Sending, ...]:
        from bridge.regen import Call, RegenRequest

        job, seeds = self._job, _seeds(self._job.seed, self._job.variations)
        self._folder.note(state="sending", seeds=seeds)
        pairs = [(export, variation) for variation in range(1, job.variations + 1) for export in exports]
        return tuple(
            Sending(
                export,
                variation,
                RegenRequest(
                    export.base,
                    export.mask,
                    job.prompt,
                    job.negative_prompt,
                    job.quality,
                    seeds[variation - 1],
                    job.cfg_scale,
                ),
                Call(on_progress=stages.of(number)),
            )
            for number, (export, variation) in enumerate(pairs)
        )

    def _obtain(self, sending: Sending, client: RegenClient, planning: Planning) -> None:
        """Sends one request, journals the answer, makes it fit. Its errors wait for `_outcome`."""
        from bridge.regen_errors import MalformedResponseError

        try:
            with self._turns:
                answer = client.regenerate(sending.request, call=sending.call)
            suffix = answer.media_type.partition("/")[2].replace("jpeg", "jpg")
            self._folder.save(f"answer-{sending.name}.{suffix}", answer.encoded)
            self._announce(Received(sending.variation, answer.seed))
            sending.remarks = answer.warnings
            sending.patches = self._fit(sending, answer, planning)
        except MalformedResponseError as error:
            if error.received:  # no picture that we can use, but paid for: somebody may make sense of it
                self._folder.save(f"answer-{sending.name}.unreadable", error.received)
            sending.error = error
        except PhotioError as error:
            sending.error = error
        except Exception as error:  # noqa: BLE001  (as in `_run`)
            _log.exception("request %s failed", sending.name)
            sending.error = PhotioError(f"Something unexpected happened; {places.log_file()} says more.", repr(error))

    def _fit(self, sending: Sending, answer: RegenResult, planning: Planning) -> tuple[Patch, ...]:
        from bridge import imaging, steps

        export, patches = sending.export, []
        colours = steps.corrected(self._job, export.base, export.mask, answer.image)
        for number in planning.areas_of(export.piece):
            area = planning.areas[number]
            fitted, alpha = steps.fit(self._job, planning, export.piece.crop, area, export.source, colours, answer.seed)
            name = f"result-{sending.name}-{number + 1}.pnm"
            self._folder.save(name, imaging.deep_pnm(fitted, alpha))
            patches.append(Patch(name, area.box))
        return tuple(patches)

    def _outcome(self, planning: Planning) -> Message:
        """What arrived is delivered, whatever happened to the rest."""
        errors = [sending.error for sending in self._sendings if sending.error]
        results = []
        for variation in range(1, self._job.variations + 1):
            ours = [sending for sending in self._sendings if sending.variation == variation]
            patches = tuple(patch for sending in ours for patch in sending.patches)
            if patches:
                seed = ours[0].request.seed
                text = provenance(self._job, self._folder.id, variation, seed, self._backend.name, planning.crops)
                results.append(Result(patches, seed, text))
        if not results:
            self._folder.note(state="failed", error=errors[0].code)
            raise errors[0]
        masks = tuple(Patch(_mask_file(number), area.box) for number, area in enumerate(planning.areas, 1))
        remarks = [remark for sending in self._sendings for remark in sending.remarks]
        remarks += [f"A part of the result is missing: {error.sentence}" for error in errors]
        finished = Finished(
            bounds(area.box for area in planning.areas), masks, tuple(results), tuple(dict.fromkeys(remarks))
        )
        self._folder.note(state="received", result=asdict(finished))
        return finished


def _base_file(number: int) -> str:
    return f"base-{number}.pnm"


def _mask_file(number: int) -> str:
    return f"layer-mask-{number}.pgm"


def _seeds(seed: int, count: int) -> list[int]:
    """As many seeds as there are variations: `seed` (drawn for −1) and those that follow it."""
    from bridge.regen import LARGEST_SEED, RANDOM_SEED, draw_seed

    first = draw_seed() if seed == RANDOM_SEED else seed
    return [first] + [1 + (first - 1 + number) % LARGEST_SEED for number in range(1, count)]


def _png(image: Image.Image) -> bytes:
    """For the journal: quick to write rather than small."""
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=1)
    return data.getvalue()
