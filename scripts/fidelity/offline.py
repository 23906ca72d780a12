"""Compares the offline engine's models in holes whose true content is known; for `fidelity.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge.engine import ModelUnavailable, fill, migan_model, models, patchmatch_model, texture_model
from bridge.store.places import HOME_VARIABLE
from fidelity import perceptual
from fidelity.measures import psnr, ssim
from gimp import rootfs

#: px: the side of the squares that are cut from each photograph, at half its size; and how many of them.
SIDE, MOST_SQUARES = 512, 4
#: Shares of a square that are holes.
HOLES = ((0.04, 0.05), (0.12, 0.14))
SEEDS = (1, 2, 3)
#: The model that the others are compared with.
DEFAULT = "texture"

Picture = NDArray[np.uint8]
Hole = NDArray[np.bool_]
Means = NDArray[np.float64]  # of the values of a `Result`


@dataclass(frozen=True)
class Task:
    """A hole in a square of a photograph, a seed, and the model that fills it."""

    photograph: str
    square: int
    holes: int
    seed: int
    model: str


@dataclass(frozen=True)
class Result:
    """How near the fill is to the truth. `lpips` is NaN where it was not measured; `processor` is in seconds too."""

    psnr: float
    ssim: float
    lpips: float
    seconds: float
    processor: float


#: The models by name. MI-GAN may be missing.
MODELS: dict[str, fill.Fill] = {
    DEFAULT: texture_model.fill,
    "PatchMatch": patchmatch_model.fill,
    "PatchMatch, radius 3": partial(patchmatch_model.fill, radius=3),
    "MI-GAN": migan_model.fill,
    "MI-GAN + texture": partial(texture_model.fill_along, migan_model.fill),
}


def engines(notes: list[str]) -> dict[str, fill.Fill]:
    """The models that this computer has, by name. Adds a note, with the reason, for each that it lacks."""
    _find_neural_model()
    try:
        MODELS["MI-GAN"](np.zeros((8, 8, 3), np.uint8), np.eye(8, dtype=np.bool_), 1)
    except ModelUnavailable as error:
        notes.append(f"MI-GAN is NOT measured: {error.sentence}")
        return {name: model for name, model in MODELS.items() if not name.startswith("MI-GAN")}
    return MODELS


def _find_neural_model() -> None:
    scripts_model = rootfs.cache_directory() / "model"  # where scripts/test.py keeps it
    if models.find_model() is None and (scripts_model / "models" / models.MODEL_NAME).is_file():
        os.environ[HOME_VARIABLE] = str(scripts_model)


def object_like(share: tuple[float, float], seed: int) -> Hole:
    """A connected blob that covers that share, from–to, of `SIDE` × `SIDE` px: ellipses grown out of each other."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    hole = np.zeros((SIDE, SIDE), np.bool_)
    centre, radius = np.array([SIDE / 2, SIDE / 2]), SIDE * (share[0] / 12) ** 0.5
    while hole.mean() < share[0]:
        down, across = radius * generator.uniform(0.5, 1.3, 2)
        hole |= ((y - centre[0]) / down) ** 2 + ((x - centre[1]) / across) ** 2 < 1
        points = np.argwhere(hole)
        centre = points[generator.integers(len(points))].astype(float)
        centre = np.clip(centre, SIDE * 0.2, SIDE * 0.8)
    return hole


def squares(path: Path) -> list[Picture]:
    """`MOST_SQUARES` of the photograph at half its size, evenly spread, none over another."""
    with Image.open(path) as image:
        picture = image.convert("RGB").reduce(2)
    columns, rows = picture.width // SIDE, picture.height // SIDE
    lefts = [round((place + 0.5) * picture.width / columns - SIDE / 2) for place in range(columns)]
    tops = [round((place + 0.5) * picture.height / rows - SIDE / 2) for place in range(rows)]
    found = [np.asarray(picture.crop((x, y, x + SIDE, y + SIDE))) for y in tops for x in lefts]
    return [found[place * len(found) // MOST_SQUARES] for place in range(min(MOST_SQUARES, len(found)))]


def measured(photographs: list[Path], notes: list[str], kept: Path | None, quick: bool) -> dict[Task, Result]:
    """All results. Those in the file `kept` are not measured again, and new ones are added to it at once."""
    found, distance = engines(notes), perceptual.measure(notes)
    results: dict[Task, Result] = {}
    if kept and kept.exists():
        for task, result in map(json.loads, kept.read_text().splitlines()):
            results[Task(**task)] = Result(**result)
    for seed in SEEDS[: 1 if quick else None]:
        for task, truth, hole in _tasks(photographs, seed, list(found), quick):
            if task not in results:
                began = time.perf_counter(), time.process_time()
                filled = found[task.model](truth, hole, seed)
                taken = time.perf_counter() - began[0], time.process_time() - began[1]
                apart = distance(filled, truth, hole) if distance else float("nan")
                results[task] = Result(psnr(filled, truth, hole), ssim(filled, truth, hole), apart, *taken)
                if kept:
                    with kept.open("a") as file:
                        file.write(json.dumps([asdict(task), asdict(results[task])]) + "\n")
    return results


def _tasks(photographs: list[Path], seed: int, names: list[str], quick: bool) -> Iterator[tuple[Task, Picture, Hole]]:
    """Each task with the square, which is the truth, and the hole in it."""
    for number, path in enumerate(photographs):
        for square, truth in enumerate(squares(path)[: 1 if quick else None]):
            for holes, share in enumerate(HOLES):
                hole = object_like(share, 100 * number + 10 * square + holes)
                for name in names:
                    yield Task(path.stem, square, holes, seed, name), truth, hole


def rows(photographs: list[Path], notes: list[str], kept: Path | None, quick: bool) -> Iterator[list[str]]:
    """One row for each size of holes and each model."""
    results = measured(photographs, notes, kept, quick)
    names = list(dict.fromkeys(task.model for task in results))
    memory = {model: _memory(model) for model in names}
    for holes, label in [*enumerate(f"{low:.0%}–{high:.0%}" for low, high in HOLES), (-1, "all")]:
        of = {model: _by_hole(results, model, holes) for model in names}
        for model, values in of.items():
            ratio, similarity, distance, *seconds = np.array(list(values.values())).mean(axis=0)
            cells = [f"{ratio:.2f}", f"{similarity:.3f}", f"{distance:.4f}"]
            cells += [*(f"{each:.1f}" for each in seconds), str(memory[model])]
            against = [] if model == DEFAULT or DEFAULT not in of else [of[DEFAULT][key] for key in values]
            yield [label, model, str(len(values)), *cells, *_compared(against, list(values.values()))]


def _by_hole(results: dict[Task, Result], model: str, holes: int) -> dict[tuple[str, int, int], Means]:
    """The means over the seeds, for each hole that this model has filled."""
    found: dict[tuple[str, int, int], list[list[float]]] = {}
    for task, result in results.items():
        if task.model == model and holes in (-1, task.holes):
            values = [result.psnr, result.ssim, result.lpips, result.seconds, result.processor]
            found.setdefault((task.photograph, task.square, task.holes), []).append(values)
    return {hole: np.mean(values, axis=0) for hole, values in found.items()}


def _compared(default: list[Means], other: list[Means]) -> list[str]:
    """The mean difference in LPIPS with its standard error, and in how many holes the default is better."""
    if len(default) < 2:
        return ["", ""]
    less = np.array([one[2] - two[2] for one, two in zip(default, other, strict=True)])
    error = less.std(ddof=1) / len(less) ** 0.5
    return [f"{less.mean():+.4f} ± {error:.4f}", f"{np.count_nonzero(less < 0)} of {len(less)}"]


def _memory(model: str) -> int:
    """MB, the peak of a process that makes one fill."""
    code = "import sys; sys.path[:0] = sys.argv[1:3]; from fidelity import offline; offline.fill_once(sys.argv[3])"
    scripts = Path(__file__).resolve().parents[1]
    program = [sys.executable, "-c", code, str(scripts), str(scripts.parent), model]
    return int(subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True).stdout)


def fill_once(model: str) -> None:
    """Fills one hole, and prints the process's peak memory in MB."""
    truth = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    _find_neural_model()
    MODELS[model](truth, object_like(HOLES[-1], 1), 1)
    # not `ru_maxrss`: that begins with the peak of the process that started this one
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    print(int(peak.split()[1]) * 1024 // 1_000_000)
