"""What may be asked for, and what then goes over the wire."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bridge.common.errors import PhotioError
from bridge.regen.client import RegenClient
from bridge.regen.errors import AuthenticationError, ParameterError
from bridge.regen.request import DEFAULT_NEGATIVE_PROMPT, Quality, RegenRequest, draw_seed
from bridge.regen.validation import KeyFormatError, SettingsError, check_key, check_origin, is_loopback
from tests.regen_server import RegenServer

BASE = Image.effect_noise((96, 64), 60).convert("RGB")
MASK = Image.new("L", BASE.size, 255)
MASK.paste(0, (10, 10, 40, 40))


@pytest.fixture(scope="module")
def server() -> Iterator[RegenServer]:
    with RegenServer() as running:
        yield running


def sent(server: RegenServer, request: RegenRequest, key: str | None = None) -> dict[str, Any]:
    server.clear()
    RegenClient(server.origin, key).regenerate(request)
    (record,) = server.requests()
    return record


def decoded(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


def test_every_documented_variable_arrives_as_it_was_given(server: RegenServer) -> None:
    request = RegenRequest(BASE, MASK, "a starfish, “wet”", "sand", Quality.HIGH, 4_294_967_296, 1.5)
    body = sent(server, request)["body"]
    assert decoded(body.pop("base_image")).tobytes() == BASE.tobytes()
    mask = decoded(body.pop("mask_image"))
    assert (mask.format, mask.mode, mask.tobytes()) == ("PNG", "L", MASK.tobytes())
    assert body == {
        "prompt": "a starfish, “wet”",
        "negative_prompt": "sand",
        "quality": "HIGH",
        "seed": 4_294_967_296,
        "cfg_scale": 1.5,
    }


def test_the_base_arrives_pixel_for_pixel_and_says_nothing_about_the_photographer(
    server: RegenServer,
) -> None:
    tagged = BASE.copy()
    tagged.info.update(icc_profile=b"a profile", exif=b"Exif\0\0a camera", comment="a name")
    base = decoded(sent(server, RegenRequest(tagged, MASK))["body"]["base_image"])
    assert (base.format, base.mode, base.tobytes()) == ("PNG", "RGB", BASE.tobytes())
    assert not base.info


def test_the_defaults_are_the_documented_ones(server: RegenServer) -> None:
    body = sent(server, RegenRequest(BASE, MASK))["body"]
    assert body["prompt"] == ""
    assert body["negative_prompt"] == DEFAULT_NEGATIVE_PROMPT
    assert DEFAULT_NEGATIVE_PROMPT == "worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch"
    assert (body["quality"], body["cfg_scale"]) == ("LOW", 2.5)


def test_urls_are_passed_through(server: RegenServer) -> None:
    base, mask = "https://example.org/base.jpg?a=1", 'http://example.org/mask.png?"b":\\c'
    body = sent(server, RegenRequest(base, mask))["body"]
    assert (body["base_image"], body["mask_image"]) == (base, mask)


def test_the_request_is_what_the_documentation_shows(server: RegenServer) -> None:
    record = sent(server, RegenRequest(BASE, MASK), key="k-123")
    assert (record["method"], record["path"]) == ("POST", "/v1/inference/regen")
    assert record["headers"]["x-photio-key"] == "k-123"
    assert record["headers"]["content-type"] == "application/json"
    assert int(record["headers"]["content-length"]) > 1000
    assert "transfer-encoding" not in record["headers"]
    assert "authorization" not in record["headers"]


def test_without_a_key_no_key_header_is_sent(server: RegenServer) -> None:
    assert "x-photio-key" not in sent(server, RegenRequest(BASE, MASK))["headers"]


def test_a_drawn_seed_is_sent_and_told_and_differs_from_the_last(server: RegenServer) -> None:
    server.clear()
    results = [RegenClient(server.origin).regenerate(RegenRequest(BASE, MASK)) for _ in range(2)]
    assert [record["body"]["seed"] for record in server.requests()] == [result.seed for result in results]
    assert results[0].seed != results[1].seed
    assert all(1 <= result.seed <= 4_294_967_296 for result in results)


def test_drawn_seeds_reach_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda bound: 0)
    assert draw_seed() == 1
    monkeypatch.setattr("secrets.randbelow", lambda bound: bound - 1)
    assert draw_seed() == 4_294_967_296


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 0),
        ("seed", -2),
        ("seed", 4_294_967_297),
        ("seed", True),
        ("seed", 1.0),
        ("seed", "1"),
        ("cfg_scale", -0.1),
        ("cfg_scale", math.nan),
        ("cfg_scale", math.inf),
        ("cfg_scale", True),
        ("cfg_scale", 10**400),
        ("cfg_scale", "2.5"),
        ("quality", "low"),
        ("quality", "ULTRA"),
        ("quality", None),
        ("prompt", None),
        ("prompt", b"bytes"),
        ("negative_prompt", 1),
        ("base_image", "ftp://example.org/a.png"),
        ("base_image", "iVBORw0KGgo="),
        ("base_image", "https://"),
        ("base_image", "https://example.org/a b.png"),
        ("base_image", "https://[broken/"),
        ("base_image", b"\x89PNG"),
        ("base_image", Image.new("F", (96, 64))),
        ("mask_image", Image.new("L", (95, 64))),
        ("mask_image", Image.new("L", (0, 0))),
        ("mask_image", None),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value_and_what_is_allowed(name: str, value: Any) -> None:
    arguments: dict[str, Any] = {"base_image": BASE, "mask_image": MASK, name: value}
    with pytest.raises(ParameterError) as caught:
        RegenRequest(**arguments)
    assert caught.value.name == name
    assert f"“{name}”" in caught.value.sentence
    assert caught.value.allowed in caught.value.sentence


@given(
    seed=st.one_of(st.integers(), st.floats(), st.booleans(), st.none()),
    cfg_scale=st.one_of(st.floats(), st.integers(), st.booleans(), st.text(max_size=3)),
    quality=st.one_of(st.sampled_from(["LOW", "MIDDLE", "HIGH"]), st.text(max_size=6)),
)
def test_whatever_is_accepted_can_be_sent_and_is_allowed(seed: Any, cfg_scale: Any, quality: str) -> None:
    try:
        request = RegenRequest("https://a.example/b", "https://a.example/m", "", "", quality, seed, cfg_scale)
    except ParameterError:
        return
    body = json.loads(request.to_json(seed))
    assert type(body["seed"]) is int
    assert body["seed"] == -1 or 1 <= body["seed"] <= 4_294_967_296
    assert math.isfinite(body["cfg_scale"])
    assert body["cfg_scale"] >= 0
    assert body["quality"] in ("LOW", "MIDDLE", "HIGH")
    assert bool(request.warnings) == (not 1.0 <= cfg_scale <= 2.5)


def test_an_unusual_cfg_scale_warns_and_is_sent_all_the_same(server: RegenServer) -> None:
    result = RegenClient(server.origin).regenerate(RegenRequest(BASE, MASK, cfg_scale=7))
    assert result.warnings == ("A cfg_scale of 7 is not recommended: 1.0 to 2.5 is.",)


def test_without_a_key_nothing_is_uploaded_to_photio() -> None:
    with pytest.raises(AuthenticationError, match="needs an API key"):
        RegenClient().regenerate(RegenRequest(BASE, MASK))


@pytest.mark.parametrize(
    "origin",
    [
        "http://api.photio.io",
        "http://192.168.1.2:8000",
        "http://127.1",
        "http://2130706433",
        "http://localhost.example.org",
        "https://user:secret@api.photio.io",
        "https://user@api.photio.io",
        "http://127.0.0.1\\@evil.example",
        "https://api.photio.io/v1",
        "https://api.photio.io?x=1",
        "https://api.photio.io#x",
        "https://",
        "https://:443",
        "https://host:0",
        "https://host:99999",
        "https://host name",
        "https://höst.example",
        "ftp://127.0.0.1",
        "api.photio.io",
        "",
        None,
    ],
)
def test_an_address_where_the_key_must_not_go_is_refused(origin: Any) -> None:
    with pytest.raises(SettingsError):
        RegenClient(origin)


@pytest.mark.parametrize(
    ("origin", "normal"),
    [
        ("https://api.photio.io/", "https://api.photio.io"),
        ("HTTPS://API.photio.io:8443", "https://api.photio.io:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_a_good_address_is_used(origin: str, normal: str) -> None:
    assert check_origin(origin) == normal


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_typed_error(text: str) -> None:
    for candidate in (text, "http://" + text, "https://" + text):
        try:
            origin = check_origin(candidate)
        except PhotioError:
            continue
        assert check_origin(origin) == origin
        assert origin.startswith("https://") or is_loopback(
            origin.removeprefix("http://").rsplit(":", 1)[0].strip("[]")
        )


@given(st.text(max_size=20))
def test_a_key_that_could_smuggle_in_a_header_is_refused_and_not_repeated(text: str) -> None:
    if 1 <= len(text) <= 512 and all("!" <= character <= "~" for character in text):
        assert check_key(text) == text
    else:
        with pytest.raises(KeyFormatError) as caught:
            check_key(text)
        assert len(text) < 8 or text not in caught.value.sentence + caught.value.details


def test_a_client_never_shows_its_key() -> None:
    assert "hunter2" not in repr(RegenClient(key="hunter2"))
