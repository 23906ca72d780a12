"""What the benchmark says of its targets can be believed."""

from typing import Any

import pytest

from scripts import bench_targets


def results(sketch: float = 0.31, cold: float = 0.4, variations: float = 1.45) -> dict[str, Any]:
    """One row, and several requests to a service that takes a second."""

    def took(seconds: float) -> list[dict[str, float]]:
        return [{"total": seconds}]

    times = {"cold": cold, "warm": 0.2, "sketch": sketch, "sketch, warm": sketch / 2, "floor": 0.15, "plain": 4.0}
    row = {
        "name": "24-u8-rgb-1-rle",
        "times": {way: took(seconds) for way, seconds in times.items()},
        "memory": {"plug-in": 60.0, "bridge": 110.0},
    }
    waiting = {"variations=4": took(variations), bench_targets.SKETCH: took(1 + sketch)}
    return {"rows": [row], "waiting": waiting}


def told(found: dict[str, Any], name: str) -> str:
    return next(line for line in bench_targets.text(found) if line.startswith(name))


def test_a_target_that_is_missed_is_said_to_be():
    assert "MISSED" not in told(results(), "cold")
    assert told(results(cold=0.5), "cold").count("MISSED") == 2
    assert "MISSED" in told(results(cold=0.6), "the plain way"), "so much has to be reached, at least"


def test_on_a_machine_half_as_fast_times_are_also_told_as_where_the_targets_were_set():
    slow = results(sketch=0.62, cold=0.8, variations=1.9)
    assert told(slow, "cold").split()[-3:] == ["MISSED", "0.400", "met"]
    assert told(slow, "variations=4").split()[-3:] == ["MISSED", "1.450", "met"], "the service's second stays one"


@pytest.mark.parametrize("name", ["preview", "400 MP", "offline"])
def test_of_what_was_not_measured_nothing_is_said(name):
    assert not any(line.startswith(name) for line in bench_targets.text(results()))
