"""What the benchmark is to reach, beside what it found.

Machines differ, and a shared one differs from hour to hour. So seconds are told twice: as they were, and as they would
be where the sketch (`bench_sketch.py`) takes as long as it did where the targets were set.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

#: Seconds of the sketch at 24 MP, cold and with its bridge running, on the machine where the targets were set.
THERE = {"sketch": 0.31, "sketch, warm": 0.16}

#: Among what is measured with a service that takes so many seconds, the sketch.
SKETCH, SERVICE = "the sketch, one request", 1.0

_FLAT = "-u8-rgb-1-rle"

Results = dict[str, Any]


class Target(NamedTuple):
    """One of them.

    Attributes:
        what: its name.
        found: what was measured.
        limit: what it may be at most, or with `least`, has to be at least.
        unit: of both.
        speed: of a time, what to multiply it with for the machine of the targets.
        service: seconds of it that the service takes, on every machine.
    """

    what: str
    found: float
    limit: float
    unit: str = "×"
    least: bool = False
    speed: float | None = None
    service: float = 0.0

    @property
    def there(self) -> float | None:
        """`found`, on the machine where the targets were set."""
        return None if self.speed is None else self.service + (self.found - self.service) * self.speed

    def met(self, value: float) -> bool:
        """Whether so much is enough."""
        return value >= self.limit if self.least else value <= self.limit


def middle(times: list[dict[str, float]]) -> float:
    """The median of what some runs took in all, seconds."""
    return median(each["total"] for each in times)


def targets(results: Results) -> Iterator[Target]:
    """Those of which the rows that were measured tell something."""
    rows = {row["name"]: row for row in results["rows"]}
    at = {size: rows[f"{size}{_FLAT}"]["times"] for size in ("1.5", "24", "96", "400") if f"{size}{_FLAT}" in rows}
    if "24" in at:
        yield from _seconds(at["24"])
    if "400" in at and "1.5" in at:
        yield Target("400 MP beside 1.5 MP, cold", middle(at["400"]["cold"]) / middle(at["1.5"]["cold"]), 1.25)
    if rows:
        worst = max(middle(row["times"]["warm"]) / middle(row["times"]["floor"]) for row in rows.values())
        yield Target("warm beside the floor, the worst row", worst, 2.0)
    for size, factor in (("24", 8), ("96", 25)):
        if size in at and at[size]["plain"]:
            ratio = middle(at[size]["plain"]) / middle(at[size]["cold"])
            yield Target(f"the plain way beside cold, {size} MP", ratio, factor, least=True)
    if rows:
        most = max(sum(row["memory"].values()) for row in rows.values())
        yield Target("plug-in and bridge, the worst row", most, 250, "MB")
    yield from _waiting(results.get("waiting", {}))
    if found := results.get("preview"):
        speed = THERE["sketch, warm"] / middle(at["24"]["sketch, warm"]) if "24" in at else None
        yield Target("preview", middle(found), 0.05, "s", speed=speed)
    if offline := results.get("offline"):
        yield Target("offline engine", median(offline["server"]) / median(offline["bare"]), 1.15)


def _seconds(times: dict[str, list[dict[str, float]]]) -> Iterator[Target]:
    for way, beside, limit in (("cold", "sketch", 0.45), ("warm", "sketch, warm", 0.25)):
        yield Target(f"{way}, 24 MP", middle(times[way]), limit, "s", speed=THERE[beside] / middle(times[beside]))


def _waiting(found: dict[str, list[dict[str, float]]]) -> Iterator[Target]:
    if not found.get(SKETCH):
        return
    speed = THERE["sketch"] / (middle(found[SKETCH]) - SERVICE)
    for name in ("variations=4", "eight islands"):
        if found.get(name):
            what = f"{name}, cold, a service of {SERVICE:g} s"
            yield Target(what, middle(found[name]), 1.5, "s", speed=speed, service=SERVICE)


def text(results: Results) -> list[str]:
    """A table: what was found, its target, whether it was met here, and at the speed of the targets' machine."""
    lines = [f"{'target':44}{'':>12}{'found':>9}  {'here':8}{'at the speed of the machine where it was set'}"]
    for each in targets(results):
        sign, there = "≥" if each.least else "≤", ""
        if each.there is not None:
            there = f"{each.there:.3f}  {_word(each.met(each.there))}"
        limit = f"{sign} {each.limit:g} {each.unit}"
        lines.append(f"{each.what:44}{limit:>12}{each.found:>9.3f}  {_word(each.met(each.found)):8}{there}")
    return lines


def _word(met: bool) -> str:
    return "met" if met else "MISSED"
