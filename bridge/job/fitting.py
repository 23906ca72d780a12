"""From the files in a job folder to what GIMP places; the same whether the answer came now or waits since last week."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

from bridge.job import steps
from bridge.job.planning import Piece
from bridge.job.provenance import provenance
from bridge.job.steps import Planning, Reference
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Size, bounds
from bridge.pixels.imaging import Pixels
from bridge.pixels.match_grain import Grain, Spectra
from bridge.protocol import SELECTION_FILE, Finished, Job, Patch, ProtocolError, Rectangle, Result
from bridge.store.journal import JobFolder


@dataclass(frozen=True)
class Source:
    """A crop, counted from 1, and its pixels as GIMP gave them."""

    number: int
    piece: Piece
    pixels: Pixels


#: The grain around each area, by its number.
Grains: TypeAlias = Mapping[int, Grain | None]

#: Noise for one answer to a crop, by the area's number.
Noise: TypeAlias = Mapping[int, Spectra]

#: Bytes of noise that are kept for answers that are still to come; for the others it is made when they have come.
MOST_NOISE = 24 * 1024 * 1024


class Fitted(NamedTuple):
    """What GIMP places in one area, and the content of its file."""

    patch: Patch
    content: bytes


def base_file(number: int) -> str:
    """The crop as GIMP exported it; `number` from 1."""
    return f"base-{number}.pnm"


def plan(
    folder: JobFolder, job: Job, canvas: tuple[int, int], selection: Rectangle, masked: bool, native_limit: float
) -> Planning:
    """What a job will send, from the selection in its folder.

    Args:
        selection: its bounds on the canvas.
        masked: whether there is a file of its coverage.
        native_limit: in megapixels.

    Raises:
        ProtocolError: selection and canvas do not fit.
        PhotioError: there is nothing to do, or the selection cannot be read.
    """
    size, selected = Size(*canvas), Box(*selection)
    if selected.is_empty or not Box(0, 0, *size).contains(selected):
        raise ProtocolError("the selection is not inside the canvas")
    coverage = imaging.read_pnm(folder.file(SELECTION_FILE)) if masked else None
    if coverage is not None and coverage.shape != (selected.height, selected.width):
        raise ProtocolError("the selection is not of the size that was said")
    return steps.plan(job, coverage, selected, size, native_limit)


def read_crops(folder: JobFolder, planning: Planning, job: Job, masked: bool) -> tuple[Planning, list[Source]]:
    """The crops that GIMP exported; and the planning, with transparent parts if they are wanted.

    Raises:
        PhotioError: a crop cannot be read, or there is nothing to do.
    """
    pixels = [imaging.read_pnm(folder.file(base_file(at))) for at in range(1, len(planning.crops) + 1)]
    if job.fill_transparent:
        planning = steps.with_transparency(planning, pixels[0], job, masked)
    return planning, [Source(at, *each) for at, each in enumerate(zip(planning.pieces, pixels, strict=True), 1)]


def service_base(source: Source) -> Pixels:
    """A crop as the service gets it."""
    return imaging.to_service(source.pixels, source.piece.crop)


def service_mask(planning: Planning, source: Source) -> Pixels:
    """A crop's mask as the service gets it."""
    return steps.service_mask(planning, source.piece.crop)


def reference(planning: Planning, source: Source, base: Pixels, mask: Pixels) -> Reference:
    """What the answers for a crop are compared with; `base` and `mask` as the service got them."""
    return steps.reference(planning, source.piece, source.pixels, base, mask)


def grains(job: Job, planning: Planning, source: Source) -> Grains:
    """The photograph's grain around each area of a crop, if it is to be matched."""
    numbers = planning.areas_of(source.piece) if job.match_grain else ()
    return {each: steps.grain(planning, source.piece.crop, planning.areas[each], source.pixels) for each in numbers}


def noise_bytes(planning: Planning, source: Source) -> int:
    """How much memory the `noise` for one answer takes, but for what completes its patches."""
    boxes = (planning.areas[each].box for each in planning.areas_of(source.piece))
    return sum(24 * box.width * box.height for box in boxes)  # half a spectrum of three colours, complex128


def noise(planning: Planning, source: Source, grains: Callable[[], Grains], seed: int) -> Noise:
    """What `fit` makes grain of, for the answer of that seed."""
    crop, found = source.piece.crop, grains()
    return {at: steps.noise(planning, crop, planning.areas[at], grain, seed) for at, grain in found.items() if grain}


def fit(
    job: Job,
    planning: Planning,
    source: Source,
    reference: Callable[[], Reference],
    grains: Callable[[], Grains],
    variation: int,
    answer: Pixels,
    seed: int,
    noise: Callable[[], Noise] = dict,
) -> tuple[Fitted, ...]:
    """Makes one answer fit its surroundings. `reference` and `grains` tell the crop's, where they are needed, `noise`
    what was made for this answer."""
    made, compared = [], reference()
    corrected = steps.corrected(job, compared, answer)
    for number in planning.areas_of(source.piece):
        area, grain = planning.areas[number], partial(lambda each: grains()[each], number)
        white = partial(lambda each: noise().get(each), number)
        fitted, alpha = steps.fit(job, planning, compared.crop, area, source.pixels, corrected, grain, seed, white)
        name = f"result-{source.number}-{variation}-{number + 1}.pnm"
        made.append(Fitted(Patch(name, area.box), imaging.deep_pnm(fitted, alpha)))
    return tuple(made)


def save(folder: JobFolder, fitted: Sequence[Fitted]) -> tuple[Patch, ...]:
    """Saves what is to be placed.

    Raises:
        StorageError: it cannot be saved.
    """
    for each in fitted:
        folder.save(each.patch.file, each.content)
    return tuple(each.patch for each in fitted)


def save_masks(folder: JobFolder, planning: Planning) -> None:
    """Saves what the layers' masks will show; they can be made again from what the record says.

    Raises:
        StorageError: it cannot be saved.
    """
    for number, area in enumerate(planning.areas, 1):
        folder.save(_mask_file(number), imaging.pnm(area.mask), lasting=False)


def keep_masks(folder: JobFolder, planning: Planning) -> None:
    """Saves those again that are no longer there.

    Raises:
        StorageError: it cannot be saved.
    """
    for number, area in enumerate(planning.areas, 1):
        if not folder.file(_mask_file(number)).exists():
            folder.save(_mask_file(number), imaging.pnm(area.mask))


def finish(
    folder: JobFolder,
    job: Job,
    planning: Planning,
    engine: str,
    seeds: Sequence[int],
    patches: Mapping[int, tuple[Patch, ...]],
    remarks: Sequence[str],
) -> Finished:
    """All that GIMP needs for placing the variations of which there is anything.

    Args:
        engine: the one really used.
        seeds: one for each variation, from the first.
        patches: by variation, from 1.
        remarks: sentences for the user; each is said once.
    """
    results = [
        Result(
            patches[number],
            number,
            seeds[number - 1],
            provenance(job, folder.id, number, seeds[number - 1], engine, planning.crops),
        )
        for number in sorted(patches)
        if patches[number]
    ]
    masks = tuple(Patch(_mask_file(number), area.box) for number, area in enumerate(planning.areas, 1))
    box = bounds(area.box for area in planning.areas)
    return Finished(box, masks, tuple(results), tuple(dict.fromkeys(remarks)))


def _mask_file(number: int) -> str:
    return f"layer-mask-{number}.pgm"
