"""What a Regen client gets for what it asks, over a real socket."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image

from bridge.engine import inference, models, texture_model
from bridge.engine.server import REGEN_PATH, EngineServer
from tests.unit.engine_client import MASK, SCENE, decode, encode, refusal, send


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineServer]:
    with EngineServer() as running:
        yield running


def test_the_object_is_removed_and_nothing_else_changes(engine: EngineServer) -> None:
    response = send(engine)
    assert response.status_code == response.json()["status_code"] == 200
    assert set(response.json()) == {"status_code", "body"}
    answer = decode(response.json())
    assert answer.shape == SCENE.rgb.shape
    assert np.array_equal(answer[~SCENE.hole], SCENE.rgb[~SCENE.hole])
    assert (answer[SCENE.hole].astype(int) @ (1, -2, 1)).max() < 250, "there is still magenta"


def test_the_neural_model_answers_in_the_same_way() -> None:
    if models.find_model() is None:
        pytest.skip("MI-GAN NOT TESTED: its model is not on this computer; get it with install.py --neural")
    pytest.importorskip("onnxruntime", reason="MI-GAN NOT TESTED: onnxruntime is not installed")
    with EngineServer(model="migan") as engine:
        answer = decode(send(engine).json())
    assert np.array_equal(answer[~SCENE.hole], SCENE.rgb[~SCENE.hole])
    assert (answer[SCENE.hole].astype(int) @ (1, -2, 1)).max() < 250


def test_a_seed_repeats_and_another_seed_differs(engine: EngineServer) -> None:
    first, again, *others = (send(engine, seed=seed).json()["body"] for seed in (9, 9, 1, 70_000, 4_294_967_296))
    assert first == again
    assert set(others) != {first}


@pytest.mark.parametrize("seed", [-1, None, ...])
def test_a_seed_left_open_is_drawn_anew(engine: EngineServer, monkeypatch: pytest.MonkeyPatch, seed: object) -> None:
    """Looked at where the model gets it: on a picture this small, two seeds may agree."""
    drawn: list[int] = []
    monkeypatch.setattr(texture_model, "fill", lambda rgb, _hole, used: drawn.append(used) or rgb)
    for _ in range(3):
        send(engine, seed=seed)
    assert len(set(drawn)) == 3
    assert all(1 <= used <= 4_294_967_296 for used in drawn)


def test_variables_that_are_left_out_or_blank_take_their_defaults(engine: EngineServer) -> None:
    assert send(engine, prompt=..., seed=...).status_code == 200
    blank = send(engine, prompt=" \n", negative_prompt=None, quality=None, cfg_scale=None)
    assert blank.json() == send(engine, negative_prompt="x", quality="HIGH", cfg_scale=1).json()


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        ("PNG", "data:image/png;base64,"),
        ("WEBP", "DATA:image/webp;base64,"),
        ("JPEG", "data:image/jpeg;base64,"),
        ("JPEG", ""),
        ("WEBP", ""),
    ],
)
def test_images_of_every_documented_kind_are_read(engine: EngineServer, kind: str, prefix: str) -> None:
    answer = send(engine, base_image=prefix + encode(SCENE.rgb, kind), mask_image=prefix + MASK)
    assert decode(answer.json()).shape == SCENE.rgb.shape


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "I;16"])
def test_every_colour_mode_is_taken_as_what_it_looks_like(engine: EngineServer, mode: str) -> None:
    gray = np.full((64, 96), 200, np.uint8)
    if mode == "I;16":
        image = Image.fromarray(gray.astype(np.uint16) * 257)
        mask = Image.fromarray(np.where(SCENE.hole, 0, 65535).astype(np.uint16))
    else:
        image = Image.fromarray(gray).convert("RGB").convert(mode)
        mask = Image.fromarray(np.where(SCENE.hole, 0, 255).astype(np.uint8)).convert("RGB").convert(mode)
    answer = decode(send(engine, base_image=encode(image), mask_image=encode(mask)).json())
    assert np.abs(answer.mean() - 200) < 2 or mode == "1"


def test_colours_under_transparency_are_kept(engine: EngineServer) -> None:
    image = np.dstack([SCENE.rgb, np.zeros(SCENE.hole.shape, np.uint8)])
    answer = decode(send(engine, base_image=encode(image)).json())
    assert np.array_equal(answer[~SCENE.hole], SCENE.rgb[~SCENE.hole])


def test_a_mask_pixel_is_edited_below_the_threshold(engine: EngineServer) -> None:
    mask = np.where(SCENE.hole, 127, 128).astype(np.uint8)
    assert decode(send(engine, mask_image=encode(mask)).json()).tolist() == decode(send(engine).json()).tolist()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"base_image": ...}, "base_image is missing"),
        ({"mask_image": ""}, "mask_image is missing"),
        ({"base_image": 5}, "base_image"),
        ({"prompt": ["a"]}, "prompt"),
        ({"negative_prompt": 1}, "negative_prompt"),
        ({"quality": "ULTRA"}, "quality"),
        ({"quality": 1}, "quality"),
        ({"seed": 0}, "seed"),
        ({"seed": -2}, "seed"),
        ({"seed": 4_294_967_297}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"cfg_scale": -0.1}, "cfg_scale"),
        ({"cfg_scale": "2.5"}, "cfg_scale"),
        ({"cfg_scale": True}, "cfg_scale"),
        ({"cfg_scale": 10**400, "base_image": 1}, "base_image"),
        ({"base_image": "https://example.org/a.png"}, "fetches nothing from the network"),
        ({"mask_image": " HTTP://example.org/a.png"}, "fetches nothing from the network"),
        ({"base_image": "not Base64!"}, "base_image is not valid Base64"),
        ({"base_image": "höhle"}, "base_image is not valid Base64"),
        ({"mask_image": MASK[:40] + "!!!!" + MASK[40:]}, "mask_image is not valid Base64"),
        ({"mask_image": base64.b64encode(b"not an image").decode()}, "mask_image is not a PNG"),
        ({"mask_image": MASK[: len(MASK) // 2 // 4 * 4]}, "mask_image is not a PNG"),
        ({"base_image": encode(SCENE.rgb, "BMP")}, "base_image is not a PNG"),
        ({"base_image": encode(SCENE.rgb[1:])}, "96 × 63 px and mask_image 96 × 64 px"),
        ({"mask_image": encode(np.full((64, 96), 255, np.uint8))}, "keeps everything"),
        ({"mask_image": encode(np.zeros((64, 96), np.uint8))}, "edits everything"),
    ],
)
def test_a_request_that_cannot_work_is_told_why(engine: EngineServer, changes: dict[str, Any], word: str) -> None:
    response = send(engine, **changes)
    assert response.status_code == 400
    assert word in refusal(response)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b'{"cfg_scale": NaN}', b"[" * 100_000])
def test_a_body_that_is_not_a_json_object_is_told_why(engine: EngineServer, body: bytes) -> None:
    response = requests.post(engine.origin + REGEN_PATH, data=body, timeout=180)
    assert response.status_code == 400
    refusal(response)


def test_a_prompt_is_told_where_to_get_a_key(engine: EngineServer) -> None:
    response = send(engine, prompt="starfish")
    assert response.status_code == 422
    assert "only remove" in refusal(response)
    assert "API Dashboard at photio.io" in refusal(response)


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "_decode", lambda *_: pytest.fail("it was decoded"))
    bomb = encode(Image.new("1", (5000, 4000)))
    response = send(engine, base_image=bomb, mask_image=bomb)
    assert response.status_code == 400
    assert "16 megapixels" in refusal(response)


def test_a_failing_model_is_logged_and_its_traceback_stays_here(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(texture_model, "fill", fail)
    response = send(engine)
    assert response.status_code == 500
    assert "deep inside" not in refusal(response)
    assert "deep inside" in caplog.text
    monkeypatch.undo()
    assert send(engine).status_code == 200, "the server goes on"


def test_a_missing_neural_model_is_said_to_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.engine.migan_model._session", None)
    monkeypatch.setattr(models, "find_model", lambda: None)
    with EngineServer(model="migan") as engine:
        response = send(engine)
    assert response.status_code == 500
    assert "add it in Filters > Photio > Settings" in refusal(response)
