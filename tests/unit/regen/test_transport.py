"""Repeats and cancels: nothing is paid twice, and a cancel is honest."""

from __future__ import annotations

import logging
import random
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from bridge.regen.client import Call, RegenClient, RegenRequest, Timeouts
from bridge.regen.errors import (
    Cancelled,
    ConnectionFailedError,
    RateLimitError,
    RegenError,
)
from bridge.regen.failures import Stage
from bridge.regen.transport import _Exchange
from tests.regen_server import RegenServer
from tests.unit.background import in_background, unused_port

SMALL = Image.new("RGB", (96, 64), (9, 99, 199))
REQUEST = RegenRequest(SMALL, Image.new("L", SMALL.size, 0))
MIDDLING = Image.frombytes("RGB", (160, 160), random.Random(2).randbytes(3 * 160 * 160))
# Noise that PNG cannot shrink: far more than the sockets' buffers on the way hold.
LARGE = Image.frombytes("RGB", (1408, 1408), random.Random(1).randbytes(3 * 1408 * 1408))
LARGE_REQUEST = RegenRequest(LARGE, Image.new("L", LARGE.size, 0))
LATER = {"headers": {"Retry-After": "0"}}


@pytest.fixture(scope="module")
def running() -> Iterator[RegenServer]:
    with RegenServer() as server:
        yield server


@pytest.fixture
def server(running: RegenServer) -> RegenServer:
    running.clear()
    running.script()
    return running


def client(origin: str, **timeouts: float) -> RegenClient:
    return RegenClient(origin, "k", Timeouts(**{"connect": 10.0, "answer": 60.0, **timeouts}), pause=0.0)


@pytest.mark.parametrize("http", [200, 429], ids=["status inside", "status of HTTP"])
def test_a_busy_service_is_asked_again_and_the_user_gets_the_image(
    server: RegenServer, http: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    busy = {"answer": "status", "status_code": 429, "http": http, **LATER}
    server.script(busy, busy)
    result = client(server.origin).regenerate(REQUEST)
    assert result.attempts == 3
    assert [record["body"]["seed"] for record in server.requests()] == [result.seed] * 3
    told = [record.getMessage() for record in caplog.records if record.name == "bridge.regen.client"]
    assert [text.count("because") for text in told] == [1, 1]


def test_a_service_that_stays_busy_is_asked_three_times_at_most(server: RegenServer) -> None:
    server.script(*[{"answer": "status", "status_code": 429, **LATER}] * 9)
    with pytest.raises(RateLimitError):
        client(server.origin).regenerate(REQUEST)
    assert len(server.requests()) == 3


def test_a_long_wait_is_told_instead_of_waited(server: RegenServer) -> None:
    server.script({"answer": "status", "status_code": 429, "headers": {"Retry-After": "61"}})
    with pytest.raises(RateLimitError, match="try again in 61 seconds"):
        client(server.origin).regenerate(REQUEST)
    assert len(server.requests()) == 1


ONCE: list[dict[str, Any]] = [
    {"close": "at-accept"},
    {"close": "after-headers"},
    {"close": "after-body"},
    {"close": "mid-answer"},
    {"size": [1, 1]},
    {"answer": "status", "status_code": 429},
    {"answer": "status", "status_code": 503},
    {"answer": "status", "status_code": 503, "headers": {"Retry-After": "soon"}},
    {"answer": "status", "status_code": 503, **LATER},
    {"answer": "status", "status_code": 500, **LATER},
    {"answer": "status", "status_code": 400, **LATER},
    {"answer": "status", "status_code": 401, **LATER},
    {"answer": "raw", "http": 307, "text": "", "headers": {"Location": "/", "Retry-After": "0"}},
    {"answer": "raw", "http": 200, "text": "", **LATER},
]


@pytest.mark.parametrize(
    ("behaviour", "large"),
    [(behaviour, False) for behaviour in ONCE] + [(behaviour, True) for behaviour in ONCE[:3]],
    ids=str,
)
def test_whatever_may_have_reached_the_service_is_sent_once(
    server: RegenServer, behaviour: dict[str, Any], large: bool
) -> None:
    server.script(behaviour)
    call = Call()
    with pytest.raises(RegenError) as caught:
        client(server.origin).regenerate(LARGE_REQUEST if large else REQUEST, call=call)
    assert len(server.requests()) == 1
    if isinstance(caught.value, ConnectionFailedError):
        assert caught.value.may_be_billed is call.sent
        assert call.sent or server.requests()[0]["body"] is None


def test_a_refused_connection_is_tried_three_times_and_costs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ConnectionFailedError, match="could not be reached") as caught:
        client(f"http://127.0.0.1:{unused_port()}").regenerate(REQUEST)
    assert not caught.value.may_be_billed
    assert len([record for record in caplog.records if record.name == "bridge.regen.client"]) == 2


def test_a_service_that_comes_up_late_is_reached() -> None:
    port = unused_port()
    started: list[RegenServer] = []

    class Late(Call):
        def pause(self, seconds: float) -> None:
            started.append(RegenServer(port).__enter__())

    result = client(f"http://127.0.0.1:{port}").regenerate(REQUEST, call=Late())
    started[0].__exit__()
    assert result.attempts == 2
    assert len(started[0].requests()) == 1


def test_an_unknown_name_costs_nothing() -> None:
    with pytest.raises(ConnectionFailedError, match="could not be reached") as caught:
        client("https://photio.invalid").regenerate(REQUEST)
    assert not caught.value.may_be_billed


def test_who_cancels_before_the_start_sends_nothing(server: RegenServer) -> None:
    call = Call()
    call.cancel()
    with pytest.raises(Cancelled):
        client(server.origin).regenerate(REQUEST, call=call)
    assert server.requests() == []


@pytest.mark.parametrize("side", [880, 1408])
def test_who_cancels_during_the_upload_pays_nothing(server: RegenServer, side: int) -> None:
    """The smaller one would find room in the buffers of Linux altogether, if it was just given to them."""
    noise = Image.frombytes("RGB", (side, side), random.Random(1).randbytes(3 * side * side))
    server.script({"hold": "before-body"})
    call = Call()
    request = RegenRequest(noise, Image.new("L", noise.size, 0))
    future = in_background(lambda: client(server.origin).regenerate(request, call=call))
    server.wait("headers")
    call.cancel()
    assert not call.sent
    with pytest.raises(Cancelled, match="nothing was billed"):
        future.result(180)
    server.release()
    server.wait("dropped")
    assert server.requests()[0]["body"] is None


class CancelledAt(Call):
    """Cancels itself when so many bytes of the body are handed out, and notes whether it was sent then."""

    def __init__(self, moment: int) -> None:
        super().__init__(self._watch)
        self._moment = moment
        self.sent_then = False

    def _watch(self, stage: Stage, done: int, total: int) -> None:
        if (stage, done) == ("uploading", self._moment):
            self.cancel()
            self.sent_then = self.sent


def test_who_cancels_at_any_block_of_the_upload_knows_whether_it_was_sent(server: RegenServer) -> None:
    events: list[tuple[Stage, int, int]] = []
    request = RegenRequest(MIDDLING, Image.new("L", MIDDLING.size, 0), seed=7)  # always as many bytes
    client(server.origin).regenerate(request, call=Call(lambda *event: events.append(event)))
    moments = [done for stage, done, _ in events if stage == "uploading"]
    assert len(moments) > 3
    for moment in moments:
        server.clear()
        call = CancelledAt(moment)
        if moment == moments[-1]:
            assert client(server.origin).regenerate(request, call=call).image.tobytes() == MIDDLING.tobytes()
        else:
            with pytest.raises(Cancelled):
                client(server.origin).regenerate(request, call=call)
            server.wait("dropped")
            assert server.requests()[0]["body"] is None
        assert call.sent_then is call.sent is (moment == moments[-1])


def test_no_byte_leaves_once_a_cancel_has_returned() -> None:
    call = Call()
    upload = _Exchange("", {}, b"0123456789", call, Timeouts())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        upload.opened(socket.create_connection(listening.getsockname()))
        assert upload.read(9) == b"012345678"
        call.cancel()
        assert not call.sent
        with pytest.raises(Cancelled):
            upload.read(9)
        assert not call.sent


def test_who_cancels_after_the_upload_still_gets_what_was_paid_for(server: RegenServer) -> None:
    server.script({"hold": "before-answer"})
    call = Call()
    future = in_background(lambda: client(server.origin).regenerate(REQUEST, call=call))
    server.wait("body")
    call.cancel()
    assert call.sent
    assert call.cancelled
    server.release()
    assert future.result(180).image.tobytes() == SMALL.tobytes()


def test_who_cancels_while_the_service_is_busy_is_not_charged_later(server: RegenServer) -> None:
    server.script({"answer": "status", "status_code": 429, "headers": {"Retry-After": "60"}})
    call = Call()

    class Watched(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            call.cancel()

    logger, watched = logging.getLogger("bridge.regen.client"), Watched()
    logger.addHandler(watched)
    logger.setLevel(logging.INFO)
    try:
        with pytest.raises(Cancelled):
            client(server.origin).regenerate(REQUEST, call=call)
    finally:
        logger.removeHandler(watched)
        logger.setLevel(logging.NOTSET)
    assert len(server.requests()) == 1
    assert not call.sent


def test_a_cancel_is_prompt_even_while_the_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    looking, done = threading.Event(), threading.Event()

    def look_up(*_: Any, **__: Any) -> Any:
        looking.set()
        done.wait(180)
        raise socket.gaierror("too late")

    monkeypatch.setattr("bridge.regen.http.getaddrinfo", look_up)
    call = Call()
    future = in_background(lambda: client("https://photio.invalid", connect=600.0).regenerate(REQUEST, call=call))
    assert looking.wait(180)
    call.cancel()
    with pytest.raises(Cancelled):
        future.result(180)
    assert not done.is_set()
    done.set()


def test_an_upload_that_stalls_ends_and_costs_nothing(server: RegenServer) -> None:
    server.script({"hold": "before-body"})
    with pytest.raises(ConnectionFailedError, match="came to a halt") as caught:
        client(server.origin, answer=0.3).regenerate(LARGE_REQUEST)
    assert not caught.value.may_be_billed
    server.release()
    server.wait("dropped")
    assert server.requests()[0]["body"] is None


def test_the_stages_are_reported_in_order(server: RegenServer) -> None:
    events: list[tuple[Stage, int, int]] = []
    client(server.origin).regenerate(LARGE_REQUEST, call=Call(lambda *event: events.append(event)))
    assert list(dict.fromkeys(stage for stage, _, _ in events)) == [
        "connecting",
        "uploading",
        "waiting",
        "receiving",
    ]
    for wanted in ("uploading", "receiving"):
        amounts = [(done, total) for stage, done, total in events if stage == wanted]
        assert amounts == sorted(amounts)
        assert amounts[-1][0] == amounts[-1][1] > 1_000_000
