"""What a user sees while a job runs: not every step of it, but always how things stand."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import pytest

from bridge.job import progress
from bridge.job.progress import Stages
from bridge.pixels.geometry import Box, Crop, Padding, Size
from bridge.protocol import Progress

CROP = Crop(Box(0, 0, 64, 64), Padding(0, 0, 0, 0), Size(64, 64))
TOTAL = 1000 << 16


def upload(stages: Stages) -> None:
    for done in range(0, TOTAL + 1, 1 << 16):
        stages.report(0, "uploading", done, TOTAL)


def test_gimp_is_not_kept_busy_by_progress_that_nobody_can_follow() -> None:
    told = list[Progress]()
    began = time.monotonic()
    stages = Stages(told.append, "photio", [CROP], 1)
    upload(stages)
    stages.close()
    most = (time.monotonic() - began) / progress._PAUSE + 1
    assert len(told) <= most
    assert len(told) < 1000


def test_how_things_stand_is_told_even_when_nothing_happens_any_more() -> None:
    told = queue.Queue[Progress]()
    stages = Stages(told.put, "photio", [CROP], 1)
    upload(stages)
    stages.report(0, "waiting")
    while told.get(timeout=60).requests[0].stage != "waiting":
        pass
    stages.close()


def test_when_the_processor_is_busy_two_messages_do_not_follow_each_other_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = list[Callable[[], None]]()

    class LateTimer:
        def __init__(self, _seconds: float, function: Callable[[], None]) -> None:
            late.append(function)

        def start(self) -> None:
            pass

    monkeypatch.setattr(threading, "Timer", LateTimer)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    now, told = 0.0, list[Progress]()
    stages = Stages(told.append, "photio", [CROP], 1)
    stages.report(0, "connecting")
    now = 2 * progress._PAUSE  # the timer's thread should have run by now
    stages.report(0, "waiting")
    late.pop()()
    assert [each.requests[0].stage for each in told] == ["preparing", "waiting"]


@pytest.mark.parametrize("pause", [0.0, 0.05], ids=["at once", "a little later"])
def test_when_the_job_is_over_no_progress_follows(pause: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PAUSE", pause)
    told = list[Progress]()
    stages = Stages(told.append, "photio", [CROP], 1)
    stages.report(0, "connecting")
    stages.close()
    known = len(told)
    stages.report(0, "waiting")
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(60)
    assert len(told) == known


def test_while_requests_wait_for_their_turn_the_one_under_way_is_told() -> None:
    told = list[Progress]()
    stages = Stages(told.append, "photio", [CROP, CROP, CROP], 1)
    for number in range(3):
        stages.report(number, "queued")
    stages.report(0, "done")
    stages.report(1, "waiting")
    stages._catch_up()  # what comes fast is told together, a moment later
    stages.close()
    assert told[-1].text.startswith("Waiting for Photio")
    assert [request.stage for request in told[-1].requests] == ["done", "waiting", "queued"]
