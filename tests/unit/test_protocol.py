"""Plug-in and bridge understand each other, or say that they do not."""

import json
from dataclasses import fields, is_dataclass, replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import (
    CropPlan,
    Document,
    Failed,
    Finished,
    Job,
    Message,
    Open,
    Patch,
    Plan,
    Planned,
    Progress,
    ProtocolError,
    RequestProgress,
    Result,
    decode,
    encode,
    job_again,
)
from bridge.provenance import provenance

JOB = Job(
    "a “cat”\n", "no", "LOW", 4294967296, 2.5, 1, "layer", 50.0, 6, 3, "auto", "auto", "native", False, True, True, 12,
)  # fmt: skip

EXAMPLES = [
    Open(),
    Plan(JOB, Document("photo.xcf", ("file:///a.xcf",), "1-1", (3840, 2160), 3), (1, 2, 3, 4), True, (0, 0)),
    Planned((CropPlan("base-1.ppm", (0, 0, 5, 5), (1024, 1024), 1.5),), 2, "photio", 9, ("one", "two"), None),
    Finished(
        (0, 0, 5, 5),
        (Patch("layer-mask-1.pgm", (0, 0, 5, 5)),),
        (Result((Patch("result-1-1-1.pnm", (0, 0, 5, 5)),), 1, 7, "{}"),),
        (),
    ),
    Failed("no-key", "Get a key."),
    Progress(0.5, "…", (RequestProgress("waiting", 1, 2),)),
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
        b'{"type": "placed"}',
        b'{"type": "plan", "canvas": [1], "selection": [0, 0, 1, 1], "masked": true}',
        b'{"type": "plan", "canvas": [1, true], "selection": [0, 0, 1, 1], "masked": true}',
        b'{"type": "progress", "fraction": "1", "text": "x", "requests": []}',
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


@pytest.mark.parametrize(
    ("name", "value"),
    [("sample", "all"), ("engine", ""), ("areas", "x"), ("resolution", "4k"), ("variations", 0), ("variations", 9),
     ("context", -1.0), ("context", float("nan")), ("grow", 501), ("feather", -1)],
)  # fmt: skip
def test_a_job_that_would_take_all_memory_or_means_nothing_is_refused(name, value):
    with pytest.raises(ProtocolError, match=name):
        replace(JOB, **{name: value})


def test_a_layer_can_be_made_again_from_what_it_says():
    told = provenance(JOB, "20261123-000000-abcdef", 1, 99, "photio", [])
    assert job_again(told) == replace(JOB, seed=-1, variations=1)


def test_a_strangers_provenance_with_a_number_that_is_none_is_refused():
    told = json.loads(provenance(JOB, "20261123-000000-abcdef", 1, 99, "photio", []))
    told["cfg_scale"] = float("nan")
    with pytest.raises(ProtocolError, match="cfg_scale"):
        job_again(json.dumps(told))


@given(st.text() | json_values.map(json.dumps) | st.binary())
def test_a_strangers_provenance_is_a_job_or_a_typed_error(text):
    try:
        job = job_again(text)
    except ProtocolError:
        return
    assert isinstance(job, Job)
