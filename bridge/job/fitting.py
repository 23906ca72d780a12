"""From the files in a job folder to what GIMP places; the same whether the answer came now or last week."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from bridge import __version__
from bridge.job import areas, expansion
from bridge.job.areas import Planning
from bridge.job.crop_work import MASK, CropWork
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Crop, Size, bounds
from bridge.protocol import SELECTION_FILE, Document, Finished, Job, Patch, ProtocolError, Rectangle, Result
from bridge.store.journal import JobFolder

#: The version of a layer's provenance.
FORMAT = 1


def base_file(number: int) -> str:
    """The crop as GIMP exported it; `number` from 1."""
    return f"base-{number}.pnm"


def plan(
    folder: JobFolder, job: Job, document: Document, selection: Rectangle, masked: bool, native_limit: float
) -> Planning:
    """What a job will send, from the selection in its folder; for a larger canvas, from what is new on it.

    Args:
        selection: its bounds on the canvas.
        masked: whether there is a file of its coverage.
        native_limit: in megapixels.

    Raises:
        ProtocolError: selection and canvas do not fit, or the canvas before and the new one.
        PhotioError: there is nothing to do, or the selection cannot be read.
    """
    size, selected = Size(*document.canvas), Box(*selection)
    whole = Box(0, 0, *size)
    if document.before is not None:
        before = Box(*document.before)
        if before.is_empty or not whole.contains(before):
            raise ProtocolError("the canvas before is not inside the new one")
        return expansion.plan(job, size, before, native_limit)
    if selected.is_empty or not whole.contains(selected):
        raise ProtocolError("the selection is not inside the canvas")
    coverage = imaging.read_pnm(folder.file(SELECTION_FILE)) if masked else None
    if coverage is not None and coverage.shape != (selected.height, selected.width):
        raise ProtocolError("the selection is not of the size that was said")
    return areas.plan(job, coverage, selected, size, native_limit)


def read_crops(folder: JobFolder, planning: Planning, masked: bool) -> tuple[Planning, list[CropWork]]:
    """The crops that GIMP exported, and the planning, with transparent parts if they are wanted.

    Raises:
        PhotioError: a crop cannot be read, or there is nothing to do.
    """
    pixels = [imaging.read_pnm(folder.file(base_file(at))) for at in range(1, len(planning.crops) + 1)]
    if planning.in_turn:
        planning = expansion.in_turn(planning, pixels)
    elif planning.job.fill_transparent:
        planning = areas.with_transparency(planning, pixels[0], masked)
    pairs = zip(planning.pieces, pixels, strict=True)
    return planning, [CropWork(planning, number, *pair) for number, pair in enumerate(pairs, 1)]


def save(folder: JobFolder, fitted: Sequence[tuple[Patch, bytes]]) -> tuple[Patch, ...]:
    """Saves what `Fitter.fit` made; raises a `StorageError` if that fails."""
    for patch, content in fitted:
        folder.save(patch.file, content)
    return tuple(patch for patch, _content in fitted)


def save_masks(folder: JobFolder, planning: Planning, missing_only: bool = False) -> None:
    """Saves the layers' masks; not durably, because they can be made again. Raises a `StorageError` if that fails.

    Args:
        missing_only: saves those that are gone, and durably, because the selection may be gone as well.
    """
    for patch, area in zip(_masks(planning), planning.areas, strict=True):
        if not (missing_only and folder.file(patch.file).exists()):
            folder.save(patch.file, imaging.pnm(area.mask), lasting=missing_only)


def finish(
    job_id: str,
    planning: Planning,
    engine: str,
    seeds: Sequence[int],
    patches: Mapping[int, tuple[Patch, ...]],
) -> Finished:
    """All that GIMP needs to place the variations that have patches; without remarks.

    Args:
        engine: the one really used.
        seeds: one for each variation, from the first.
        patches: by variation, from 1: what `save` saved, pictures and masks of their own.
    """
    results, common = list[Result](), _masks(planning)
    for number, seed in enumerate(seeds, 1):
        masks = tuple(patch for patch in patches.get(number, ()) if is_mask(patch))
        pictures = tuple(patch for patch in patches.get(number, ()) if not is_mask(patch))
        if pictures:
            told = provenance(planning.job, job_id, number, seed, engine, planning.crops)
            results.append(Result(pictures, number, seed, told, masks))
    if planning.in_turn:  # a request that failed shows nothing, and neither do those that would have followed it
        shown = {patch.box for result in results for patch in result.patches}
        common = tuple(mask for mask in common if mask.box in shown)
    return Finished(bounds(area.box for area in planning.areas), common, tuple(results), ())


def provenance(job: Job, job_id: str, variation: int, seed: int, engine: str, crops: Sequence[Crop]) -> str:
    """How a layer was made, as JSON for the image (docs/provenance.md); contains no key and no user name.

    Args:
        variation: from 1.
        seed: the one really used.
        engine: the one really used, "photio" or "offline".
    """
    return json.dumps(  # in ASCII: PyGObject refuses a parasite with other bytes
        {
            "format": FORMAT,
            "plugin": __version__,
            "job": job_id,
            "variation": variation,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "engine": engine,
            "seed": seed,
            **asdict(replace(job, engine=engine, seed=seed)),
            "crops": [crop._asdict() for crop in crops],
        }
    )


def is_mask(patch: Patch) -> bool:
    """Whether a part of a result is one of its layer mask, and not of its picture."""
    return patch.file.startswith(MASK)


def _masks(planning: Planning) -> tuple[Patch, ...]:
    return tuple(Patch(f"{MASK}-{number}.pgm", area.box) for number, area in enumerate(planning.areas, 1))
