"""Who does the work: the offline engine is started once for each bridge, when it is first used, and only for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from bridge.common import cores
from bridge.engine.server import EngineServer
from bridge.job import backend
from bridge.job.backend import Backend, choose
from bridge.store.settings import Settings


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[EngineServer]:
    """The engines that were started."""
    servers: list[EngineServer] = []
    start = EngineServer.start

    def noted(server: EngineServer) -> None:
        servers.append(server)
        start(server)

    monkeypatch.setattr(EngineServer, "start", noted)
    monkeypatch.setattr(backend, "_engines", {})
    yield servers
    for server in servers:
        server.stop()


def test_the_engine_is_started_when_it_is_first_used_and_serves_all_jobs_of_a_bridge(
    started: list[EngineServer],
) -> None:
    offline = choose("offline", "", Settings())
    assert not started
    assert offline.client().origin == choose("auto", "", Settings()).client().origin
    assert len(started) == 1
    assert Backend("offline", Settings(offline_model="migan")).client().origin != offline.client().origin
    assert len(started) == 2


def test_a_job_for_photio_starts_no_engine(started: list[EngineServer]) -> None:
    Backend("photio", Settings(), "a-key-0123456789").client()
    assert not started


def test_other_users_of_the_computer_cannot_have_it_work_for_them(started: list[EngineServer]) -> None:
    client = choose("offline", "", Settings()).client()
    answer = requests.post(f"{client.origin}/v1/inference/regen", json={}, timeout=180)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000\n", 8),
        ("150000 100000\n", 2),
        ("20000 100000", 1),
        ("900000 100000", 8),
        ("nonsense", 8),
        ("1 0", 8),
    ],
)
def test_threads_follow_the_cores_of_a_container(
    quota: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    assert cores.usable_cores() == expected
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "missing")
    assert cores.usable_cores() == 8
