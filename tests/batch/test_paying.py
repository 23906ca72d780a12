"""Nothing that was paid for is paid twice, whatever ends in the middle, and a budget holds."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
from PIL import Image

from tests.batch.support import SPOT, Batch, Start, photographs, workers_of
from tests.regen_server import RegenServer


def test_a_budget_holds_and_the_next_run_does_the_rest(batch: Batch, service: RegenServer, tmp_path: Path) -> None:
    inputs, masks = photographs(tmp_path, 3)
    arguments = (inputs, "--mask-dir", masks, "--out", tmp_path / "out")
    planned = batch(*arguments, "--dry-run")
    assert (planned.status, planned.report["requests"], len(service.requests())) == (0, 3, 0)
    assert all(file["sizes"] for file in planned.report["files"])
    assert not list((tmp_path / "out").glob("*.xcf"))

    some = batch(*arguments, "--max-requests", "2", "--requests-per-minute", "6000")
    assert (some.status, sorted(some.states.values()), len(service.requests())) == (3, ["done", "done", "skipped"], 2)
    assert "--max-requests" in some.said

    rest = batch(*arguments)
    assert (rest.status, len(service.requests())) == (0, 3)
    assert sorted(rest.states.values()) == ["done", "there already", "there already"]


def test_after_kill_9_another_worker_finishes_the_files_and_asks_nothing_again(
    start: Start, service: RegenServer, tmp_path: Path
) -> None:
    inputs, masks = photographs(tmp_path, 3)
    service.script(*[{"hold": "before-answer"}] * 3)
    running = start("--in-flight", "2", inputs, "--mask-dir", masks, "--out", tmp_path / "out")
    service.wait("body", 2)
    (worker,) = workers_of(tmp_path / "out" / ".photio" / "journal")
    os.kill(worker, signal.SIGKILL)
    service.release()
    service.wait("body", 3)
    service.release()
    _out, said = running.communicate(timeout=400)
    assert running.returncode == 0, said
    assert sorted(file.name for file in (tmp_path / "out").glob("*.xcf")) == ["0.xcf", "1.xcf", "2.xcf"]
    assert len(service.requests()) == 3
    report = json.loads((tmp_path / "started.json").read_text())
    assert (report["states"], report["requests"]) == ({"done": 3}, 3)


def test_ctrl_c_ends_it_and_the_next_run_takes_the_answer_from_the_journal(
    batch: Batch, start: Start, service: RegenServer, tmp_path: Path
) -> None:
    inputs, masks = photographs(tmp_path, 2)
    service.script({"hold": "before-answer"})
    arguments = ("--in-flight", "1", inputs, "--mask-dir", masks, "--out", tmp_path / "out")
    running = start(*arguments)
    service.wait("body")
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of its processes
    _out, said = running.communicate(timeout=100)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert not list((tmp_path / "out").glob("*.xcf"))
    service.release()
    done = batch(*arguments)
    assert (done.status, sorted(done.states.values())) == (0, ["done", "recovered"])
    assert len(service.requests()) == 2


def test_what_may_have_been_billed_without_an_answer_is_asked_again_only_on_request(
    batch: Batch, service: RegenServer, tmp_path: Path
) -> None:
    inputs, masks = photographs(tmp_path, 1)
    service.script({"close": "after-body"}, {"answer": "invert"})
    arguments = (inputs, "--mask-dir", masks, "--out", tmp_path / "out", "--format", "png")
    first = batch(*arguments)
    assert (first.status, first.states) == (1, {"0.png": "failed"})
    second = batch(*arguments)
    assert (second.status, len(service.requests())) == (1, 1)
    assert "--ask-again" in second.why("0.png")
    third = batch(*arguments, "--ask-again")
    assert (third.status, len(service.requests())) == (0, 2)
    was, now = (np.asarray(Image.open(folder / "0.png")).astype(int) for folder in (inputs, tmp_path / "out"))
    left, top, right, bottom = SPOT
    x, y = (left + right) // 2, (top + bottom) // 2
    assert np.abs(now[y, x] - (255 - was[y, x])).max() < 40, "the answer, an inverted picture, is in the spot"
    changed = (now != was).any(axis=2)
    changed[top - 20 : bottom + 20, left - 20 : right + 20] = False
    assert not changed.any(), "only the spot differs"
