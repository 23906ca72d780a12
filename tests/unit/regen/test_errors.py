"""What the user is told when something goes wrong, and what nobody is ever told."""

from __future__ import annotations

import logging
import socket
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bridge.regen.client import RegenClient, RegenRequest, RegenResult, Timeouts
from bridge.regen.errors import (
    AnswerTimeout,
    AuthenticationError,
    ConnectionFailedError,
    MalformedResponseError,
    RateLimitError,
    RedirectError,
    RegenError,
    RequestRefusedError,
    ServiceError,
    quote,
)
from tests.regen_server import RegenServer

KEY = "sk-0123456789abcdef"
BASE = Image.effect_noise((96, 64), 60).convert("RGB")
REQUEST = RegenRequest(BASE, Image.new("L", BASE.size, 0))


@pytest.fixture(scope="module")
def server() -> Iterator[RegenServer]:
    with RegenServer() as running:
        yield running


@pytest.fixture(autouse=True)
def forget(server: RegenServer) -> None:
    server.clear()


def regenerate(
    server: RegenServer, behaviour: dict[str, Any], key: str | None = KEY, answer: float = 30.0
) -> RegenResult:
    server.script(behaviour)
    return RegenClient(server.origin, key, Timeouts(10.0, answer), pause=0.0).regenerate(REQUEST)


def status(code: int, body: str = "", **more: Any) -> dict[str, Any]:
    return {"answer": "status", "status_code": code, "body": body, **more}


def page(http: int, **more: Any) -> dict[str, Any]:
    return {"answer": "raw", "http": http, "text": "<html><h1>Sorry</h1></html>", **more}


@pytest.mark.parametrize(
    ("behaviour", "error", "billed"),
    [
        (status(401), AuthenticationError, False),
        (status(401, http=401), AuthenticationError, False),
        (status(401, status_as_string=True), AuthenticationError, False),
        (status(403), AuthenticationError, False),
        (page(401), AuthenticationError, False),
        (status(400), RequestRefusedError, False),
        (status(422, http=422), RequestRefusedError, False),
        (page(404), RequestRefusedError, False),
        (status(429), RateLimitError, False),
        (page(429), RateLimitError, False),
        (status(500), ServiceError, False),
        (status(503), ServiceError, False),
        (page(500), ServiceError, True),
        (page(502), ServiceError, True),
        (status(502), ServiceError, True),
        (page(503), ServiceError, True),
        (page(504), ServiceError, True),
        (page(520), ServiceError, True),
        (page(524), ServiceError, True),
        (page(402), RequestRefusedError, False),
        (page(403), RequestRefusedError, False),
        (page(511), RequestRefusedError, False),
        (page(200), MalformedResponseError, True),
        (page(302, headers={"Location": "https://example.org/"}), RedirectError, False),
        ({"size": [10, 10]}, MalformedResponseError, True),
        (page(200, headers={"Content-Encoding": "br"}), MalformedResponseError, True),
        (page(200, headers={"Content-Encoding": "gzip"}), MalformedResponseError, True),
        ({"close": "after-body"}, ConnectionFailedError, True),
        ({"close": "mid-answer"}, ConnectionFailedError, True),
    ],
    ids=str,
)
def test_each_failure_has_its_own_error_and_says_whether_it_may_cost(
    server: RegenServer, behaviour: dict[str, Any], error: type[RegenError], billed: bool
) -> None:
    with pytest.raises(error) as caught:
        regenerate(server, behaviour)
    assert type(caught.value) is error
    assert caught.value.may_be_billed is billed
    assert caught.value.sentence.endswith(".")
    assert ("may have been billed" in caught.value.sentence) is billed
    assert len(server.requests()) == 1, "it was sent twice"


def test_the_services_own_words_reach_the_user(server: RegenServer) -> None:
    with pytest.raises(RequestRefusedError, match="“The prompt is not in English”"):
        regenerate(server, status(422, "The prompt\n is not\x1b in\x00 English\u202e"))
    with pytest.raises(ServiceError, match="“Internal server error”"):
        regenerate(server, {"answer": "raw", "http": 502, "text": '{"message": "Internal server error"}'})


def test_long_words_are_cut_and_images_are_not_words(server: RegenServer) -> None:
    with pytest.raises(ServiceError) as caught:
        regenerate(server, status(500, "so sorry " * 100))
    assert len(caught.value.sentence) < 450
    with pytest.raises(ServiceError) as caught:
        regenerate(server, status(500, "iVBORw0K" * 1000))
    assert "iVBOR" not in caught.value.sentence


def test_who_has_no_key_is_asked_for_one(server: RegenServer) -> None:
    with pytest.raises(AuthenticationError, match="asks for an API key"):
        regenerate(server, status(401), key=None)


def test_a_redirect_is_never_followed_and_the_key_goes_nowhere_else(server: RegenServer) -> None:
    with RegenServer() as elsewhere:
        for http in (301, 302, 303, 307, 308):
            with pytest.raises(RedirectError):
                regenerate(server, page(http, headers={"Location": elsewhere.origin + "/v1/inference/regen"}))
        assert elsewhere.requests() == []


def test_a_redirect_that_says_200_inside_is_still_none(server: RegenServer) -> None:
    with pytest.raises(RedirectError):
        regenerate(server, {"http": 307, "headers": {"Location": "/elsewhere"}})


ECHOES: list[dict[str, Any]] = [
    status(401, f"bad key {KEY}"),
    status(400, f"{KEY}"),
    status(500, "x" * 290 + KEY),
    status(500, f"{KEY[:5]}\x00{KEY[5:]}"),
    status(422, "\u202e".join(KEY)),
    {"answer": "raw", "http": 500, "text": f"<p>{KEY}</p>"},
    {"answer": "raw", "http": 200, "text": "x" * 295 + KEY},
    {"answer": "raw", "http": 200, "text": f'{{"status_code": 200, "body": "{KEY}!"}}'},
    {"answer": "raw", "http": 302, "text": "", "headers": {"Location": f"https://example.org/{KEY}"}},
    {"answer": "raw", "http": 200, "text": KEY, "headers": {"Content-Encoding": KEY}},
    status(429, KEY, headers={"Retry-After": "0"}),
]


@pytest.mark.parametrize("behaviour", ECHOES, ids=lambda behaviour: str(behaviour)[:60])
def test_a_key_that_the_service_echoes_is_in_no_error_and_no_log(
    server: RegenServer, behaviour: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(behaviour, behaviour, behaviour)
    with pytest.raises(RegenError) as caught:
        RegenClient(server.origin, KEY, pause=0.0).regenerate(REQUEST)
    assert_secret(caught.value, caplog)


def assert_secret(error: RegenError, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").error("failed", exc_info=error)
    told = "".join([error.sentence, error.details, repr(error), *traceback.format_exception(error), caplog.text])
    for piece in (KEY, KEY[:8], KEY[-8:]):
        assert piece not in told


def raw_server(answer: bytes) -> str:
    """A server that gives one connection this answer, once the request's body is there; its origin."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listening, listening.accept()[0] as connection:
            received = b""
            while b'"cfg_scale": 2.5}' not in received:
                received += connection.recv(65536)
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize(
    "answer",
    [
        f"SSH-2.0 {KEY}\r\n".encode(),
        f"HTTP/1.1 {KEY}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n{KEY}".encode(),
        f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n{KEY}".encode(),
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 70_000 + b"\r\n\r\n",
        b"",
    ],
    ids=lambda answer: repr(answer[:50]),
)
def test_a_server_that_speaks_no_http_gives_a_typed_error_without_the_key(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(RegenError) as caught:
        RegenClient(raw_server(answer), KEY).regenerate(REQUEST)
    assert caught.value.may_be_billed
    assert_secret(caught.value, caplog)


def test_a_bomb_of_zeros_is_refused_before_it_fills_the_memory(
    server: RegenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.regen.transport.LONGEST_ANSWER", 100_000)
    for packed in (False, True):
        with pytest.raises(MalformedResponseError) as caught:
            regenerate(server, {"answer": "raw", "text": " " * 100_001, "gzip": packed})
        assert "100000 bytes" in caught.value.details
        assert isinstance(regenerate(server, {"gzip": packed}), RegenResult)


@pytest.mark.parametrize("behaviour", [{"hold": "before-answer"}, {"drip": 0.05}], ids=str)
def test_a_slow_answer_ends_with_a_word_about_the_bill(server: RegenServer, behaviour: dict[str, Any]) -> None:
    # Each byte of the drip comes well within the time-out; all of them never do.
    with pytest.raises(AnswerTimeout, match="may have been billed") as caught:
        regenerate(server, behaviour, answer=0.3)
    for thread in threading.enumerate():
        if thread.name == "photio-request":  # it must not go on listening
            thread.join(30)
            assert not thread.is_alive()
    server.release()
    assert caught.value.may_be_billed
    assert len(server.requests()) == 1


@given(st.text(max_size=80), st.integers(0, 80), st.integers(2, 40))
def test_quoted_text_is_one_bounded_line_without_the_key(text: str, position: int, limit: int) -> None:
    said = quote(text[:position] + KEY + text[position:], KEY, limit)
    assert len(said) <= limit
    assert said.isprintable() or "\u00a0" in said or not said.strip()
    assert KEY not in said
