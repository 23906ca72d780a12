"""The table's rows for what the service and the network do: which fault, and what must come of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import answer_faults, body_faults, gateway_faults, picture_faults, status_faults, wire_faults
from tests.faults.outcome import Outcome, observe
from tests.faults.visit import Fault

#: Where it names a file, every outcome is added to it as a line of JSON.
ROWS_VARIABLE = "PHOTIO_FAULT_ROWS"

MOST_MEGABYTES = 400
MOST_SECONDS = 60.0  # a deadline that what drips can stretch would take longer

#: Errors after which nobody but the service knows whether it charged.
_OPEN = ("connection", "time-out", "malformed-response")

#: What is broken by each fault, for the table.
_GROUPS = {
    fault.name: group
    for group, faults in (
        ("The connection", wire_faults.FAULTS),
        ("HTTP", body_faults.FAULTS),
        ("Statuses and redirects", status_faults.FAULTS),
        ("Gateways and login pages", gateway_faults.FAULTS),
        ("JSON and Base64", answer_faults.FAULTS),
        ("Pictures", picture_faults.FAULTS),
    )
    for fault in faults
}


@dataclass(frozen=True)
class Row:
    """A fault and what must come of it.

    Attributes:
        fault: its name; several, joined by “ + ”, are met one after the other.
        code: the error's, or "" when the image comes.
        kept: see `Outcome`.
        repeated: how often the request is sent once more; None where that depends on the moment, and then nothing of
            it may ever arrive.
        large: whether a large image is sent, so that a stalled upload is noticed.
        says: what must be in the sentence.
        billed: whether the sentence says that it may have been billed; None: as the code has it.
        answer: the longest wait for the answer, in seconds.
        connect: likewise, for the connection.
        interval: seconds between dripped bytes.
    """

    fault: str
    code: str = ""
    kept: str = "none"
    repeated: int | None = 0
    large: bool = False
    says: str = ""
    billed: bool | None = None
    answer: float = 120.0
    connect: float = 60.0
    interval: float = 0.02

    @property
    def id(self) -> str:
        """The test's name."""
        return self.fault.replace(" ", "") + ("-large" if self.large else "")

    def run(self) -> Outcome:
        """Tries it."""
        outcome = observe(
            *self.fault.split(" + "),
            large=self.large,
            answer=self.answer,
            connect=self.connect,
            interval=self.interval,
        )
        if path := os.environ.get(ROWS_VARIABLE):
            with Path(path).open("a") as rows:
                rows.write(json.dumps(self.told(outcome)) + "\n")
        return outcome

    def told(self, outcome: Outcome) -> dict[str, Any]:
        """The outcome as a row for the table, which is the same in every run."""
        name = outcome.fault if "+" in self.fault else outcome.breaks
        return {
            **outcome.to_json(),
            "name": name + (" (a large upload)" if self.large else ""),
            "group": "In a row" if "+" in self.fault else _GROUPS[self.fault],
            "varies": self.repeated is None,
        }

    def broken_promises(self, outcome: Outcome) -> list[str]:
        """What is not as it must be: what this row says, and what holds for every fault."""
        checks = {
            f"ended with {outcome.code or 'an image'}": outcome.code == self.code,
            f"kept: {outcome.kept}": outcome.kept == self.kept,
            f"repeated {outcome.repeated} times": self.repeated in (outcome.repeated, None),
            "arrived, all the same": self.repeated is not None or not outcome.arrived,
            "a repeat that is not in the log": outcome.connections <= 1 + outcome.repeated,
            "a picture that came is lost": outcome.kept != "lost",
            f"the image is {outcome.image}": outcome.image == ("untouched" if self.code else "complete"),
            "no sentence": not outcome.code or outcome.sentence.endswith("."),
            "silent about the bill": self.billed is False
            or not (outcome.arrived and outcome.code in _OPEN)
            or outcome.says_billed,
            "threatens with a bill for nothing": not outcome.says_billed or self.billed or outcome.code in _OPEN,
            f"says {outcome.sentence!r}": self.says in outcome.sentence and self.billed in (outcome.says_billed, None),
            f"the key is in {outcome.leaks}": not outcome.leaks,
            f"left behind: {outcome.left}": not outcome.left,
            f"took {outcome.megabytes} MB": outcome.megabytes <= MOST_MEGABYTES,
            f"took {outcome.seconds} s": outcome.seconds <= MOST_SECONDS,
        }
        return [what for what, holds in checks.items() if not holds]


def rows(code: str, kept: str, *faults: str, **how: float) -> tuple[Row, ...]:
    """Faults that all end alike."""
    return tuple(Row(fault, code, kept, **how) for fault in faults)  # type: ignore[arg-type]


def unused(tried: tuple[Row, ...], faults: tuple[Fault, ...]) -> set[str]:
    """The names of the faults that no row tries."""
    return {fault.name for fault in faults} - {name for row in tried for name in row.fault.split(" + ")}
