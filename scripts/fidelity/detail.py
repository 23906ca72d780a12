"""Measures and shows *Match detail*, on answers that were scaled up and whose true content is known."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bridge.job import areas
from bridge.job.crop_work import CropWork
from bridge.job.planning import Piece
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Crop, Padding, Size
from bridge.pixels.match_colour import eight_bits
from bridge.pixels.match_detail import match_detail
from bridge.protocol import Job
from fidelity import perceptual
from fidelity.measures import psnr
from fidelity.strips import join

#: px: the regions that are cut from each photograph, and how much smaller each is sent.
REGION, FACTOR = Size(2560, 2160), 2.5
#: The repair is an ellipse with these shares of the region's sides.
REPAIR = 0.4
#: px: a 24-megapixel photograph, the size at which it is sent, and the axes of the repair in it, 12 megapixels.
LARGE, SENT, LARGE_REPAIR = Size(6528, 3672), Size(1344, 756), Size(4520, 3384)
#: px: the part of the middle that strips show.
SHOWN = (360, 420)
STRIPS = ("lake-sherburne", "oakland-zoo-otters", "roman-colosseum")
SEED = 1

Picture = NDArray[np.uint8]


def kept(image: Image.Image) -> Image.Image:
    """A service that returns what it got."""
    return image


def blurred(image: Image.Image) -> Image.Image:
    """A service whose answers are softer than their px: a Gaussian of 1 px."""
    return image.filter(ImageFilter.GaussianBlur(1))


def work_on(picture: Picture, coverage: Picture, size: Size, detail: bool) -> CropWork:
    """All of a picture as one crop, of which an ellipse is repaired.

    Args:
        coverage: uint8 [H, W]: what is repaired.
        size: px: at which it is sent.
    """
    job = Job(
        "", "", "LOW", SEED, 2.5, 1, "layer", 50.0, 0, 0, "auto", "auto", "recommended", False, True, True, 0,
        match_detail=detail,
    )  # fmt: skip
    canvas = Size(picture.shape[1], picture.shape[0])
    whole = Box(0, 0, *canvas)
    planning = areas.plan(job, coverage, whole, canvas, 12.0)
    crop = Crop(whole, Padding(0, 0, 0, 0), size)
    piece = Piece(planning.pieces[0].area, crop)
    return CropWork(replace(planning, pieces=(piece,)), 1, piece, picture)


def repaired(work: CropWork, answer: Picture) -> tuple[Picture, float]:
    """The picture with the repair, and how much softer than its px the answer was found to be."""
    fitter = work.fitter(work.base(), work.mask())
    corrected = fitter.softened(fitter.corrected(answer, match=True))
    placed = work.pixels.copy()
    box = work.planning.areas[0].box
    colours, _alpha = fitter.area(0, corrected, SEED)
    shown = work.planning.areas[0].mask > 0
    placed[box.slices][shown] = eight_bits(colours)[shown]
    return placed, corrected.softness


def ellipse(size: Size, width: float, height: float) -> Picture:
    """The coverage of an ellipse in the middle of a picture: 0 and 255."""
    y, x = np.mgrid[: size.height, : size.width]
    inside = ((y - size.height / 2) / (height / 2)) ** 2 + ((x - size.width / 2) / (width / 2)) ** 2 < 1
    return np.asarray(inside * np.uint8(255))


def rows(photographs: list[Path], notes: list[str], quick: bool) -> Iterator[list[str]]:
    """A row for each region and service, then their means."""
    measure = perceptual.measure(notes)
    coverage = ellipse(REGION, REPAIR * REGION.width, REPAIR * REGION.height)
    hole, sent = coverage > 0, Size(*(round(side / FACTOR) for side in REGION))
    for service in (kept, blurred):
        found = []
        for path in photographs:
            whole = np.asarray(Image.open(path).convert("RGB"))
            lefts = (0, whole.shape[1] - REGION.width)
            for x in lefts[: 1 if quick else 2]:
                region = np.ascontiguousarray(whole[: REGION.height, x : x + REGION.width])
                if region.shape[:2] != hole.shape:
                    notes.append(f"{path.name} is too small for this table.")
                    break
                numbers, softness = [], 1.0
                for detail in (False, True):
                    work = work_on(region, coverage, sent, detail)
                    answer = np.asarray(service(Image.fromarray(work.base())))
                    placed, softness = repaired(work, answer)
                    numbers.append(psnr(placed, region, hole))
                    numbers.append(measure(placed, region, hole) if measure else float("nan"))
                found.append(numbers)
                yield [path.stem, f"+{x}", service.__name__, f"{softness:.2f}", *_cells(numbers)]
        better = sum(numbers[3] < numbers[1] for numbers in found)
        yield ["MEAN", f"{better} of {len(found)}", service.__name__, "", *_cells(list(np.mean(found, axis=0)))]


def _cells(numbers: list[float]) -> list[str]:
    off, far_off, on, far_on = numbers
    return [f"{off:.2f}", f"{on:.2f}", f"{far_off:.4f}", f"{far_on:.4f}"]


def cost(photograph: Path) -> Iterator[str]:
    """What *Match detail* takes in a crop of 6.8 megapixels, a third of which is repaired: a sentence for each run."""
    size, sent = Size(3157, 2160), Size(1216, 832)
    whole = Image.open(photograph).convert("RGB")
    picture = np.asarray(whole.resize(size) if whole.width < size.width else whole.crop((0, 0, *size)))
    work = work_on(picture, ellipse(size, 1900, 1500), sent, True)
    fitter = work.fitter(work.base(), work.mask())
    answer = fitter.corrected(work.base(), match=True)
    area = work.planning.areas[0]
    window = work.judged(area)
    repair = imaging.from_service(answer, work.piece.crop, window)
    edited = work.planning.edited(window)
    for _ in range(5):
        before, began, used = _peak(), time.perf_counter(), time.process_time()
        soft = fitter.softened(answer).softness
        around = fitter.surroundings(area, soft)
        assert around is not None
        match_detail(repair, edited, around, SEED)
        seconds, processor = time.perf_counter() - began, time.process_time() - used
        megapixels = np.count_nonzero(edited) / 1e6
        yield (
            f"{size.area / 1e6:.1f} megapixels, {megapixels:.1f} of them repaired: {seconds:.2f} s, {processor:.2f} s "
            f"of the processor; the peak of the process rose from {before} to {_peak()} MB"
        )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def strips(photographs: list[Path], folder: Path, notes: list[str]) -> Iterator[Path]:
    """Writes a strip for some photographs: a 12-megapixel repair of 24 megapixels that were sent at 1 megapixel."""
    coverage = ellipse(LARGE, *LARGE_REPAIR)
    for path in photographs:
        if path.stem not in STRIPS:
            continue
        image = Image.open(path).convert("RGB")
        if image.width < LARGE.width:
            notes.append(f"{path.stem} has {image.width} × {image.height} px and was enlarged.\n")
        picture = np.asarray(image.resize(LARGE, Image.Resampling.LANCZOS))
        shown = [("the photograph", picture)]
        for name, detail in (("Match detail off", False), ("Match detail on", True)):
            work = work_on(picture, coverage, SENT, detail)
            shown.append((name, repaired(work, work.base())[0]))
        corner = (LARGE.width - SHOWN[0]) // 2, (LARGE.height - SHOWN[1]) // 2
        strip = folder / f"{path.stem}.jpg"
        join(shown, corner).save(strip, quality=88)
        yield strip
