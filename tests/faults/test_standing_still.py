"""A laptop that sleeps, a virtual machine that is paused: a job goes on where it was, and is paid for once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.history import listing, recovery
from bridge.protocol import Finished, Placed
from tests.faults.world import Bridge, Ended, World, checksum

#: How long everything stands still, in seconds. This is what is tested, and not a way to wait for something.
ASLEEP = 15.0

STAGES = ("plan", "preparing", "connecting", "uploading", "waiting", "receiving", "finishing", "placed")


class Service:
    """A Regen server in a process of its own, so that it can be stopped."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", str(Path(__file__).parents[1] / "regen_server.py")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.origin = self.process.stdout.readline().strip()

    def keys(self) -> Counter[str]:
        """How many requests came with which key, whole or not."""
        with urllib.request.urlopen(f"{self.origin}/_requests") as answer:
            return Counter(request["headers"]["x-photio-key"] for request in json.loads(answer.read()))

    def end(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@dataclass
class Sleeper:
    """A job that will stand still at a stage; its key tells its request from those of the others."""

    stage: str
    service: Service
    key: str
    world: World
    bridge: Bridge

    def run(self) -> Ended:
        """The job, and what the plug-in says when its layer is in the image."""
        ended = self.world.job(self.bridge)
        if isinstance(ended.message, Finished):
            self.bridge.say(Placed(ended.folder.name, (1,)))
        self.bridge.leave()
        return ended

    def stands_still(self) -> bool:
        """Returns when it does; False when it has ended instead."""
        how = os.waitid(os.P_PID, self.bridge.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return how is not None and how.si_code == os.CLD_STOPPED

    def broken_promises(self, ended: Ended, requests: int) -> list[str]:
        """What is not as it must be."""
        journal = self.world.home / "journal"
        entries = listing.browse(journal, "", 0, 100).entries
        placed = [checksum(recovery.recall(journal, entry.id), entry.variation) for entry in entries]
        checks = {
            f"ended with {ended.message}": isinstance(ended.message, Finished) and not ended.message.remarks,
            f"sent {requests} requests": requests == 1,
            f"the history has {placed}": len(placed) == 1 and all(placed),
            "it is not known to be placed": all(entry.inserted for entry in entries),
            f"the bridge ended with {self.bridge.process.returncode}": self.bridge.process.returncode == 0,
        }
        return [what for what, holds in checks.items() if not holds]


@pytest.fixture
def services() -> Iterator[tuple[Service, Service]]:
    """One that goes on, and one that stands still together with its bridges."""
    with contextlib.ExitStack() as stack:
        made = Service(), Service()
        for service in made:
            stack.callback(service.end)
        yield made


@pytest.mark.parametrize(
    "settings", [{}, {"connect_timeout": 2.0, "answer_timeout": 5.0}], ids=["usual time-outs", "short time-outs"]
)
def test_a_job_survives_that_the_computer_sleeps(
    tmp_path: Path, services: tuple[Service, Service], settings: dict[str, Any]
) -> None:
    """At each stage: the bridge alone, as when somebody stops it, and the bridge together with the service."""
    sleepers = [
        _sleeper(tmp_path, stage, service, f"{stage}-{number}", settings)
        for stage in STAGES
        for number, service in enumerate(services)
    ]
    try:
        with ThreadPoolExecutor(len(sleepers)) as pool:
            jobs = [pool.submit(sleeper.run) for sleeper in sleepers]
            awake = [sleeper.stage for sleeper in sleepers if not sleeper.stands_still()]
            _sleep(services[1], sleepers)
            broken = _broken(services, sleepers, jobs)
    finally:
        for sleeper in sleepers:
            sleeper.world.end()
    assert awake == []
    assert broken == []


def _sleeper(folder: Path, stage: str, service: Service, key: str, settings: dict[str, Any]) -> Sleeper:
    (folder / key).mkdir()
    world = World(folder / key, service)
    world.configure(origin=service.origin, **settings)
    world.store_key(key.encode())
    return Sleeper(stage, service, key, world, world.start("still", stage))


def _sleep(service: Service, sleepers: list[Sleeper]) -> None:
    service.process.send_signal(signal.SIGSTOP)
    time.sleep(ASLEEP)
    service.process.send_signal(signal.SIGCONT)
    for sleeper in sleepers:
        sleeper.bridge.process.send_signal(signal.SIGCONT)


def _broken(services: tuple[Service, Service], sleepers: list[Sleeper], jobs: list[Future[Ended]]) -> list[str]:
    ended = [job.result() for job in jobs]
    requests = services[0].keys() + services[1].keys()
    return [
        f"{sleeper.stage}{', the service too' if sleeper.service is services[1] else ''}: {broken}"
        for sleeper, each in zip(sleepers, ended, strict=True)
        for broken in sleeper.broken_promises(each, requests[sleeper.key])
    ]
