"""Whatever comes over the wire, to the byte: an answer, or a typed error, and never more of it than is wanted."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import socket
import threading
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.regen.client import RegenClient, RegenRequest, RegenResult, Timeouts
from bridge.regen.errors import RegenError
from bridge.regen.http import content
from tests.unit.damage import at_most, damaged

KEY = "sk-0123456789abcdef"
BASE = Image.effect_noise((8, 8), 60).convert("RGB")
REQUEST = RegenRequest(BASE, Image.new("L", BASE.size, 0))


def _answer() -> bytes:
    picture = io.BytesIO()
    BASE.save(picture, "PNG")
    return json.dumps({"status_code": 200, "body": base64.b64encode(picture.getvalue()).decode()}).encode()


def _chunked(content: bytes) -> bytes:
    return b"".join(
        b"%x\r\n%b\r\n" % (len(content[at : at + 99]), content[at : at + 99]) for at in range(0, len(content), 99)
    )


PLAIN, PACKED = _answer(), gzip.compress(_answer())
WIRE = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(PLAIN), PLAIN),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(PACKED), PACKED),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\nX-After: 1\r\n\r\n" % _chunked(PLAIN),
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.0 200 OK\r\n\r\n%b" % PLAIN,
    b"HTTP/1.1 200 OK\r\n\r\n" + b'{"status_code": 200, "body": "%b!"}' % KEY.encode(),
    b"HTTP/1.1 401 No\r\nContent-Length: 33\r\nX-Echo: %b\r\n\r\n" % KEY.encode()
    + b'{"status_code": 401, "body": "x"}',
]
PIECES = (
    b"\r\n", b"\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"0\r\n\r\n", b"-1", b"ffffffffff\r\n", b": ",
    b"\x1f\x8b\x08", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n",
)  # fmt: skip


class Saying:
    """A server that reads a request to its end, says some bytes, and hangs up."""

    said = b""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listening.accept()[0]
            except OSError:
                return
            with connection, contextlib.suppress(OSError):  # whoever has heard enough hangs up
                received = b""
                while b'"cfg_scale": 2.5}' not in received and (block := connection.recv(65536)):
                    received += block
                connection.sendall(self.said)

    def close(self) -> None:
        """Ends it."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Saying]:
    saying = Saying()
    yield saying
    saying.close()


def regenerate(server: Saying, said: bytes) -> RegenResult:
    server.said = said
    return RegenClient(server.origin, KEY, Timeouts(60, 60), pause=0.0).regenerate(REQUEST)


@pytest.mark.parametrize("said", WIRE[:4])
def test_every_way_to_send_an_answer_is_understood(server: Saying, said: bytes) -> None:
    assert regenerate(server, said).image.tobytes() == BASE.tobytes()


@pytest.mark.parametrize("said", WIRE, ids=lambda said: repr(said[9:40]))
def test_whatever_a_line_of_the_answer_is_it_is_a_picture_or_a_typed_error_that_tells_no_key(
    server: Saying, said: bytes
) -> None:
    lines = said.split(b"\r\n")
    for number in range(min(len(lines), 7)):  # beyond them there is only more of the same
        for piece in PIECES:
            check(server, b"\r\n".join([*lines[:number], piece, *lines[number + 1 :]]))
            check(server, b"\r\n".join([*lines[:number], piece, *lines[number:]]))


@settings(max_examples=120)
@given(st.sampled_from(WIRE).flatmap(lambda said: damaged(said, PIECES)))
def test_whatever_comes_over_the_wire_is_a_picture_or_a_typed_error_that_tells_no_key(
    server: Saying, said: bytes
) -> None:
    check(server, said)


def check(server: Saying, said: bytes) -> None:
    """What a server says is a picture, or an error in which nothing tells the key."""
    told, kept = "", b""
    try:
        assert regenerate(server, said).image.size == BASE.size
    except RegenError as error:
        told, kept = f"{error.sentence} {error.details}", error.received
    assert KEY not in told
    assert KEY.encode() not in kept


class Packed:
    """An answer's file from which each `read1` gives the next piece, as `requests` has it."""

    length_remaining = None

    def __init__(self, packed: bytes, step: int) -> None:
        self.raw, self.headers = self, {"content-encoding": "gzip"}
        self._pieces = [packed[at : at + step] for at in range(0, len(packed), step)]

    def read1(self, _most: int, decode_content: bool) -> bytes:
        assert not decode_content
        return self._pieces.pop(0) if self._pieces else b""


@given(st.sampled_from([PLAIN, PACKED, PACKED + PACKED]).flatmap(damaged), st.integers(1, 300), st.integers(1, 2000))
def test_content_is_never_longer_than_is_wanted_however_it_is_packed_and_cut(
    packed: bytes, step: int, longest: int
) -> None:
    pieces = list(content(Packed(packed, step), longest))  # type: ignore[arg-type]
    assert len(b"".join(pieces[:-1])) <= longest
    assert len(b"".join(pieces)) <= longest + step  # what was never packed comes block by block


def test_a_bomb_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _megabyte in range(200)) + packer.flush()
    with at_most(6):
        assert sum(map(len, content(Packed(bomb, len(bomb)), 1 << 20))) == (1 << 20) + 1  # type: ignore[arg-type]
