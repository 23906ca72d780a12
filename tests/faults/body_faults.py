"""What may go wrong with HTTP: lengths, chunks, packing, headers, status lines, endless answers."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

from tests.faults.visit import BLOCK, Fault, Step, Visit, good, http, repeat, say, say_forever, then, wrapped

GIGABYTE = 1024**3
_read = Visit.read_request
_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = "Transfer-Encoding: chunked"
_GZIP = "Content-Encoding: gzip"


def _unchanged(content: bytes) -> bytes:
    return content


def _framed(*headers: str, pack: Callable[[bytes], bytes] = _unchanged, end: Step = Visit.hang_up) -> Step:
    """Reads the request, sends the right content after these headers, and ends.

    In the headers {n} stands for what is sent, {more} and {less} for something else.
    """

    def act(visit: Visit) -> None:
        visit.read_request()
        content = pack(good(visit))
        lengths = {"n": len(content), "more": len(content) + 10, "less": len(content) - 10}
        lines = [header.format(**lengths) for header in headers]
        visit.send(_OK + "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + content)
        end(visit)

    return act


def _chunks(content: bytes, last: bytes = b"0\r\n\r\n") -> bytes:
    """In chunks of 1000 bytes."""
    parts = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + last


def _broken_gzip(content: bytes) -> bytes:
    packed = bytearray(gzip.compress(content))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


def _two_members(content: bytes) -> bytes:
    half = len(content) // 2
    return gzip.compress(content[:half]) + gzip.compress(content[half:])


def packed_repeat(unit: bytes, size: int, start: bytes = b"", end: bytes = b"") -> bytes:
    """gzip of `start`, as many `unit`s as fill `size` bytes, and `end`; never held unpacked."""
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    block = unit * (BLOCK // len(unit))
    parts = [packer.compress(start)]
    parts += [packer.compress(block) for _ in range(size // len(block))]
    return b"".join(parts) + packer.compress(end) + packer.flush()


def _bomb(unit: bytes, megabytes: int, start: bytes = b"", end: bytes = b"") -> Step:
    """An answer of a few KB that unpacks to that many megabytes."""

    def act(visit: Visit) -> None:
        visit.read_request()
        visit.send(http(packed_repeat(unit, megabytes << 20, start, end), "200 OK", _GZIP))

    return act


def _endless_trailers() -> Iterator[bytes]:
    return repeat(b"X-Trailer: " + b"t" * 1000 + b"\r\n")


def _gigabytes(count: int) -> Iterator[bytes]:
    """What looks like the beginning of an answer, and then very much of it; never held."""
    yield b'{"status_code": 200, "body": "'
    for _ in range(count * GIGABYTE // BLOCK):
        yield b"A" * BLOCK


def _flood(head: bytes) -> Step:
    return then(_read, say(_OK + head), lambda visit: visit.send_forever(_gigabytes(5)))


def _before_answer(data: bytes) -> Step:
    """Sends something, and then the right answer."""
    return then(_read, say(data), lambda visit: visit.send(http(good(visit))))


def _with_head(lines: bytes) -> Step:
    """The right answer with these header lines in it."""

    def act(visit: Visit) -> None:
        visit.read_request()
        visit.send(http(good(visit)).replace(b"\r\n", b"\r\n" + lines, 1))

    return act


_LENGTHS = (
    Fault("length-too-long", "promises 10 bytes more than it sends", _framed("Content-Length: {more}"), True),
    Fault(
        "length-too-long-stall",
        "promises 10 bytes more than it sends, and does not close",
        _framed("Content-Length: {more}", end=Visit.stall),
        True,
    ),
    Fault("length-too-short", "promises 10 bytes less than it sends", _framed("Content-Length: {less}")),
    Fault("length-negative", "a negative length", _framed("Content-Length: -5"), True),
    Fault("length-garbage", "a length that is no number", _framed("Content-Length: many")),
    Fault("length-none", "no length", _framed(), True),
    Fault("length-none-stall", "no length, and does not close", _framed(end=Visit.stall), True),
    Fault("length-twice", "two lengths that differ", _framed("Content-Length: {n}", "Content-Length: {less}")),
    Fault("length-huge", "a length beyond every disk", _framed("Content-Length: 99999999999999999999"), True),
    Fault("empty", "status 200 and no content", then(_read, say(http()))),
    Fault("five-gigabytes", "5 GB", _flood(b"Content-Length: %d\r\n\r\n" % (5 * GIGABYTE))),
    Fault("five-gigabytes-no-length", "5 GB, and no length", _flood(b"\r\n")),
)

_CHUNKS = (
    Fault("chunked", "nothing, in chunks", _framed(_CHUNKED, pack=_chunks), True),
    Fault(
        "chunked-unfinished", "chunks, the last one is missing", _framed(_CHUNKED, pack=lambda c: _chunks(c, b"")), True
    ),
    Fault(
        "chunked-unfinished-stall",
        "chunks, the last one never comes",
        _framed(_CHUNKED, pack=lambda content: _chunks(content, b""), end=Visit.stall),
        True,
    ),
    Fault("chunk-size-garbage", "a chunk's size is no number", _framed(_CHUNKED, pack=lambda c: b"many\r\n" + c)),
    Fault("chunk-size-negative", "a chunk's size is negative", _framed(_CHUNKED, pack=lambda c: b"-5\r\n" + c)),
    Fault(
        "chunk-too-long", "a chunk is shorter than its size", _framed(_CHUNKED, pack=lambda c: b"fffff\r\n" + c), True
    ),
    Fault(
        "chunk-size-endless",
        "a chunk's size that never ends",
        then(_read, say(_OK + b"Transfer-Encoding: chunked\r\n\r\n"), say_forever(b"1" * BLOCK)),
    ),
    Fault(
        "trailers-endless",
        "headers after the last chunk that never end",
        _framed(_CHUNKED, pack=lambda c: _chunks(c, b"0\r\n"), end=lambda v: v.send_forever(_endless_trailers())),
        True,
    ),
    Fault("chunked-and-length", "chunks and a length", _framed(_CHUNKED, "Content-Length: 5", pack=_chunks), True),
)

_PACKING = (
    Fault("gzip", "nothing, packed", _framed(_GZIP, "Content-Length: {n}", pack=gzip.compress), True),
    Fault("gzip-broken", "packed with an error in it", _framed(_GZIP, "Content-Length: {n}", pack=_broken_gzip)),
    Fault("gzip-truncated", "packed, the end is missing", _framed(_GZIP, pack=lambda c: gzip.compress(c)[:-9]), True),
    Fault("gzip-not", "says that it is packed, and is not", _framed(_GZIP, "Content-Length: {n}"), True),
    Fault("gzip-members", "packed in two parts", _framed(_GZIP, "Content-Length: {n}", pack=_two_members), True),
    Fault("gzip-bomb", "300 MB packed into 1.3 MB", _bomb(bytes(1024), 300)),
    Fault("gzip-bomb-lists", "60 MB of empty lists", _bomb(b"[],", 60, b"[", b"0]")),
    Fault("gzip-bomb-texts", "60 MB of short texts", _bomb(b'"ab",', 60, b'{"body": [', b"0]}")),
    Fault(
        "gzip-bomb-words", "60 MB of Base64 with spaces", _bomb(b"AAAA ", 60, b'{"status_code": 200, "body": "', b'"}')
    ),
    Fault(
        "packed-deflate",
        "packed in a way that was not asked for",
        _framed("Content-Encoding: deflate", pack=zlib.compress),
    ),
    Fault("packed-unknown", "packed in an unknown way", _framed("Content-Encoding: br", "Content-Length: {n}"), True),
)

_HEADERS = (
    Fault("headers-many", "200 header lines", _with_head(b"X-Flood: 1\r\n" * 200)),
    Fault("header-long", "a header of 70 kB", _with_head(b"X-Flood: " + b"1" * 70_000 + b"\r\n")),
    Fault(
        "header-endless", "a header that never ends", then(_read, say(_OK + b"X-Flood: "), say_forever(b"1" * BLOCK))
    ),
    Fault("headers-endless", "headers that never end", then(_read, say(_OK), say_forever(b"X-Flood: 1\r\n" * 1000))),
    Fault(
        "header-binary", "headers of bytes that are no text", _with_head(b"X-\xff\x00\x01: \xfe\x00\x1b[2J\r\n"), True
    ),
    Fault("header-no-colon", "a header line without a name", _with_head(b"no name here\r\n")),
    Fault("cookies", "sets cookies", _with_head(b"Set-Cookie: a=b; Path=/\r\nSet-Cookie: \xff;;=\r\n"), True),
    Fault("type-html", "calls its JSON HTML", _with_head(b"Content-Type: text/html; charset=\xff\r\n"), True),
)

_STATUS_LINES = (
    Fault("http-0.9", "no status line, no headers", then(_read, lambda visit: visit.send(good(visit)))),
    Fault("status-line-garbage", "a status line that is none", then(_read, say(b"\x00\x01\x02 garbage\r\n\r\n"))),
    Fault("status-line-ssh", "another protocol", then(_read, say(b"SSH-2.0-OpenSSH_9.2\r\n"))),
    Fault("status-line-huge", "a status that is too large", then(_read, say(b"HTTP/1.1 99999 What\r\n\r\n"))),
    Fault(
        "status-line-endless",
        "a status line that never ends",
        then(_read, say(b"HTTP/1.1 200 "), say_forever(b"O" * BLOCK)),
    ),
    Fault("http-2", "speaks HTTP/2", then(_read, say(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)))),
    Fault("continue", "says 100 Continue first", _before_answer(b"HTTP/1.1 100 Continue\r\n\r\n"), True),
    Fault("continue-endless", "says 100 Continue for ever", then(_read, say_forever(b"HTTP/1.1 100 Continue\r\n\r\n"))),
    Fault(
        "early-hints",
        "says 103 Early Hints first",
        _before_answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        True,
    ),
    Fault(
        "processing", "says 102 Processing twice first", _before_answer(b"HTTP/1.1 102 Processing\r\n\r\n" * 2), True
    ),
    Fault("switching", "switches protocols", then(_read, say(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"))),
    Fault("no-content", "204 No Content", then(_read, say(b"HTTP/1.1 204 No Content\r\n\r\n"))),
    Fault("two-answers", "answers twice", then(_read, lambda visit: visit.send(http(good(visit)) * 2)), True),
    Fault("http-1.0", "answers in HTTP/1.0", then(_read, lambda v: v.send(b"HTTP/1.0 200 OK\r\n\r\n" + good(v))), True),
)


def _key_in(make: Callable[[bytes], bytes]) -> Step:
    """An answer with the request's key in it."""

    def act(visit: Visit) -> None:
        visit.read_request()
        visit.send(make(visit.record.headers.get("x-photio-key", "").encode()))

    return act


_KEYS = (
    Fault(
        "key-in-status-line", "repeats the key in its status line", _key_in(lambda key: b"HTTP/9 " + key + b"\r\n\r\n")
    ),
    Fault(
        "key-in-encoding",
        "repeats the key as its packing",
        _key_in(lambda k: http(b"", "200 OK", f"Content-Encoding: {k.decode()}")),
    ),
    Fault(
        "key-in-location",
        "repeats the key in a redirect",
        _key_in(lambda k: http(b"", "302 Found", f"Location: /{k.decode()}")),
    ),
    Fault(
        "key-in-message",
        "repeats the key in its words",
        _key_in(lambda k: http(wrapped(b"", status_code=401, body=f"no: {k.decode()}"))),
    ),
    Fault(
        "key-in-body", "repeats the key instead of Base64", _key_in(lambda k: http(wrapped(b"", body=f"!{k.decode()}")))
    ),
    Fault(
        "key-in-chunk",
        "repeats the key as a chunk's size",
        _key_in(lambda k: _OK + b"Transfer-Encoding: chunked\r\n\r\n" + k + b"\r\n"),
    ),
    Fault("key-in-html", "repeats the key on a page", _key_in(lambda k: http(b"<p>" + k, "502 Bad Gateway"))),
)

FAULTS: tuple[Fault, ...] = _LENGTHS + _CHUNKS + _PACKING + _HEADERS + _STATUS_LINES + _KEYS
