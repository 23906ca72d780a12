"""Plug-in and bridge understand each other, or say that they do not."""

import json
from dataclasses import fields, is_dataclass
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import (
    CropPlan,
    Failed,
    Finished,
    Job,
    Message,
    Open,
    Plan,
    Planned,
    Progress,
    ProtocolError,
    Result,
    decode,
    encode,
)

JOB = Job("a “cat”\n", "no", "LOW", 4294967296, 2.5, 1, "layer", 50.0, 6, 3, "auto", "photo.xcf")

EXAMPLES = [
    Open(JOB),
    Plan((3840, 2160), (1, 2, 3, 4), True),
    Planned((CropPlan("base-1.ppm", (0, 0, 5, 5), (1024, 1024), 1.5),), 2, "photio", ("one", "two")),
    Finished((0, 0, 5, 5), "layer-mask.pgm", (Result("result-1.ppm", 7),), ()),
    Failed("no-key", "Get a key."),
    Progress(0.5, "…"),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent(message):
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_every_message_is_frozen_data():
    for kind in get_args(Message):
        assert is_dataclass(kind)
        assert kind.__dataclass_params__.frozen
        assert all(field.init for field in fields(kind))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"type": "dance"}',
        b'{"type": "run", "more": 1}',
        b'{"type": "open"}',
        b'{"type": "plan", "canvas": [1], "selection": [0, 0, 1, 1], "masked": true}',
        b'{"type": "plan", "canvas": [1, true], "selection": [0, 0, 1, 1], "masked": true}',
        b'{"type": "progress", "fraction": "1", "text": "x"}',
        b'{"type": ["run"]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused_with_a_typed_error(line):
    with pytest.raises(ProtocolError):
        decode(line)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.sampled_from(EXAMPLES), st.data())
def test_a_damaged_message_never_gives_anything_but_a_message_or_a_typed_error(message, data):
    document = json.loads(encode(message))
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(json_values)
    try:
        decoded = decode(json.dumps(document))
    except ProtocolError:
        return
    assert isinstance(decoded, get_args(Message))
