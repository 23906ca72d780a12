"""What a job sends: its requests, what they have in common, and what that takes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bridge.common.errors import PhotioError
from bridge.job.progress import Stages
from bridge.protocol import Job, Patch
from bridge.store.arriving import Arriving

if TYPE_CHECKING:  # slow to import, so not before the first picture
    from bridge.job.fitting import Grains, Noise, Source
    from bridge.job.steps import Planning, Reference
    from bridge.pixels.imaging import Pixels, Png
    from bridge.regen.call import Call
    from bridge.regen.client import RegenClient, RegenRequest

    #: Base and mask as the service gets them, from when they are made until they are compared with.
    Pictures: TypeAlias = tuple[list[Pixels], list[Pixels]]


class Ahead(NamedTuple):
    """What is made of a crop before its first answer comes, once for all variations."""

    source: Source
    base: Future[Png]
    mask: Future[Png]
    grains: Future[Grains]
    reference: Future[Reference]


def begin(pool: Executor, job: Job, planning: Planning, sources: list[Source]) -> list[Ahead]:
    """Has it made in `pool`, of every crop: first of all what is to be sent."""
    from PIL import Image

    from bridge.job import fitting
    from bridge.pixels.imaging import png_of

    def upload(picture: Callable[[], Pixels], shown: list[Pixels]) -> Png:
        shown.append(picture())
        return png_of(shown[0])

    def reference(source: Source, base: Future[Png], mask: Future[Png], shown: Pictures) -> Reference:
        for each in (base, mask):
            each.result()  # waits
        # taken out: their memory is soon needed for the answers
        return fitting.reference(planning, source, shown[0].pop(), shown[1].pop())

    uploads = []
    for source in sources:
        shown: Pictures = ([], [])
        base = pool.submit(upload, partial(fitting.service_base, source), shown[0])
        mask = pool.submit(upload, partial(fitting.service_mask, planning, source), shown[1])
        uploads.append((source, shown, base, mask))
    ahead = [
        Ahead(
            source,
            base,
            mask,
            pool.submit(fitting.grains, job, planning, source),
            pool.submit(reference, source, base, mask, shown),
        )
        for source, shown, base, mask in uploads
    ]
    pool.submit(Image.preinit)  # Pillow's formats, which it would else load with the first answer
    return ahead


@dataclass(frozen=True)
class Sent:
    """What all requests of a job share; `pool` has a thread for each core."""

    job: Job
    planning: Planning
    seeds: list[int]
    stages: Stages
    client: RegenClient
    pool: Executor
    crops: list[Ahead]

    def request(self, sending: Sending) -> RegenRequest:
        """One of them, as soon as its crop is encoded."""
        from bridge.regen.client import RegenRequest

        crop, job, seed = self.crops[sending.crop - 1], self.job, self.seeds[sending.variation - 1]
        base, mask = crop.base.result(), crop.mask.result()
        return RegenRequest(base, mask, job.prompt, job.negative_prompt, job.quality, seed, job.cfg_scale)

    def noise(self, sending: Sending) -> Future[Noise]:
        """Has it made for one answer, while the service works, where there is memory for it."""
        from bridge.job import fitting

        source, grains = self.crops[sending.crop - 1].source, self.crops[sending.crop - 1].grains
        if (sending.number + 1) * fitting.noise_bytes(self.planning, source) > fitting.MOST_NOISE:
            return self.pool.submit(dict)
        return self.pool.submit(fitting.noise, self.planning, source, grains.result, self.seeds[sending.variation - 1])


@dataclass
class Sending:
    """One request of a job and what became of it; `number` counts them from 0, `crop` and `variation` from 1."""

    number: int
    crop: int
    variation: int
    call: Call
    arriving: Arriving
    patches: tuple[Patch, ...] = ()
    error: PhotioError | None = None
    remarks: tuple[str, ...] = ()

    @property
    def may_be_billed(self) -> bool:
        """Whether the service got it whole, and did not say that it does not count."""
        from bridge.regen.errors import RegenError

        return self.error.may_be_billed if isinstance(self.error, RegenError) else self.call.sent


def draw_seeds(seed: int, count: int) -> list[int]:
    """As many seeds as there are variations: `seed` (drawn for −1) and those that follow it."""
    from bridge.regen.request import LARGEST_SEED, RANDOM_SEED, draw_seed

    first = draw_seed() if seed == RANDOM_SEED else seed
    return [first] + [1 + (first - 1 + number) % LARGEST_SEED for number in range(1, count)]


def room_needed(planning: Planning) -> int:
    """The bytes that the answers for one variation, and what is placed of them, take on the disk at most."""
    answers = sum(4 * crop.size.width * crop.size.height for crop in planning.crops)
    placed = sum(8 * area.box.width * area.box.height for area in planning.areas)
    return answers + placed + (1 << 20)  # the record, and what file systems add


def largest_upload(width: int, height: int) -> int:
    """The most bytes that a request of this size can take: RGB and a mask as PNGs that do not compress, in Base64."""
    raw = 3 * width * height + width * height // 8
    return (raw + raw // 1000 + 4096) * 4 // 3
