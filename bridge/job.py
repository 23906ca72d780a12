"""One job, step by step: plan → prepare → send → journal → fit."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge import backend, places
from bridge.errors import PhotioError
from bridge.geometry import Box, Crop, Size, context_for, plan_crop
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
    Plan,
    Planned,
    ProtocolError,
    Received,
    Result,
)
from bridge.settings import Settings

if TYPE_CHECKING:  # slow to import, so not before the first picture
    from PIL import Image

    from bridge.imaging import Pixels
    from bridge.regen import Call, RegenClient, RegenRequest, RegenResult

_log = logging.getLogger(__name__)

#: So many requests are under way at once; the others wait for their turn.
CONCURRENT = 4

LAYER_MASK_FILE = "layer-mask.pgm"
BASE_FILE = "base-1.ppm"


@dataclass(frozen=True)
class Planning:
    """What `plan` decided: the area that the layer will cover, its mask over that, and the crop to send."""

    area: Box
    mask: Pixels
    crop: Crop


@dataclass
class Variation:
    """One request of a job and what became of it."""

    number: int
    request: RegenRequest
    call: Call
    result: Result | None = None
    error: PhotioError | None = None
    remarks: tuple[str, ...] = ()


class RunningJob:
    """A job from `Open` to its end. `announce` is called from the job's own threads too."""

    def __init__(
        self, job: Job, settings: Settings, remarks: tuple[str, ...], announce: Callable[[Message], None]
    ) -> None:
        self._job = job
        self._remarks = remarks
        self._announce = announce
        self._backend = backend.choose(job, settings)
        self._folder = JobFolder.create(places.journal_directory(), job)
        self._planning: Planning | None = None
        self._variations: tuple[Variation, ...] = ()
        self._runner: threading.Thread | None = None
        self._turns = threading.Semaphore(CONCURRENT)
        self._cancelled = threading.Event()

    @property
    def opened(self) -> Opened:
        """Where the job's files go."""
        return Opened(self._folder.id, str(self._folder.path))

    def plan(self, message: Plan) -> Planned:
        """Decides on the crop. Nothing has been read of the image yet but the selection.

        Raises:
            PhotioError: it cannot work; nothing was sent.
        """
        from bridge import imaging

        canvas, selected = Size(*message.canvas), Box(*message.selection)
        whole = Box(0, 0, *canvas)
        if selected.is_empty or not whole.contains(selected):
            raise ProtocolError("the selection is not inside the canvas")
        area = selected.grown(self._job.grow + self._job.feather).within(whole)
        selection = imaging.read_pnm(self._folder.file(SELECTION_FILE)) if message.masked else None
        mask = imaging.layer_mask(selection, selected, area, self._job.grow, self._job.feather)
        crop = plan_crop(area, context_for(selected, self._job.context), canvas)
        self._folder.save(LAYER_MASK_FILE, imaging.pnm(mask))
        self._folder.note(
            state="planned",
            canvas=canvas,
            area=area,
            crop={"box": crop.box, "padding": crop.padding, "size": crop.size},
            engine=self._backend.name,
        )
        self._planning = Planning(area, mask, crop)
        export = CropPlan(BASE_FILE, crop.box, crop.size, crop.scale)
        return Planned((export,), self._job.variations, self._backend.name, (*self._remarks, *self._backend.remarks))

    def start(self) -> None:
        """Runs the rest in a thread of its own."""
        if self._planning is None or self._runner is not None:
            raise ProtocolError("Run was not expected now")
        self._runner = threading.Thread(target=self._run, args=(self._planning,), name="job", daemon=True)
        self._runner.start()

    def cancel(self) -> Cancelled:
        """Drops what was not fully sent. What was sent is waited for, quietly: it may have been billed."""
        self._cancelled.set()
        for variation in self._variations:
            variation.call.cancel()
        return Cancelled(self._backend.billed and any(variation.call.sent for variation in self._variations))

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
        from bridge import imaging

        stages = Stages(self._announce, self._backend.name, self._job.variations)
        source = imaging.read_pnm(self._folder.file(BASE_FILE))
        base = imaging.to_service(source, planning.crop)
        edited = imaging.mask_to_service(imaging.edited(planning.mask, planning.area, planning.crop), planning.crop)
        self._folder.save("sent-1.png", _png(base))
        self._folder.save("mask-1.png", _png(edited))
        self._variations = self._prepare(base, edited, stages)
        if self._cancelled.is_set():  # before there was anything to cancel
            self.cancel()
        with self._backend.client() as client:
            threads = [
                threading.Thread(target=self._obtain, args=(variation, client, planning, source), daemon=True)
                for variation in self._variations
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return self._outcome(planning)

    def _prepare(self, base: Image.Image, edited: Image.Image, stages: Stages) -> tuple[Variation, ...]:
        from bridge.regen import Call, RegenRequest

        job = self._job
        seeds = _seeds(job.seed, job.variations)
        self._folder.note(state="sending", seeds=seeds)
        return tuple(
            Variation(
                number,
                RegenRequest(base, edited, job.prompt, job.negative_prompt, job.quality, seed, job.cfg_scale),
                Call(on_progress=stages.of(number)),
            )
            for number, seed in enumerate(seeds, 1)
        )

    def _obtain(self, variation: Variation, client: RegenClient, planning: Planning, source: Pixels) -> None:
        """Sends one request, journals the answer, makes it fit. Its errors wait for `_outcome`."""
        from bridge.regen_errors import MalformedResponseError

        try:
            with self._turns:
                answer = client.regenerate(variation.request, call=variation.call)
            suffix = answer.media_type.partition("/")[2].replace("jpeg", "jpg")
            self._folder.save(f"answer-1-{variation.number}.{suffix}", answer.encoded)
            self._announce(Received(variation.number, answer.seed))
            variation.remarks = answer.warnings
            variation.result = self._fit(variation, answer, planning, source)
        except MalformedResponseError as error:
            if error.received:  # no picture that we can use, but paid for: somebody may make sense of it
                self._folder.save(f"answer-1-{variation.number}.unreadable", error.received)
            variation.error = error
        except PhotioError as error:
            variation.error = error
        except Exception as error:  # noqa: BLE001  (as in `_run`)
            _log.exception("variation %d failed", variation.number)
            variation.error = PhotioError(f"Something unexpected happened; {places.log_file()} says more.", repr(error))

    def _fit(self, variation: Variation, answer: RegenResult, planning: Planning, source: Pixels) -> Result:
        from bridge import imaging

        colours = imaging.from_service(answer.image, planning.crop, planning.area)
        inner = planning.area.relative_to(planning.crop.box)
        original = source[inner.y : inner.bottom, inner.x : inner.right]
        name = f"result-{variation.number}.ppm"
        self._folder.save(name, imaging.pnm(imaging.with_alpha(colours, original)))
        return Result(name, answer.seed)

    def _outcome(self, planning: Planning) -> Message:
        """What arrived is delivered, whatever happened to the rest."""
        results = tuple(variation.result for variation in self._variations if variation.result)
        errors = [variation.error for variation in self._variations if variation.error]
        if not results:
            self._folder.note(state="failed", error=errors[0].code)
            raise errors[0]
        self._folder.note(state="received", results=[{"file": result.file, "seed": result.seed} for result in results])
        remarks = [remark for variation in self._variations for remark in variation.remarks]
        remarks += [f"A variation is missing: {error.sentence}" for error in errors]
        return Finished(planning.area, LAYER_MASK_FILE, results, tuple(dict.fromkeys(remarks)))


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
