"""Deadlines count the time in which the process runs, and no more."""

from __future__ import annotations

import time

import pytest

from bridge.common.deadline import Deadline


class Clock:
    """A clock that stands still between two looks, unless something takes its time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def take(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


def steps(deadline: Deadline, clock: Clock, longer: float = 0.0) -> list[float]:
    """How long each wait was meant to be; all of them take so much longer."""
    meant: list[float] = []

    def wait(seconds: float) -> None:
        meant.append(seconds)
        clock.take(seconds + longer)

    while not deadline.over:
        deadline.wait(wait)
    return meant


def test_a_deadline_is_looked_at_every_second_and_kept_to(clock: Clock) -> None:
    assert steps(Deadline(3.5), clock) == [1.0, 1.0, 1.0, 0.5]


def test_what_wakes_the_wait_early_counts_for_no_more_than_it_took(clock: Clock) -> None:
    deadline = Deadline(1.0)
    for _ in range(9):
        deadline.wait(lambda _seconds: clock.take(0.1))
        assert not deadline.over
    assert steps(deadline, clock) == pytest.approx([0.1])


def test_a_busy_processor_makes_a_deadline_no_shorter(clock: Clock) -> None:
    assert steps(Deadline(3.0), clock, longer=0.2) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("asleep", [15.0, 8 * 3600.0])
@pytest.mark.parametrize("seconds", [0.3, 2.0, 300.0])
def test_who_stood_still_has_some_time_left_to_look_at_what_came(clock: Clock, seconds: float, asleep: float) -> None:
    deadline = Deadline(seconds)
    deadline.wait(lambda _seconds: clock.take(asleep))
    assert sum(steps(deadline, clock)) == pytest.approx(max(5.0, seconds - 1.0))


def test_a_deadline_that_begins_anew_begins_now(clock: Clock) -> None:
    deadline = Deadline(1.0)
    clock.take(100.0)
    deadline.restart(2.0)
    assert steps(deadline, clock) == [1.0, 1.0]
