"""How a batch goes and how it went: lines for the terminal, a summary, a JSON report, the exit status."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

ALL, NONE, WRONG, SOME, INTERRUPTED = 0, 1, 2, 3, 130  #: exit statuses

#: What can become of a file, and whether that is what was wanted.
STATES = {
    "done": True,
    "recovered": True,  # its answers were in the journal: nothing was paid for
    "there already": True,
    "planned": True,
    "skipped": False,
    "failed": False,
    "not begun": False,
}


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        input, name: as in `plan.Entry`.
        state: of `STATES`.
        why: a sentence about what was skipped or failed.
        outputs: the files that were written.
        requests: that were sent, or would be.
        sizes: width and height of the pictures that are sent, px, in a dry run.
        engine, job, seeds: who made it, its folder in the journal, and the seed of each variation.
        remarks: sentences about what was done.
        seconds: from the file's opening to its end.
    """

    input: str
    name: str
    state: str
    why: str = ""
    outputs: Sequence[str] = ()
    requests: int = 0
    sizes: Sequence[Sequence[int]] = ()
    engine: str = ""
    job: str = ""
    seeds: Sequence[int] = ()
    remarks: Sequence[str] = ()
    seconds: float = 0.0


class Progress:
    """Tells how it goes. Problems get a line each; on a terminal, the last line shows how far it is."""

    def __init__(self, total: int, stream: TextIO = sys.stderr) -> None:
        self._stream, self._total = stream, total
        self._began = time.monotonic()
        self._ended = 0

    def tell(self, outcome: Outcome) -> None:
        """One more file has ended."""
        self._ended += 1
        for sentence in (outcome.why, *outcome.remarks):
            if sentence:
                self._line(f"{outcome.name}: {outcome.state}: {' '.join(sentence.split())}")
        if outcome.state == "planned":
            sizes = ", ".join(f"{width} × {height}" for width, height in outcome.sizes)
            self._line(f"{outcome.name}: {_count(outcome.requests, 'request')} ({sizes} px, {outcome.engine})")
        text = progress_text(self._ended, self._total, time.monotonic() - self._began)
        if self._stream.isatty():
            self._stream.write(f"\r\033[K{text}")
            self._stream.flush()
        elif self._ended == self._total or self._ended % 10 == 0:
            self._line(text)

    def end(self) -> None:
        """Nothing more is told."""
        if self._stream.isatty():
            self._stream.write("\r\033[K")

    def _line(self, text: str) -> None:
        clear = "\r\033[K" if self._stream.isatty() else ""
        self._stream.write(f"{clear}{text}\n")
        self._stream.flush()


def progress_text(ended: int, total: int, seconds: float) -> str:
    """How far it is, how fast, and how long the rest will take."""
    rate = ended / seconds * 60 if seconds > 0 else 0.0
    left = f"{_duration((total - ended) / rate * 60)} left" if rate and ended < total else _duration(seconds)
    return f"{ended} of {total} files, {rate:.1f} a minute, {left}"


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """The last line."""
    counts = Counter(outcome.state for outcome in outcomes)
    parts = [f"{counts[state]} {state}" for state in STATES if counts[state]]
    requests = _count(sum(outcome.requests for outcome in outcomes), "request")
    verb = "would be sent" if counts["planned"] else "sent"
    return f"{_count(len(outcomes), 'file')}: {', '.join(parts)}; {requests} {verb}; {_duration(seconds)}"


def write(file: Path, outcomes: Sequence[Outcome], seconds: float, facts: dict[str, object]) -> None:
    """Writes the JSON report.

    Args:
        facts: of the batch itself.

    Raises:
        OSError: it cannot be written.
    """
    states = Counter(outcome.state for outcome in outcomes)
    requests = sum(outcome.requests for outcome in outcomes)
    files = [asdict(replace(outcome, seconds=round(outcome.seconds, 3))) for outcome in outcomes]
    content = {**facts, "seconds": round(seconds, 3), "states": states, "requests": requests, "files": files}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")


def exit_status(outcomes: Sequence[Outcome]) -> int:
    """`ALL`, `SOME` or `NONE` of the files came out as wanted."""
    wanted = [STATES[outcome.state] for outcome in outcomes]
    return ALL if all(wanted) else SOME if any(wanted) else NONE


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
