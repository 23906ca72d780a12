"""Several workers that a scheduler of its own gives files to, as on a studio's computers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.batch.support import RELEASE, SCRIPT, Start, photographs, worker_of
from tests.regen_server import RegenServer


@pytest.fixture
def scheduler(gimp: Any, variables: dict[str, str], service: RegenServer) -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    gimp.install_plugin()  # once, before both workers do
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    address = f"tcp://{listen}"
    roles = [["--role", "scheduler", "--listen", listen, "--dashboard", "0"]]
    roles += [["--role", "worker", "--scheduler", address, "--release", RELEASE, "--in-flight", "2"]] * 2
    lines = [[sys.executable, str(SCRIPT), *role] for role in roles]
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen(line, env=variables, stdout=quiet, stderr=quiet) for line in lines]
    yield address
    for each in reversed(running):
        each.terminate()
    for each in running:
        each.wait(60)


def test_when_one_of_two_workers_is_killed_every_file_is_made_once_and_nothing_is_asked_again(
    start: Start, scheduler: str, service: RegenServer, tmp_path: Path
) -> None:
    inputs, masks = photographs(tmp_path, 4)
    service.script(*[{"hold": "before-answer"}] * 4)
    journal = tmp_path / "studio"
    running = start(
        inputs, "--mask-dir", masks, "--out", tmp_path / "out", "--journal", journal, "--scheduler", scheduler
    )
    service.wait("body", 2)
    os.kill(worker_of(journal / "journal"), signal.SIGKILL)
    service.wait("body", 4)
    service.release()
    _out, said = running.communicate(timeout=400)
    assert running.returncode == 0, said
    assert sorted(file.name for file in (tmp_path / "out").glob("*.xcf")) == ["0.xcf", "1.xcf", "2.xcf", "3.xcf"]
    assert len(service.requests()) == 4
