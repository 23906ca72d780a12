"""Several workers that a scheduler of its own gives files to, as on a studio's computers."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.batch.support import RELEASE, SCRIPT, Start, photographs, wait_for_workers
from tests.regen_server import RegenServer

#: Files that both workers together have at work; seconds after which a worker is killed at the latest.
IN_FLIGHT, LATEST = 4, 3.0


@pytest.fixture
def scheduler(gimp: Any, variables: dict[str, str], service: RegenServer) -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    gimp.install_plugin()  # once, before both workers do
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    address = f"tcp://{listen}"
    roles = [["--role", "scheduler", "--listen", listen, "--dashboard", "0"]]
    roles += [
        ["--role", "worker", "--scheduler", address, "--release", RELEASE, "--in-flight", str(IN_FLIGHT // 2)]
    ] * 2
    lines = [[sys.executable, str(SCRIPT), *role] for role in roles]
    quiet = subprocess.DEVNULL
    running = [subprocess.Popen(line, env=variables, stdout=quiet, stderr=quiet) for line in lines]
    yield address
    for each in reversed(running):
        each.terminate()
    for each in running:
        each.wait(60)


def test_when_workers_are_killed_at_any_moment_every_file_is_made_once_and_nothing_is_asked_again(
    start: Start, scheduler: str, service: RegenServer, tmp_path: Path, kills: int, seed: int
) -> None:
    dice = random.Random(seed)
    count = IN_FLIGHT * (kills + 1)
    inputs, masks = photographs(tmp_path, count)
    service.script(*[{"hold": "before-answer"}] * 2 * count)  # so that files are left for every kill
    journal = tmp_path / "studio"
    running = start(
        inputs, "--mask-dir", masks, "--out", tmp_path / "out", "--journal", journal, "--scheduler", scheduler
    )
    killed = list[int]()
    while len(killed) < kills:
        wait_for_workers(journal / "journal", killed)
        service.release()
        time.sleep(dice.uniform(0, LATEST))  # the moment: files are saved, then others opened, sent and waited for
        killed.append(dice.choice(wait_for_workers(journal / "journal", killed)))
        os.kill(killed[-1], signal.SIGKILL)
    service.script()
    while running.poll() is None:
        service.release()
        time.sleep(0.1)  # a request that came just before the script was emptied is held
    _out, said = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert sorted(file.stem for file in (tmp_path / "out").glob("*.xcf")) == sorted(map(str, range(count)))
    report = json.loads((tmp_path / "started.json").read_text())
    assert (report["states"], report["requests"]) == ({"done": count}, count)
    whole = Counter(record["body"]["base_image"] for record in service.requests() if record["body"])
    assert len(whole) == count
    assert set(whole.values()) == {1}, "a request whose answer arrived was sent again"
