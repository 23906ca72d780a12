"""Valid things, damaged as accident and malice damage them: for tests of all that is read from outside.

What is quite random is refused at the first byte; what is nearly right is what finds the holes.
"""

from __future__ import annotations

import copy
import json
import struct
import tracemalloc
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

_NUMBERS = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e308", "-0.0", "0.5", "-1", "0", "1", "2", "99", "2147483648",
    "4294967296", "9007199254740993", "1" + "0" * 18, "9" * 400, "9" * 5000,
)  # fmt: skip
_TEXTS = (
    '""', '" "', '"\\ud800"', '"x\\udc00"', '"a\\u0000b"', '"\u00e9"', '"\\u202e\\n"', '"../../x"', '"/dev/zero"',
    '"1"', '"' + "x" * 3000 + '"',
)  # fmt: skip
_OTHERS = (
    "true", "false", "null", "[]", "{}", "[[], {}]", '{"a": 1, "a": 2}', '["x"]', "[0, 0, 0, 0]",
    "[" * 900 + "]" * 900, "[" * 5000, '{"a":' * 5000,
)  # fmt: skip

#: What JSON can say where something else was meant, as it is written.
_TOKENS = (*_NUMBERS, *_TEXTS, *_OTHERS)

_DEEP = st.integers(1, 1100).map(lambda depth: "[" * depth + "]" * depth)
_PIECES = (b"\0", b"\xff", b"\n", b"\r\n", b" ", b"\t", b"-", b"\\", b'"', b"0", b"9" * 30, b"\xed\xa0\x80")
_CHUNKS = (b"PLTE", b"tRNS", b"iCCP", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"zTXt", b"iTXt", b"IEND", b"IDAT", b"IHDR")


@st.composite
def damaged(draw: st.DrawFn, valid: bytes, pieces: Sequence[bytes] = ()) -> bytes:
    """Bytes with one to four of them flipped, cut away, put in, or doubled.

    Args:
        pieces: more that may be put in.
    """
    data = bytearray(valid)
    more = st.sampled_from((*pieces, *_PIECES))
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(1, 40))
        match draw(st.sampled_from(("flip", "flip", "cut", "end", "put", "double"))):
            case "flip" if at < len(data):
                data[at] ^= draw(st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128, 255]))
            case "cut":
                del data[at : at + length]
            case "end":
                del data[at:]
            case "double":
                data[at:at] = data[at : at + length]
            case _:
                data[at:at] = draw(more)
    return bytes(data)


@st.composite
def damaged_json(draw: st.DrawFn, valid: Any) -> bytes:
    """A document in which one to three values, at any depth, are something else, missing, there twice or elsewhere."""
    document = json.loads(json.dumps(valid))  # its tuples are lists
    put: dict[str, str] = {}
    for number in range(draw(st.integers(1, 3))):
        found = list(places(document))
        if not found:
            break
        holder, name = draw(st.sampled_from(found))
        mark = f"\ue000{number}"
        match draw(st.sampled_from(("put", "put", "put", "deep", "remove", "twice", "move"))):
            case "remove":
                del holder[name]
            case "twice" if isinstance(holder, dict):
                holder[mark] = holder[name]
                put[json.dumps(mark)] = json.dumps(name)
            case "move":
                other, from_name = draw(st.sampled_from(found))
                holder[name] = copy.deepcopy(other[from_name])
            case how:
                holder[name] = mark
                put[json.dumps(mark)] = draw(_DEEP if how == "deep" else st.sampled_from(_TOKENS))
    text = json.dumps(document)
    for mark, token in put.items():
        text = text.replace(mark, token)
    return text.encode()


def replaced(valid: Any) -> Iterator[bytes]:
    """A document with each of its values (itself, too) whatever else JSON can say, once removed, once there twice."""
    yield from (token.encode() for token in _TOKENS)
    document = json.loads(json.dumps(valid))  # its tuples are lists
    for holder, name in list(places(document)):
        before = holder[name]
        holder[name] = "\ue000"
        head, _mark, tail = json.dumps(document).partition('"\\ue000"')
        yield from ((head + token + tail).encode() for token in _TOKENS)
        twice = f", {json.dumps(name)}: " if isinstance(holder, dict) else ", "
        yield (head + json.dumps(before) + twice + json.dumps(before) + tail).encode()
        del holder[name]
        yield json.dumps(document).encode()
        if isinstance(holder, list):
            holder.insert(name, before)
        else:
            holder[name] = before


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of a document, as what holds it and its name or number there."""
    names = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for name in names:
        yield document, name
        yield from places(document[name])


@st.composite
def damaged_png(draw: st.DrawFn, valid: bytes) -> bytes:
    """A PNG with chunks changed, lost, doubled or moved, whose checksums are right all the same."""
    chunks, at = [], 8
    while at < len(valid):
        (length,) = struct.unpack_from(">I", valid, at)
        chunks.append((valid[at + 4 : at + 8], valid[at + 8 : at + 8 + length]))
        at += 12 + length
    for _ in range(draw(st.integers(1, 3))):
        number = draw(st.integers(0, len(chunks) - 1))
        kind, content = chunks[number]
        match draw(st.sampled_from(("change", "change", "lose", "double", "move", "name"))):
            case "change":
                pieces = (b"\x7f\xff\xff\xff", b"\0\0\0\0", zlib.compress(bytes(9)))
                chunks[number] = kind, draw(damaged(content, pieces))
            case "lose" if len(chunks) > 1:
                del chunks[number]
            case "move":
                chunks.insert(draw(st.integers(0, len(chunks) - 1)), chunks.pop(number))
            case "name":
                chunks[number] = draw(st.sampled_from(_CHUNKS)), content
            case _:
                chunks.insert(number, chunks[number])
    return valid[:8] + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


@contextmanager
def at_most(megabytes: int) -> Iterator[None]:
    """Fails when Python takes more memory than that, at any moment."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes << 20, "it takes too much memory"
    finally:
        tracemalloc.stop()
