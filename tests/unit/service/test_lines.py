"""Whatever the plug-in's end of the pipe says, the bridge answers each line, and nothing in it was unforeseen."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol import (
    LONGEST_LINE,
    Cancel,
    Document,
    Failed,
    Mark,
    Message,
    Open,
    Placed,
    Plan,
    Progress,
    ProtocolError,
    Run,
    Said,
    decode,
    encode,
)
from bridge.protocol.history import AskPrompts, AskUnclaimed, Browse, Discard, Prompts, Recall, Show, ShowPart
from bridge.protocol.settings import AskSettings, ChangeSettings, ForgetKey, Preferences, StoreKey
from bridge.service.session import Announcer, Service
from tests.unit.damage import at_most, damaged, damaged_json, places
from tests.unit.history_jobs import a_job, put, quick_record

ID = "20261123-000000-abcdef"
JOB = a_job(prompt="", engine="offline")  # for others a key is looked for before anything else
IMAGE = Document("photo.xcf", ("file:///a.xcf",), "1-1", (96, 64), 3)
SAID: list[Message] = [
    Open(),
    Plan(JOB, IMAGE, (10, 10, 30, 20), False, (64, 64)),
    Plan(replace(JOB, areas="separate"), IMAGE, (0, 0, 96, 64), True, (0, 0)),
    Mark((0, 0, 20, 10), (40, 20)), Run(), Cancel(3), Placed(ID, (1,)), Browse("door", 0, 50), Show(ID, 1, 64),
    ShowPart(ID, 1, (0, 0, 20, 10), 1, True), Recall(ID), Discard(ID, 1),
    AskUnclaimed(), AskPrompts(), AskSettings(), StoreKey("sk-0123456789abcdef"), ForgetKey(),
    ChangeSettings(Preferences("https://studio.example", "offline", 5.0, 60.0, "migan", 3, 1.5, 0, 0.5, "retouch")),
]  # fmt: skip
OPENED = encode(SAID[0], 1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    module: Any = ModuleType("keyring")
    module.get_keyring = lambda: type("Ring", (), {"priority": 0})()
    monkeypatch.setitem(sys.modules, "keyring", module)
    put(tmp_path / "home" / "journal", quick_record(started=1.7e9), name=ID)
    return tmp_path / "home"


def answers(*lines: bytes) -> list[Said]:
    """What a bridge says to these lines; its jobs, which nobody gave any picture, have ended."""
    pipe = io.BytesIO()
    Service(Announcer(pipe)).serve(io.BytesIO(b"".join(lines)))
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(30)
    return [decode(line) for line in pipe.getvalue().splitlines()]


@st.composite
def conversations(draw: st.DrawFn) -> list[bytes]:
    """What a plug-in may say to the bridge when it has opened a job."""
    return [draw(lines(number)) for number in range(2, 2 + draw(st.integers(1, 4)))]


@st.composite
def lines(draw: st.DrawFn, number: int) -> bytes:
    """A line as the plug-in would say it, as it never would, or something like it."""
    line = encode(draw(st.sampled_from(SAID)), number)
    how = draw(st.sampled_from(["as it is", "values", "values", "bytes"]))
    if how == "as it is":
        return line
    changed = draw(damaged_json(json.loads(line)) if how == "values" else damaged(line[:-1]))
    return changed.replace(b"\n", b"") + b"\n"


def numbers(said: list[bytes]) -> list[int]:
    """The number of each line: what it says, or one more than the line before where it cannot be read."""
    found = [0]
    for line in said:
        try:
            found.append(decode(line).question)
        except ProtocolError:
            found.append(found[-1] + 1)
    return found[1:]


@settings(max_examples=120)
@given(conversations())
def test_whatever_is_said_each_line_is_answered_once_and_nothing_ends_in_an_error_that_nobody_foresaw(
    said: list[bytes],
) -> None:
    heard = answers(OPENED, *said)
    answered = Counter(each.question for each in heard if not isinstance(each.message, Progress))
    asked = Counter(numbers([OPENED, *said]))
    silent = Counter(
        number
        for number, line in zip(numbers([OPENED, *said]), (OPENED, *said), strict=True)
        if any(word in line for word in (b'"run"', b'"placed"', b'"cancel"'))  # these are not always answered
    )
    assert answered <= asked
    assert asked - silent <= answered
    assert unforeseen(heard) == []


def unforeseen(heard: list[Said]) -> list[Failed]:
    """Failures without a sentence of their own."""
    failures = [each.message for each in heard if isinstance(each.message, Failed)]
    return [failure for failure in failures if failure.code == "internal" or not failure.sentence.strip()]


@pytest.mark.parametrize(
    "number", [10**400, 1 << 63, 1 << 31, 0, -1, 1e308, 1e-308, -1e308], ids=lambda it: repr(it)[:9]
)
@pytest.mark.parametrize("message", SAID, ids=lambda message: type(message).__name__)
def test_a_number_beyond_all_measure_is_refused_or_does_no_harm(message: Message, number: float) -> None:
    document = json.loads(encode(message, 2))
    for holder, name in list(places(document)):
        before = holder[name]
        if type(before) is type(number):
            holder[name] = number
            assert unforeseen(answers(OPENED, json.dumps(document).encode() + b"\n")) == []
            holder[name] = before


@pytest.mark.parametrize("length", [LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1, 3 * LONGEST_LINE])
def test_a_line_of_any_length_has_one_answer(length: int) -> None:
    first, second = answers(b"x" * (length - 1) + b"\n", encode(AskPrompts(), 2))
    assert isinstance(first.message, Failed)
    assert first.message.code == "protocol"
    assert isinstance(second.message, Prompts)
    assert (first.question, second.question) == (1, 2)


def test_a_line_without_an_end_is_not_kept_in_memory() -> None:
    class Endless(io.BytesIO):
        left = 100

        def readline(self, size: int | None = -1) -> bytes:
            self.left -= 1
            return b"x" * (size or 0) if self.left > 0 else b""

    with at_most(8):
        Service(Announcer(io.BytesIO())).serve(Endless())


def test_memory_is_given_back_once_everything_is_loaded() -> None:
    code = "import gc, sys; gc.disable(); from bridge.service.imports import Imports; imports = Imports(); "
    code += "imports.start(); imports.wait(); sys.exit(not gc.isenabled())"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
