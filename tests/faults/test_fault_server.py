"""The server that misbehaves, as a process of its own: so the tests inside GIMP use it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bridge.regen.client import RegenClient, RegenRequest, RegenResult
from bridge.regen.errors import RegenError
from tests.faults.server import FaultServer, all_faults

SERVER = Path(__file__).with_name("server.py")
IMAGE = Image.effect_noise((48, 32), 60).convert("RGB")
REQUEST = RegenRequest(IMAGE, Image.new("L", IMAGE.size, 0))


class Process:
    """The server and its standard streams."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-I", str(SERVER), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.origin = self.line()

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> Any:
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return json.loads(self.line())


@pytest.fixture
def started() -> Iterator[list[Process]]:
    processes: list[Process] = []
    yield processes
    for each in processes:
        with each.process as process:
            process.kill()


def regenerate(origin: str) -> RegenResult:
    return RegenClient(origin, "k", pause=0.0).regenerate(REQUEST)


def test_a_server_in_order_gives_the_image_back() -> None:
    with FaultServer("good") as server:
        assert regenerate(server.origin).image.tobytes() == IMAGE.tobytes()
    (record,) = server.records
    assert (record.method, record.path, record.complete) == ("POST", "/v1/inference/regen", True)
    assert record.headers["x-photio-key"] == "k"
    assert json.loads(bytes(record.body))["prompt"] == ""


def test_as_a_process_it_counts_changes_its_mind_and_ends_with_its_input(started: list[Process]) -> None:
    server = Process("--fault", "reset-after-body")
    started.append(server)
    with pytest.raises(RegenError):
        regenerate(server.origin)
    assert [record["complete"] for record in server.ask("requests")] == [True]
    server.ask("clear")
    server.ask("fault http-429-wait-0 good")
    assert regenerate(server.origin).attempts == 2
    assert len(server.ask("requests")) == 2
    assert server.ask("names").keys() == all_faults().keys()
    assert server.process.stdin
    server.process.stdin.close()
    assert server.process.wait(180) == 0


def test_as_a_process_it_speaks_tls(started: list[Process], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "authority.pem"
    server = Process("--fault", "tls-good", "--ca", str(certificate))
    started.append(server)
    assert server.origin.startswith("https://localhost:")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert regenerate(server.origin).image.tobytes() == IMAGE.tobytes()


def test_every_fault_says_what_it_breaks() -> None:
    for name, fault in all_faults().items():
        assert fault.breaks
        assert " " not in name
