"""Plug-in and bridge understand each other, or say that they do not."""

import json
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bridge.protocol.history
import bridge.protocol.settings  # noqa: F401  (every message is known then)
from bridge.job.fitting import provenance
from bridge.protocol import (
    LARGEST_QUESTION,
    LONGEST_LINE,
    LONGEST_PROVENANCE,
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
    Said,
    decode,
    encode,
    job_again,
)
from tests.unit.damage import at_most, damaged, damaged_json, replaced

MESSAGES = Message.__subclasses__()

JOB = Job(
    "a “cat”\n", "no", "LOW", 4294967296, 2.5, 1, "layer", 50.0, 6, 3, "auto", "auto", "native", False, True, True, 12,
    match_detail=True,
)  # fmt: skip

EXAMPLES = [
    Open(),
    Plan(JOB, Document("photo.xcf", ("file:///a.xcf",), "1-1", (3840, 2160), 3), (1, 2, 3, 4), True, (0, 0)),
    Planned(
        (CropPlan("base-1.ppm", (0, 0, 5, 5), (1024, 1024), 1.5),), 2, "photio", "", 9, ("one", "two"), None, 6, 3, 0
    ),
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
    line = encode(message, 7)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == Said(7, message)


def test_a_job_does_not_wait_for_what_only_windows_say():
    code = (
        "import sys, bridge.service.session; from bridge.protocol import *; decode(encode(Open(), 1))\n"
        "sys.exit(bool({'bridge.protocol.history', 'bridge.protocol.settings'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0


def test_every_message_is_frozen_data():
    for kind in MESSAGES:
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
        b'{"type": "dance", "question": 1}',
        b'{"type": "run", "question": 1, "more": 1}',
        b'{"type": "placed", "question": 1}',
        b'{"type": "plan", "question": 1, "canvas": [1], "selection": [0, 0, 1, 1], "masked": true}',
        b'{"type": "plan", "question": 1, "canvas": [1, true], "selection": [0, 0, 1, 1], "masked": true}',
        b'{"type": "progress", "question": 1, "fraction": "1", "text": "x", "requests": []}',
        b'{"type": ["run"], "question": 1}',
        b'{"type": "run"}',
        b'{"type": "run", "question": null}',
        b'{"type": "run", "question": "1"}',
        b'{"type": "run", "question": true}',
        b'{"type": "run", "question": 1.0}',
        b'{"type": "run", "question": 0}',
        b'{"type": "run", "question": -1}',
        b'{"type": "run", "question": 9007199254740992}',
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
    document = json.loads(encode(message, 1))
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(json_values)
    try:
        decoded = decode(json.dumps(document))
    except ProtocolError:
        return
    assert isinstance(decoded.message, Message)


@pytest.mark.parametrize(
    ("name", "value"),
    [("sample", "all"), ("engine", ""), ("areas", "x"), ("resolution", "4k"), ("variations", 0), ("variations", 9),
     ("context", -1.0), ("context", float("nan")), ("grow", 501), ("feather", -2), ("spill", 501),
     ("spill_unit", "cm")],
)  # fmt: skip
def test_a_job_that_would_take_all_memory_or_means_nothing_is_refused(name, value):
    with pytest.raises(ProtocolError, match=name):
        replace(JOB, **{name: value})


def test_a_layer_can_be_made_again_from_what_it_says():
    told = provenance(JOB, "20261123-000000-abcdef", 1, 99, "photio", [])
    assert job_again(told) == replace(JOB, seed=-1, variations=1)


def test_a_layer_that_an_older_version_made_can_be_made_again():
    told = json.loads(provenance(JOB, "20261123-000000-abcdef", 1, 99, "photio", []))
    del told["spill"], told["spill_unit"], told["match_detail"]
    again = job_again(json.dumps(told))
    assert (again.spill, again.spill_unit, again.match_detail) == (0, "px", False)
    del told["grow"]
    with pytest.raises(ProtocolError, match="fields are needed"):
        job_again(json.dumps(told))


def test_a_strangers_provenance_with_a_number_that_is_none_is_refused():
    told = json.loads(provenance(JOB, "20261123-000000-abcdef", 1, 99, "photio", []))
    told["cfg_scale"] = float("nan")
    with pytest.raises(ProtocolError, match="cfg_scale"):
        job_again(json.dumps(told))


def made(kind: Any) -> Any:
    """Any value of this type."""
    if kind is Job:
        return JOB
    if is_dataclass(kind):
        return kind(**{name: made(hint) for name, hint in get_type_hints(kind).items()})
    if get_origin(kind) is tuple:
        return tuple(made(part) for part in get_args(kind) if part is not Ellipsis)
    if get_origin(kind) in (Union, type(int | None)):
        return made(get_args(kind)[0])
    return {str: "“x”\n", int: 3, float: 0.25, bool: True}[kind]


ALL = [made(kind) for kind in MESSAGES]


@pytest.mark.parametrize("message", ALL, ids=lambda message: type(message).__name__)
def test_every_kind_of_message_arrives_as_it_was_sent(message):
    assert decode(encode(message, LARGEST_QUESTION)) == (LARGEST_QUESTION, message)


def is_told_again_or_refused(line):
    """Whether that holds of what `decode` makes of a line."""
    try:
        decoded = decode(line)
    except ProtocolError:
        return True
    return decode(encode(decoded.message, decoded.question)) == decoded


@pytest.mark.parametrize("message", ALL, ids=lambda message: type(message).__name__)
def test_whatever_a_value_is_replaced_by_it_is_a_message_that_can_be_told_again_or_a_typed_error(message):
    assert all(map(is_told_again_or_refused, replaced(json.loads(encode(message, 1)))))


@given(st.sampled_from(ALL + EXAMPLES), st.data())
def test_whatever_becomes_of_a_line_it_is_a_message_that_can_be_told_again_or_a_typed_error(message, data):
    line = encode(message, 1)
    assert is_told_again_or_refused(data.draw(st.one_of(damaged_json(json.loads(line)), damaged(line))))


@pytest.mark.parametrize("piece", [b"[],", b"{},", b"1.5,", b'"",', b"[" * 900 + b"]" * 900 + b","])
def test_the_longest_line_takes_no_more_memory_than_a_picture(piece):
    line = (
        b'{"type": "failed", "question": 1, "code": "", "sentence": [' + piece * (LONGEST_LINE // len(piece)) + b"0]}"
    )
    with at_most(64), pytest.raises(ProtocolError):
        decode(line)


TOLD = json.loads(provenance(JOB, "20261123-000000-abcdef", 1, 99, "photio", []))


def is_made_again_or_none_of_ours(parasite):
    """Whether that holds of a stranger's layer."""
    try:
        job = job_again(parasite)
    except ProtocolError:
        return True
    line = encode(replace(made(Plan), job=job), 1)  # the bridge is told, and understands
    known = 0 <= job.source < 1 << 32  # or PyGObject would not look the layer up
    return known and len(line) < LONGEST_LINE and decode(line).message.job == job


def test_whatever_a_value_in_a_strangers_layer_is_it_can_be_made_again_or_is_none_of_ours():
    assert all(map(is_made_again_or_none_of_ours, replaced(TOLD)))


@given(st.one_of(damaged_json(TOLD), damaged(json.dumps(TOLD).encode()), json_values.map(json.dumps), st.binary()))
def test_a_layer_by_a_stranger_can_be_made_again_or_is_none_of_ours(parasite):
    assert is_made_again_or_none_of_ours(parasite)


def test_a_strangers_parasite_of_many_megabytes_is_not_unpacked():
    longest = json.dumps({**TOLD, "prompt": "x" * (LONGEST_PROVENANCE - 2000)})
    assert len(job_again(longest).prompt) == LONGEST_PROVENANCE - 2000
    bomb = b'{"format": 1, "crops": [' + b"[]," * 5_000_000 + b"0]}"
    with at_most(4), pytest.raises(ProtocolError):
        job_again(bomb)
