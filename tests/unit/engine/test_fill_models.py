"""The offline engine's fills, without the server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine import ModelUnavailable, fill, inference, migan_model, models, patchmatch_model, texture_model
from bridge.pixels.diffusion import diffuse
from tests.unit.pictures import Scene, striped_wall

LARGEST_SEED = 4_294_967_296
ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["texture", "patchmatch", "migan"])
def model(request: pytest.FixtureRequest) -> fill.Fill:
    """Each model that this computer has."""
    if request.param == "migan" and models.find_model() is None:
        pytest.skip("MI-GAN NOT TESTED: its model is not on this computer; get it with install.py --neural")
    if request.param == "migan":
        pytest.importorskip("onnxruntime", reason="MI-GAN NOT TESTED: onnxruntime is not installed")
    return inference.load(request.param)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return striped_wall()


def test_everything_outside_the_hole_comes_back_exactly(model: fill.Fill, scene: Scene) -> None:
    answer = model(scene.rgb, scene.hole, 1)
    assert answer.dtype == np.uint8
    assert answer.shape == scene.rgb.shape
    assert np.array_equal(answer[~scene.hole], scene.rgb[~scene.hole])


def test_the_picture_that_was_given_is_not_changed(model: fill.Fill, scene: Scene) -> None:
    rgb, hole = scene.rgb.copy(), scene.hole.copy()
    model(rgb, hole, 1)
    assert np.array_equal(rgb, scene.rgb)
    assert np.array_equal(hole, scene.hole)


def test_nothing_of_the_object_is_left(model: fill.Fill, scene: Scene) -> None:
    magenta = model(scene.rgb, scene.hole, 1)[scene.hole].astype(int) @ (1, -2, 1)
    assert magenta.max() < 250, "the wall is far from magenta everywhere"


def test_the_object_has_no_influence_on_what_replaces_it(model: fill.Fill, scene: Scene) -> None:
    assert np.array_equal(model(scene.rgb, scene.hole, 1), model(scene.truth, scene.hole, 1))


@pytest.mark.parametrize("seed", [1, 2])
def test_left_stays_left(model: fill.Fill, seed: int) -> None:
    rgb = np.full((96, 96, 3), 40, np.uint8)
    rgb[:, 48:] = 210
    hole = np.zeros((96, 96), np.bool_)
    hole[36:60, 24:72] = True
    answer = model(rgb, hole, seed)
    assert answer[36:60, 24:40].mean() + 50 < answer[36:60, 56:72].mean()


def test_the_same_seed_gives_the_same_picture_again(model: fill.Fill, scene: Scene) -> None:
    first = model(scene.rgb, scene.hole, 5)
    model(scene.rgb, scene.hole, 6)
    assert np.array_equal(model(scene.rgb, scene.hole, 5), first)


@pytest.mark.parametrize("other", [2, 3, 2**31 + 1, LARGEST_SEED - 1, LARGEST_SEED])
def test_another_seed_gives_another_picture(model: fill.Fill, scene: Scene, other: int) -> None:
    one, another = model(scene.rgb, scene.hole, 1), model(scene.rgb, scene.hole, other)
    changed = (one != another).any(axis=2)[scene.hole].mean()
    assert changed > 0.2, "of the hole's pixels"


def test_a_crop_above_the_limit_is_filled_at_its_own_size(model: fill.Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = striped_wall(301, 203)
    monkeypatch.setattr(fill, "MODEL_PIXELS", 20_000)
    answer = model(scene.rgb, scene.hole, 1)
    assert answer.shape == scene.rgb.shape
    assert np.array_equal(answer[~scene.hole], scene.rgb[~scene.hole])
    assert (answer[scene.hole].astype(int) @ (1, -2, 1)).max() < 250, "magenta leaked in at the small scale"


def test_a_model_never_works_on_more_than_its_limit_and_sees_nothing_of_the_object(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = striped_wall(301, 203)
    object_only = (scene.rgb == (255, 0, 255)).all(axis=2)
    monkeypatch.setattr(fill, "MODEL_PIXELS", 20_000)
    seen: list[tuple[fill.Rgb, fill.Hole]] = []

    def record(rgb: fill.Rgb, hole: fill.Hole, _seed: int) -> fill.Rgb:
        seen.append((rgb, hole))
        return rgb

    fill.fill_hole(record, scene.rgb, object_only, 1)
    [(rgb, hole)] = seen
    assert 15_000 < hole.size <= 20_000
    wall = scene.truth.astype(int) @ (1, -2, 1)
    assert (rgb[~hole].astype(int) @ (1, -2, 1)).max() <= wall.max()


def test_an_image_is_given_back_when_there_is_no_hole(model: fill.Fill, scene: Scene) -> None:
    assert np.array_equal(model(scene.rgb, np.zeros_like(scene.hole), 1), scene.rgb)


def test_a_hole_that_is_everything_is_refused(model: fill.Fill, scene: Scene) -> None:
    with pytest.raises(ValueError, match="whole image"):
        model(scene.rgb, np.ones_like(scene.hole), 1)


@pytest.mark.parametrize("small", [patchmatch_model.fill, texture_model.fill], ids=["patchmatch", "texture"])
@pytest.mark.parametrize("size", [(1, 2), (2, 1), (3, 3), (7, 12), (40, 2)])
def test_the_smallest_pictures_are_filled_too(small: fill.Fill, size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 90, np.uint8)
    hole = np.zeros(size, np.bool_)
    hole[0, 0] = True
    rgb[0, 0] = 255
    assert np.array_equal(small(rgb, hole, 1)[~hole], rgb[~hole])


@pytest.mark.parametrize("sharp", [patchmatch_model.fill, texture_model.fill], ids=["patchmatch", "texture"])
def test_a_striped_wall_goes_on_behind_the_object(scene: Scene, sharp: fill.Fill) -> None:
    answer = sharp(scene.rgb, scene.hole, 1)
    error = np.abs(answer[scene.hole].astype(float) - scene.truth[scene.hole]).mean()
    flat = np.abs(scene.truth[scene.hole].mean(axis=0) - scene.truth[scene.hole]).mean()
    assert error < 0.6 * flat, f"{error:.1f} levels off, a flat patch would be {flat:.1f}"


def test_fills_at_the_same_time_do_not_mix_up_their_seeds(scene: Scene) -> None:
    alone = {seed: patchmatch_model.fill(scene.rgb, scene.hole, seed) for seed in (1, 2, 3, 4)}
    together: dict[int, fill.Rgb] = {}

    def run(seed: int) -> None:
        together[seed] = patchmatch_model.fill(scene.rgb, scene.hole, seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(together[seed], alone[seed]) for seed in alone)


def test_a_fill_writes_nothing_into_the_channel_to_gimp() -> None:
    code = (
        "from tests.unit.pictures import striped_wall; from bridge.engine import patchmatch_model as p;"
        "s = striped_wall(64, 64); p.fill(s.rgb, s.hole, 1)"
    )
    # The log level is what a developer's shell may have set; OpenCV writes its chatter to stdout.
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "OPENCV_LOG_LEVEL": "VERBOSE"},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b""


def test_a_library_that_does_not_load_is_said_in_a_sentence(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchmatch.patchmatch_available", False)
    with pytest.raises(ModelUnavailable, match="use Photio with an API key"):
        patchmatch_model.fill(scene.rgb, scene.hole, 1)


@pytest.mark.parametrize("content", [None, b"not the model"])
def test_a_missing_or_damaged_neural_model_says_how_to_get_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "model.onnx"
    if content:
        path.write_bytes(content)
    monkeypatch.setattr(migan_model, "_session", None)
    monkeypatch.setattr(models, "find_model", lambda: path if content else None)
    with pytest.raises(ModelUnavailable, match="add it in Filters > Photio > Settings"):
        migan_model.fill(scene.rgb, scene.hole, 1)


def test_a_model_of_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="magic"):
        inference.load("magic")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_diffusion_continues_a_gradient_smoothly(dtype: type[np.generic]) -> None:
    y, x = np.mgrid[0:61, 0:83]
    image = np.stack([x * 2, y * 3, x + y], axis=2).astype(dtype)
    hole = (np.hypot(x - 40, y - 30) < 15).astype(np.bool_)
    damaged = image.copy()
    damaged[hole] = 255
    answer = diffuse(damaged, hole)
    assert answer.dtype == dtype
    assert np.array_equal(answer[~hole], image[~hole])
    assert np.abs(answer[hole].astype(float) - image[hole]).max() < 20


def test_diffusion_ignores_what_lies_in_the_hole() -> None:
    scene = striped_wall(51, 37)
    other = scene.rgb.astype(np.float64)
    other[scene.hole] = np.nan
    answer = diffuse(other, scene.hole)
    assert np.isfinite(answer).all()
    assert np.array_equal(np.rint(answer).astype(np.uint8), diffuse(scene.rgb, scene.hole))


def test_diffusion_spreads_a_single_known_pixel_everywhere() -> None:
    image = np.zeros((33, 20, 4), np.uint8)
    hole = np.ones((33, 20), np.bool_)
    hole[5, 9] = False
    image[5, 9] = (1, 20, 200, 255)
    assert (diffuse(image, hole) == image[5, 9]).all()


def test_diffusion_fills_each_channel_from_what_is_known_of_that_channel() -> None:
    image = striped_wall(51, 37).rgb.astype(np.float32)
    holes = np.random.default_rng(3).random(image.shape) < (0.2, 0.9, 0.0)
    filled = diffuse(image, holes)
    for channel in range(3):
        alone = image[..., channel, None]
        assert np.array_equal(filled[..., channel, None], diffuse(alone, holes[..., channel])), channel


@pytest.mark.parametrize("hole", [np.ones((4, 4), np.bool_), np.stack(3 * [np.eye(4) > 0] + [np.eye(4) < 2], axis=2)])
def test_diffusion_refuses_a_hole_without_surroundings(hole: NDArray[np.bool_]) -> None:
    with pytest.raises(ValueError, match="whole image"):
        diffuse(np.zeros((4, 4, 4), np.uint8), hole)
