"""Compares the offline engine's models with others, in holes whose true content is known; for `fidelity.py`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge.engine import ModelUnavailable, fill, inference, models
from bridge.store.places import HOME_VARIABLE
from fidelity.measures import psnr, ssim
from gimp import rootfs

#: px: the side of the square that is cut from each photograph.
SIDE = 1024
#: Shares of it that are holes.
HOLES = ((0.04, 0.05), (0.12, 0.14))
SEED = 1

Picture = NDArray[np.uint8]
Hole = NDArray[np.bool_]
Measure = Callable[[Picture, Picture, Hole], float]


def engines(notes: list[str]) -> dict[str, fill.Fill]:
    """The engines that this computer has, by name. Adds a note, with the reason, for each that it lacks."""
    found: dict[str, fill.Fill] = {}
    scripts_model = rootfs.cache_directory() / "model"  # where scripts/test.py keeps it
    if models.find_model() is None and (scripts_model / "models" / models.MODEL_NAME).is_file():
        os.environ[HOME_VARIABLE] = str(scripts_model)
    for name, reason in (("patchmatch", ""), ("migan", "fetch it with `python -m bridge model fetch`")):
        try:
            if name == "migan" and models.find_model() is None:
                raise ModelUnavailable("its weights are not on this computer")
            if name == "migan":
                import onnxruntime  # noqa: F401
            found[name] = inference.load(name)
        except (ModelUnavailable, ImportError) as error:
            notes.append(f"{name} is NOT measured: {error}; {reason}.")
    for name, module, compared in (("OpenCV Telea", "cv2", _telea), ("G'MIC matchpatch", "gmic", _matchpatch)):
        if importlib.util.find_spec(module):
            found[name] = compared
        else:
            package = "opencv-python-headless" if module == "cv2" else module
            notes.append(f"{name} is NOT measured: `pip install {package}` would add it.")
    return found


def _telea(rgb: Picture, hole: Hole, seed: int) -> Picture:
    import cv2

    return np.asarray(cv2.inpaint(rgb, hole.astype(np.uint8), 5, cv2.INPAINT_TELEA), np.uint8)


def _matchpatch(rgb: Picture, hole: Hole, seed: int) -> Picture:
    with tempfile.TemporaryDirectory() as folder:
        # no quotation marks: G'MIC takes them for a part of the name
        names = [str(Path(folder) / name) for name in ("picture.png", "hole.png", "filled.png")]
        Image.fromarray(rgb).save(names[0])
        Image.fromarray(np.where(hole, 255, 0).astype(np.uint8)).save(names[1])
        command = f"{names[0]} {names[1]} inpaint_matchpatch[0] [1] keep[0] output {names[2]}"
        # in a process of its own: only so can the progress that its C library prints be hidden
        program = [sys.executable, "-c", "import gmic, sys; gmic.run(sys.argv[1])", command]
        subprocess.run(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        filled = np.asarray(Image.open(names[2]).convert("RGB"))
    return np.where(hole[..., None], filled, rgb)  # G'MIC changes the surroundings too


def perceptual(notes: list[str]) -> Measure | None:
    """Shift-tolerant LPIPS with VGG (A. Ghildyal, F. Liu, ECCV 2022) around the hole; None where it cannot run."""
    for name in ("IPython", "torchsummary"):  # imported by the package, never used by what we call
        if not importlib.util.find_spec(name):
            module: Any = types.ModuleType(name)
            module.embed = module.summary = None
            sys.modules[name] = module
    try:
        import torch
        from stlpips_pytorch import stlpips
    except ImportError as error:
        notes.append(f"LPIPS is NOT measured: {error}; `pip install torch torchvision stlpips-pytorch` would add it.")
        return None
    network = stlpips.LPIPS(net="vgg", variant="shift_tolerant", verbose=False)

    def measure(one: Picture, other: Picture, hole: Hole) -> float:
        rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
        box = (slice(max(0, rows[0] - 16), rows[-1] + 17), slice(max(0, columns[0] - 16), columns[-1] + 17))
        pair = [torch.from_numpy(np.ascontiguousarray(a[box])).permute(2, 0, 1)[None] / 127.5 - 1 for a in (one, other)]
        with torch.no_grad():
            return float(network(*pair))

    return measure


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


def rows(photographs: list[Path], notes: list[str]) -> Iterator[list[str]]:
    """One row for each photograph, hole and engine, then the means for each hole and engine."""
    found, measure = engines(notes), perceptual(notes)
    sums: dict[tuple[str, str], list[list[float]]] = {}
    for number, path in enumerate(photographs):
        picture = np.asarray(Image.open(path).convert("RGB").reduce(2))
        y, x = (picture.shape[0] - SIDE) // 2, (picture.shape[1] - SIDE) // 2
        truth = np.ascontiguousarray(picture[max(0, y) : max(0, y) + SIDE, max(0, x) : max(0, x) + SIDE])
        if truth.shape[:2] != (SIDE, SIDE):
            notes.append(f"{path.name} is too small for this table.")
            continue
        for share in HOLES:
            hole = object_like(share, number)
            label = f"{100 * hole.mean():.1f} %"
            for name, engine in found.items():
                began = time.perf_counter()
                filled = engine(truth, hole, SEED)
                seconds = time.perf_counter() - began
                values = [psnr(filled, truth, hole), ssim(filled, truth, hole), seconds]
                values.append(measure(filled, truth, hole) if measure else float("nan"))
                sums.setdefault((f"{share[0]:.0%}–{share[1]:.0%}", name), []).append(values)
                yield [path.stem, label, name, *_numbers(values)]
    for (holes, name), values_of in sums.items():
        yield ["MEAN", holes, name, *_numbers(list(np.mean(values_of, axis=0)))]


def _numbers(values: list[float]) -> list[str]:
    ratio, similarity, seconds, distance = values
    return [f"{ratio:.2f}", f"{similarity:.3f}", "–" if np.isnan(distance) else f"{distance:.3f}", f"{seconds:.1f}"]
