"""What the plug-in reads: the bridge's lines, its pictures, a stranger's layers. Nothing of it leaves GIMP hanging."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.job.fitting import provenance
from bridge.pixels.imaging import deep_pnm, pnm
from bridge.pixels.pnm_header import read_header
from bridge.protocol import (
    LONGEST_PROVENANCE,
    Failed,
    Finished,
    Job,
    Patch,
    Progress,
    Received,
    RequestProgress,
    Run,
    encode,
)
from tests.unit.damage import damaged, replaced
from tests.unit.history_jobs import a_job
from tests.unit.plugin_side import Lines, plugin

FINISHED = Finished((0, 0, 5, 5), (), (), ("remark",))
LINES = [
    encode(message, 1)
    for message in (
        Progress(0.5, "…", (RequestProgress("waiting", 1, 2),)),
        Received(1, 7),
        Failed("no-key", "Get a key."),
        FINISHED,
    )
]
PICTURES = [
    pnm(np.full((3, 5), 10, np.uint8)),
    pnm(np.full((3, 5, 3), 10, np.uint8)),
    pnm(np.full((3, 5, 4), 10, np.uint8)),
    deep_pnm(np.full((3, 5, 3), 10 / 257, np.float32), None),
    deep_pnm(np.full((3, 5, 3), (0, 0, 10 / 257), np.float32), None),
    deep_pnm(np.full((3, 5, 3), 10 / 257, np.float32), np.full((3, 5), 10, np.uint8)),
]
TOLD = json.loads(provenance(a_job(), "20261123-000000-abcdef", 1, 99, "photio", []))
INSTALLED = {"python": "/usr/bin/python3", "isolated": ["-I"], "bridge": "/photio/bridge"}


@pytest.fixture(scope="module")
def modules() -> Iterator[SimpleNamespace]:
    with plugin("bridge_process", "canvas.building", "canvas.provenance") as (bridge_process, building, provenance):
        yield SimpleNamespace(bridge_process=bridge_process, building=building, provenance=provenance)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(LINES) | st.sampled_from(LINES).flatmap(damaged) | st.binary(max_size=9), max_size=6))
def test_whatever_the_bridge_says_the_user_gets_a_result_or_a_sentence(
    modules: SimpleNamespace, lines: list[bytes]
) -> None:
    try:
        answer = a_bridge(modules, lines).ask(Run(), Finished)
    except modules.bridge_process.BridgeError as error:
        answer = str(error)
    assert isinstance(answer, Finished | str)


def a_bridge(modules: SimpleNamespace, lines: list[bytes]) -> Any:
    """One that says these lines, whatever it is asked."""
    stdin = SimpleNamespace(write_all=lambda _content, _cancellable: None)
    modules.bridge_process._early = lambda: SimpleNamespace(stdin=stdin, stdout=None)
    modules.bridge_process.Gio.DataInputStream.new = lambda _stdout: Lines(lines)
    return modules.bridge_process.Bridge()


@given(st.sampled_from(list(replaced(INSTALLED))) | damaged(json.dumps(INSTALLED).encode()))
def test_a_damaged_installation_is_said_to_be_so(modules: SimpleNamespace, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "install.json").write_bytes(content)
    modules.bridge_process.early.HERE = tmp_path
    try:
        modules.bridge_process._spawned()
        command = modules.bridge_process.early.command()
    except modules.bridge_process.BridgeError as error:
        command = [str(error)]
    assert all(isinstance(part, str) for part in command)


class Layer:
    """A layer with a parasite, as GIMP gives it."""

    def __init__(self, parasite: bytes) -> None:
        self.unpacked = False
        self._parasite = parasite

    def is_group(self) -> bool:
        """As GIMP's."""
        return False

    def get_parasite(self, _name: str) -> Any:
        """As GIMP's: a list of bytes, which PyGObject takes for signed."""

        def get_data() -> list[int]:
            self.unpacked = True
            return [value - 256 if value > 127 else value for value in self._parasite]

        return SimpleNamespace(size=len(self._parasite), get_data=get_data)


@given(st.sampled_from(list(replaced(TOLD))) | damaged(json.dumps(TOLD).encode()) | st.binary())
def test_a_layer_by_a_stranger_is_one_of_ours_or_none(modules: SimpleNamespace, parasite: bytes) -> None:
    before = modules.provenance.made_by(Layer(parasite))
    assert before is None or isinstance(before, Job)


def test_a_layer_of_ours_is_known_again(modules: SimpleNamespace) -> None:
    told = json.dumps({**TOLD, "prompt": "Tür"}, ensure_ascii=False).encode()
    assert modules.provenance.made_by(Layer(told)).prompt == "Tür"


def test_a_strangers_parasite_of_many_megabytes_is_not_made_a_list_of_numbers(modules: SimpleNamespace) -> None:
    layer = Layer(b"[" * (LONGEST_PROVENANCE + 1))
    assert modules.provenance.made_by(layer) is None
    assert not layer.unpacked


#: What may be in a header instead of a word or a gap of it.
ODD = (
    b"", b" ", b"\t", b"\n", b"\r\n", b"\n\n", b"\n#\n", b"\0", b"0", b"-5", b"+5", b"05", b"5.0", b"3", b"9999999",
    b"255", b"65535", b"P5", b"P6", b"P7", b"WIDTH", b"DEPTH", b"ENDHDR", b"ENDHDR\n", b"RGB", b"TUPLTYPE x\nTUPLTYPE",
)  # fmt: skip


def pixels_of(modules: SimpleNamespace, file: Path) -> bytes:
    """The pixels of a picture, as the plug-in reads them."""
    content: bytes = modules.building.Files(file.parent).content(Patch(file.name, (0, 0, 1, 1)))
    return content


def is_read_alike(modules: SimpleNamespace, file: Path, content: bytes) -> bool:
    """Whether the plug-in takes just those pixels from a file that the bridge calls whole."""
    file.write_bytes(content)
    header = read_header(file)
    return header is None or pixels_of(modules, file) == content[header.start : header.end] == content[header.start :]


@pytest.mark.parametrize("valid", PICTURES, ids=lambda picture: repr(picture[:2]))
def test_whatever_a_word_of_a_header_is_plug_in_and_bridge_read_the_same_picture(
    modules: SimpleNamespace, tmp_path: Path, valid: bytes
) -> None:
    start = valid.index(b"ENDHDR\n") + 7 if valid.startswith(b"P7") else len(b"\n".join(valid.split(b"\n", 3)[:3])) + 1
    parts = re.split(rb"(\s)", valid[:start])
    for number in range(len(parts)):
        for odd in ODD:
            content = b"".join([*parts[:number], odd, *parts[number + 1 :]]) + valid[start:]
            assert is_read_alike(modules, tmp_path / "picture", content), content


@settings(max_examples=150)
@given(st.sampled_from(PICTURES).flatmap(lambda valid: damaged(valid, ODD)))
def test_of_a_picture_that_the_bridge_calls_whole_the_plug_in_takes_all_pixels_and_nothing_else(
    modules: SimpleNamespace, tmp_path: Path, content: bytes
) -> None:
    assert is_read_alike(modules, tmp_path / "picture", content)


@pytest.mark.parametrize("valid", PICTURES, ids=lambda picture: repr(picture[:2]))
def test_a_whole_picture_is_taken_as_it_is(modules: SimpleNamespace, tmp_path: Path, valid: bytes) -> None:
    (tmp_path / "picture").write_bytes(valid)
    header = read_header(tmp_path / "picture")
    assert header is not None
    assert set(pixels_of(modules, tmp_path / "picture")) <= {0, 10}
