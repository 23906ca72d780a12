"""What the service may answer, and what becomes of it."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from bridge.pixels.geometry import Size
from bridge.regen.answer import encoded_image, retry_after
from bridge.regen.client import RegenClient, RegenRequest
from bridge.regen.decoding import MAX_PIXELS, DecodedImage, decode_image
from bridge.regen.errors import MalformedResponseError, RegenError, ServiceError
from bridge.regen.transport import HttpAnswer
from tests.regen_server import RegenServer
from tests.unit.damage import at_most, damaged, damaged_json, damaged_png, replaced

BASE = Image.effect_noise((48, 32), 60).convert("RGB")
MASK = Image.new("L", BASE.size, 0)
SIZE = Size(48, 32)


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def shown(decoded: DecodedImage) -> Image.Image:
    return Image.fromarray(decoded.pixels)


GOOD = base64.b64encode(file(BASE)).decode()


def answer(document: Any, status: int = 200, **headers: str) -> HttpAnswer:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return HttpAnswer(status, headers, content)


@pytest.fixture(scope="module")
def server() -> Iterator[RegenServer]:
    with RegenServer() as running:
        yield running


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("data_uri", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_every_documented_form_of_an_image_is_understood(
    server: RegenServer, kind: str, data_uri: bool, compressed: bool
) -> None:
    server.script({"format": kind, "data_uri": data_uri, "gzip": compressed, "status_as_string": compressed})
    result = RegenClient(server.origin).regenerate(RegenRequest(BASE, MASK))
    assert result.media_type == f"image/{kind.lower()}"
    assert Image.open(io.BytesIO(result.encoded)).format == kind
    assert (result.image.mode, result.image.size) == ("RGB", BASE.size)
    assert kind == "JPEG" or result.image.tobytes() == BASE.tobytes()


@pytest.mark.parametrize("status", [200, "200", " 200 "], ids=["number", "text", "text with spaces"])
@pytest.mark.parametrize("http", [200, 500])
def test_the_status_inside_rules_whatever_the_http_status(status: object, http: int) -> None:
    assert encoded_image(answer({"status_code": status, "body": GOOD}, http), None) == file(BASE)
    with pytest.raises(ServiceError):
        encoded_image(answer({"status_code": 500, "body": GOOD}, 200), None)


@pytest.mark.parametrize(
    "body",
    [
        f"  {GOOD[:20]}\r\n{GOOD[20:]} ",
        GOOD.rstrip("="),
        f"{GOOD}=",
        f"{GOOD}====",
        f"{GOOD} =\n",
        f"DATA:image/PNG;charset=x;base64, {GOOD}",
    ],
    ids=[
        "white space",
        "no padding",
        "too much padding",
        "far too much",
        "padding on a line of its own",
        "data URI in capitals",
    ],
)
def test_harmless_differences_in_base64_are_tolerated(body: str) -> None:
    assert encoded_image(answer({"status_code": 200, "body": body}), None) == file(BASE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"OK",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe{",
        b'{"body": "AAAA"}',
        b'{"status_code": NaN, "body": "AAAA"}',
        b'{"status_code": true, "body": "AAAA"}',
        b'{"status_code": 200.5, "body": "AAAA"}',
        b'{"status_code": "200 OK", "body": "AAAA"}',
        b'{"status_code": "\xd9\xa2\xd9\xa0\xd9\xa0", "body": "AAAA"}',
        b'{"status_code": ' + b"9" * 100_000 + b"}",
        b'{"status_code": 202, "body": "AAAA"}',
        b'{"status_code": 200}',
        b'{"status_code": 200, "body": null}',
        b'{"status_code": 200, "body": ["AAAA"]}',
        b'{"status_code": 200, "body": ""}',
        b'{"status_code": 200, "body": "not base64!"}',
        b'{"status_code": 200, "body": "data:text/html;base64,AAAA"}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
    ],
    ids=lambda content: repr(content[:40]),
)
def test_an_answer_that_is_none_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        encoded_image(answer(content), None)
    assert caught.value.may_be_billed


@given(
    st.one_of(
        st.binary(max_size=200),
        st.fixed_dictionaries(
            {},
            optional={
                "status_code": st.one_of(st.integers(), st.text(max_size=5), st.none(), st.floats()),
                "body": st.one_of(
                    st.text(max_size=40), st.binary(max_size=20).map(lambda b: base64.b64encode(b).decode())
                ),
            },
        ),
    ),
    st.integers(200, 599),
)
def test_any_answer_is_bytes_or_a_typed_error(document: Any, http: int) -> None:
    with contextlib.suppress(RegenError):
        assert encoded_image(answer(document, http), "key")


@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
    st.integers(0, 4000),
)
def test_any_damaged_image_is_an_image_of_the_right_size_or_a_typed_error(
    kind: str, damage: list[tuple[int, int]], length: int
) -> None:
    content = bytearray(file(BASE, kind))
    for position, value in damage:
        content[position % len(content)] = value
    try:
        image = shown(decode_image(bytes(content[: max(length, 20)]), SIZE))
    except MalformedResponseError:
        return
    assert kind not in ("GIF", "BMP")
    assert image.size == SIZE
    assert image.mode in ("RGB", "RGBA")


KEY = "sk-0123456789abcdef"
ANSWERS: list[dict[str, Any]] = [
    {"status_code": 200, "body": GOOD},
    {"status_code": "200", "body": f"data:image/png;base64,{GOOD}", "more": [1, {"a": None}]},
    {"status_code": 503, "body": f"busy, {KEY}"},
    {"status_code": 401, "message": f"no {KEY} here"},
]


@given(st.sampled_from(ANSWERS), st.sampled_from([200, 201, 400, 401, 429, 500, 503]), st.data())
def test_whatever_becomes_of_an_answer_it_is_bytes_or_a_typed_error_and_tells_no_key(
    document: dict[str, Any], http: int, data: st.DataObject
) -> None:
    valid = json.dumps(document).encode()
    pieces = (b'"status_code":200,', b"data:image/", b";base64,", KEY.encode(), b"=", b"====")
    waits = data.draw(damaged(b"Wed, 21 Oct 2015 07:28:00 GMT") | damaged(b"120")).decode("latin-1")
    check(data.draw(damaged_json(document) | damaged(valid, pieces)), http, waits)


@pytest.mark.parametrize("http", [200, 503])
@pytest.mark.parametrize("document", ANSWERS, ids=lambda document: f"{document['status_code']!r}")
def test_whatever_a_value_in_an_answer_is_it_is_bytes_or_a_typed_error_and_tells_no_key(
    document: dict[str, Any], http: int
) -> None:
    for content in replaced(document):
        check(content, http, "")


def check(content: bytes, http: int, waits: str) -> None:
    """An answer gives the bytes of a picture, or an error that is short and tells no key."""
    told, kept = "", b""
    try:
        assert encoded_image(HttpAnswer(http, {"retry-after": waits}, content), KEY)
    except RegenError as error:
        told, kept = f"{error.sentence} {error.details}", error.received
    assert KEY not in told
    assert KEY.encode() not in kept
    assert len(told) < 3000


PNGS = [
    file(BASE),
    file(BASE.quantize(16), transparency=3),
    file(BASE.convert("LA")),
    file(Image.new("I;16", (8, 8), 0x8080)),
    file(BASE, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    file(BASE, save_all=True, append_images=[BASE]),
]
OTHERS = [
    file(BASE, "JPEG"),
    file(BASE, "JPEG", progressive=True, subsampling=0),
    file(BASE.convert("CMYK"), "JPEG"),
    file(BASE, "MPO", save_all=True, append_images=[BASE]),
    file(BASE, "WEBP"),
    file(BASE.convert("RGBA"), "WEBP", lossless=True, icc_profile=b"no profile"),
    file(BASE, "WEBP", save_all=True, append_images=[BASE]),
]


@pytest.mark.filterwarnings("ignore")  # Pillow's own, about broken EXIF and large sizes
@settings(max_examples=300)
@given(st.sampled_from(PNGS).flatmap(damaged_png) | st.sampled_from(OTHERS).flatmap(damaged))
def test_whatever_becomes_of_a_picture_inside_it_is_a_picture_or_a_typed_error(content: bytes) -> None:
    try:
        decoded = decode_image(content, None)
    except MalformedResponseError as error:
        kept = error.received
    else:
        kept = decoded.encoded
        assert shown(decoded).mode in ("RGB", "RGBA")
        assert shown(decoded).width * shown(decoded).height <= MAX_PIXELS
        assert not shown(decoded).info
    assert kept == content


@pytest.mark.parametrize(
    "content",
    [
        ('{"' + "あ" * 5_000_000 + '": 1}').encode(),
        b'{"status_code": 500, "body": "' + b"x" * 15_000_000 + b'"}',
        b'{"status_code": 200, "body": [' + b"[]," * 5_000_000 + b"0]}",
        b"\xe3\x81\x82" * 5_000_000,
    ],
    ids=["name", "message", "values", "text"],
)
def test_a_long_answer_takes_few_times_its_length_in_memory(content: bytes) -> None:
    answer = HttpAnswer(200, {}, content)
    with at_most(5 * len(content) >> 20), pytest.raises(RegenError):
        encoded_image(answer, KEY)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("", None),
        (None, None),
        ("soon", None),
        ("-1", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header) == seconds


@given(st.text(max_size=30))
def test_any_retry_after_is_understood_or_passed_over(text: str) -> None:
    wait = retry_after(text)
    assert wait is None or wait >= 0
