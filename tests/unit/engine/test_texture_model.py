"""What the default fill model does beyond what every fill model does (test_fill_models.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine import fill, migan_model, models, texture_model
from bridge.engine.models import MODEL_SIZE
from tests.unit.pictures import Scene, striped_wall


@pytest.fixture
def no_neural_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the models; MI-GAN is not in it, and was not loaded before."""
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path))
    monkeypatch.setattr(migan_model, "_session", None)
    return models.model_path()


def detail(picture: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Mean absolute difference to the px on the right, levels."""
    difference = np.abs(np.diff(picture.astype(float), axis=1)).mean(axis=2)
    return float(difference[where[:, 1:] & where[:, :-1]].mean())


def flat(rgb: fill.Rgb, hole: fill.Hole, _seed: int) -> fill.Rgb:
    return np.full_like(rgb, 128)


def test_without_the_neural_model_the_hole_is_filled_too(no_neural_model: Path) -> None:
    scene = striped_wall()
    answer = texture_model.fill(scene.rgb, scene.hole, 1)
    assert np.array_equal(answer, texture_model.fill_along(texture_model.coarse_by_patches, scene.rgb, scene.hole, 1))


def test_a_damaged_neural_model_does_not_keep_the_hole_from_being_filled(no_neural_model: Path) -> None:
    scene = striped_wall()
    absent = texture_model.fill(scene.rgb, scene.hole, 1)
    no_neural_model.parent.mkdir(parents=True)
    with no_neural_model.open("wb") as file:
        file.truncate(MODEL_SIZE)
    assert np.array_equal(texture_model.fill(scene.rgb, scene.hole, 1), absent)


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
    answer = texture_model.fill_along(texture_model.coarse_by_patches, scene.rgb, scene.hole, 1)
    border = scene.hole[:, 1:] != scene.hole[:, :-1]
    step = np.abs(np.diff(answer.astype(float), axis=1)).mean(axis=2)
    usual = step[~scene.hole[:, 1:] & ~scene.hole[:, :-1]]
    assert step[border].mean() < 1.5 * usual.mean()
