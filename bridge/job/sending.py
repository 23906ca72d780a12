"""What a job sends: its requests, and what they take."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import NamedTuple

from bridge.common.errors import PhotioError
from bridge.job.areas import Planning
from bridge.job.crop_work import CropWork, Fitter
from bridge.pixels.imaging import Png, png_of
from bridge.protocol import Patch
from bridge.regen.call import Call
from bridge.regen.errors import RegenError
from bridge.regen.request import LARGEST_SEED, RANDOM_SEED, draw_seed
from bridge.store.arriving import Arriving


class Upload(NamedTuple):
    """A crop and its mask, encoded for the service; `fitter` follows while the service works."""

    base: Png
    mask: Png
    fitter: Future[Fitter]


def encode(pool: Executor, work: CropWork) -> Upload:
    """Encodes a crop, once for all variations, and then leaves it to `pool` to prepare fitting the answers.

    Run in `pool` itself for each crop of a job, so that all of them are encoded before the first is prepared. From then
    on nothing holds the pictures that were sent: the answers need their memory.
    """
    base, mask = work.base(), work.mask()
    return Upload(png_of(base), png_of(mask), pool.submit(work.fitter, base, mask))


@dataclass
class Request:
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
        return self.error.may_be_billed if isinstance(self.error, RegenError) else self.call.sent


def draw_seeds(seed: int, count: int) -> list[int]:
    """As many seeds as there are variations: `seed` (drawn for −1) and those that follow it."""
    first = draw_seed() if seed == RANDOM_SEED else seed
    return [first] + [1 + (first - 1 + number) % LARGEST_SEED for number in range(1, count)]


def disk_space_needed(planning: Planning) -> int:
    """The most bytes that one variation's answers and the result made of them take on the disk."""
    answers = sum(4 * crop.size.width * crop.size.height for crop in planning.crops)
    placed = sum(9 * area.box.width * area.box.height for area in planning.areas)
    return answers + placed + (1 << 20)  # the record, and what file systems add


def largest_upload(width: int, height: int) -> int:
    """The most bytes that a request of this size can take: RGB and a mask as PNGs that do not compress, in Base64."""
    raw = 3 * width * height + width * height // 8
    return (raw + raw // 1000 + 4096) * 4 // 3
