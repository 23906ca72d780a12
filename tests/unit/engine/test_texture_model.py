"""What the default fill model does beyond what every fill model does (test_fill_models.py)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine import fill, texture_model
from tests.unit.pictures import Scene, striped_wall

ROOT = Path(__file__).parents[3]
#: Of `digest`. It changes only where the fill is meant to.
KNOWN = "0f3bac08dd75b3949dbd0b62daf247c5776158c9cea93f8c14d446c703aa3090"


def detail(picture: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Mean absolute difference to the px on the right, levels."""
    difference = np.abs(np.diff(picture.astype(float), axis=1)).mean(axis=2)
    return float(difference[where[:, 1:] & where[:, :-1]].mean())


def flat(rgb: fill.Rgb, hole: fill.Hole, _seed: int) -> fill.Rgb:
    return np.full_like(rgb, 128)


def test_the_coarse_picture_says_what_belongs_where() -> None:
    """A wall and a lawn: the hole gets wall where the coarse picture is like a wall."""
    rgb = np.empty((200, 200, 3), np.uint8)
    noise = np.random.default_rng(1).integers(-30, 31, (200, 200, 1))
    rgb[:, :100] = np.clip((160, 120, 90) + noise[:, :100], 0, 255)
    rgb[:, 100:] = np.clip((60, 140, 50) + noise[:, 100:], 0, 255)
    hole = np.zeros((200, 200), np.bool_)
    hole[80:120, 60:140] = True

    def swapped(part: fill.Rgb, _hole: fill.Hole, _seed: int) -> fill.Rgb:
        return np.ascontiguousarray(part[:, ::-1])

    answer = texture_model.fill_along(swapped, rgb, hole, 1).astype(int)
    assert (answer[80:120, 70:94, 1] > answer[80:120, 70:94, 0]).mean() > 0.85, "lawn on the left"
    assert (answer[80:120, 106:130, 0] > answer[80:120, 106:130, 1]).mean() > 0.85, "wall on the right"
    assert detail(answer.astype(np.uint8), hole) > 0.6 * detail(rgb, ~hole)


def test_a_gray_picture_is_filled_with_gray_whatever_colour_the_object_has() -> None:
    scene = striped_wall()
    gray = scene.rgb.copy()
    gray[~scene.hole] = gray[~scene.hole][:, :1]

    def coloured(rgb: fill.Rgb, _hole: fill.Hole, _seed: int) -> fill.Rgb:
        return np.full_like(rgb, (150, 110, 90))

    answer = texture_model.fill_along(coloured, gray, scene.hole, 1)
    assert (answer == answer[..., :1]).all()


def test_a_hole_above_the_limit_of_the_coarse_models_is_as_sharp_as_its_surroundings() -> None:
    """3.2 megapixels. Such a hole was once filled at 1.5 and scaled up."""
    rgb = np.random.default_rng(2).integers(60, 200, (1600, 2000, 3)).astype(np.uint8)
    hole = np.zeros((1600, 2000), np.bool_)
    hole[400:1200, 500:1500] = True
    answer = texture_model.fill_along(flat, rgb, hole, 1)
    assert detail(answer, hole) > 0.6 * detail(rgb, ~hole)
    assert np.array_equal(answer[~hole], rgb[~hole])


def test_no_rim_is_seen_where_the_hole_begins() -> None:
    """The step across the hole's border is like that between any two neighbours."""
    scene: Scene = striped_wall(240, 200)
    answer = texture_model.fill(scene.rgb, scene.hole, 1)
    border = scene.hole[:, 1:] != scene.hole[:, :-1]
    step = np.abs(np.diff(answer.astype(float), axis=1)).mean(axis=2)
    usual = step[~scene.hole[:, 1:] & ~scene.hole[:, :-1]]
    assert step[border].mean() < 1.5 * usual.mean()


def digest() -> str:
    """Of two fills, for the processes below."""
    found = hashlib.sha256()
    for size in ((301, 203), (700, 500)):
        scene = striped_wall(*size)
        found.update(texture_model.fill(scene.rgb, scene.hole, 3).tobytes())
    return found.hexdigest()


@pytest.mark.parametrize(
    "processor",
    [
        {},
        {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Prescott", "OPENCV_CPU_DISABLE": "AVX2,AVX,FMA3,SSE4.2,SSE4.1,SSSE3"},
        {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"},
    ],
    ids=str,
)
def test_every_processor_and_number_of_threads_gives_the_same_fill(processor: dict[str, str]) -> None:
    code = "from tests.unit.engine.test_texture_model import digest; print(digest())"
    environment = {**os.environ, **processor}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == KNOWN
