"""What the benchmark says of its targets can be believed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(SCRIPTS)
    import bench  # type: ignore[import-not-found]

    yield bench
    del sys.modules["bench"]


def results(sketch: float = 0.31, cold: float = 0.4, variations: float = 1.45) -> dict[str, Any]:
    """One row, and several requests to a service that takes a second."""
    times = {"cold": cold, "warm": 0.2, "sketch": sketch, "sketch, warm": sketch / 2, "floor": 0.15, "plain": 4.0}
    row = {
        "name": "24-u8-rgb-1-rle",
        "times": {way: [seconds] for way, seconds in times.items()},
        "memory": {"plug-in": 60.0, "bridge": 110.0},
    }
    waiting = {"variations=4": [variations], "eight islands": [1.4], "sketch": [1 + sketch]}
    return {"release": "3.0", "runs": 1, "rows": [row], "waiting": waiting}


def told(bench: Any, found: dict[str, Any], name: str) -> str:
    return next(target.line() for target in bench.targets(found) if target.what.startswith(name))


def test_a_target_that_is_missed_is_said_to_be(bench: Any) -> None:
    assert "MISSED" not in told(bench, results(), "cold")
    assert told(bench, results(cold=0.5), "cold").count("MISSED") == 2
    assert "MISSED" in told(bench, results(cold=0.6), "the plain way"), "so much has to be reached, at least"


def test_on_a_machine_half_as_fast_times_are_also_told_as_where_the_targets_were_set(bench: Any) -> None:
    slow = results(sketch=0.62, cold=0.8, variations=1.9)
    assert told(bench, slow, "cold").split()[-3:] == ["MISSED", "0.400", "met"]
    assert told(bench, slow, "variations=4").split()[-3:] == ["MISSED", "1.450", "met"], (
        "the service's second stays one"
    )


@pytest.mark.parametrize("name", ["preview", "400 MP", "offline"])
def test_of_what_was_not_measured_nothing_is_said(bench: Any, name: str) -> None:
    assert not any(target.what.startswith(name) for target in bench.targets(results()))


def test_a_way_that_was_not_gone_is_a_dash_in_the_table_and_missing_in_the_plot(bench: Any) -> None:
    found = results()
    found["rows"][0]["times"]["plain"] = []
    assert "–" in next(line for line in bench.report(found).splitlines() if line.startswith("24-u8-rgb-1-rle"))
    assert "Photio, cold" in bench.plot(found)
    assert "the plain way" not in bench.plot(found)
