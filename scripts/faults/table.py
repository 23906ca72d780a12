"""Makes docs/faults.md from the rows that the tests in tests/faults write."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEAD = """# What Photio for GIMP survives

Made by `scripts/faults.py`: every line is a fault that was really made to happen, and what came of it. “Result”: what
became of a picture that the service had sent. “whole”: it is placed, or can be inserted from *History…*, exactly once;
“aside”: it is of no use, or only half of it came, but it is kept in its job's folder; “part”: what came of it is kept;
“–”: none had come; “lost”: what the computer had of it is gone. “Repeated”: how often the request was sent once more,
which happens only when it surely did nothing. “Left”: what is still there afterwards. A killed bridge leaves drafts,
which go with their job, and answers that were arriving, which the next bridge makes use of.

What the network gives is written to the disk before anything else is done with it. “The bridge is killed” tries every
step on a file from the job's first one on, and the middle of an answer. Whoever kills the bridge between the network's
giving and that first write, some microseconds, has killed it before it had received anything.

{tried} faults tried, {survived} survived.
"""

#: The groups, in this order.
GROUPS = (
    "The connection", "Certificates and proxies", "HTTP", "Statuses and redirects",
    "Gateways and login pages", "JSON and Base64", "Pictures",
    "In a row", "The plug-in goes", "Signals", "Messages", "Several at once", "The bridge is killed", "Disks", "Homes",
    "Settings", "The key", "The clock", "The offline engine", "Inside GIMP", "In all",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        fault: what was broken.
        group: of what.
        survived: whether everything was as it must be.
        told: the outcome (tests/faults/outcome.py); None if the test only says that it passed.
    """

    fault: str
    group: str
    survived: bool
    told: dict[str, Any] | None = None


def rows_in(file: Path) -> list[Row]:
    """The rows that the tests wrote. A fault that was tried more than once counts once."""
    found: dict[tuple[str, str], Row] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        told = json.loads(line)
        survived = told["kept"] not in ("lost", "twice") and told["image"] != "broken" and not told["leaks"]
        found[told["group"], told["name"]] = Row(told["name"], told["group"], survived, told)
    return list(found.values())


def document(rows: list[Row]) -> str:
    """The whole document; the same rows give the same text."""
    text = HEAD.format(tried=len(rows), survived=sum(row.survived for row in rows))
    for group in sorted({row.group for row in rows}, key=GROUPS.index):
        chosen = sorted((row for row in rows if row.group == group), key=lambda row: row.fault)
        text += f"\n## {group} ({len(chosen)})\n\n"
        text += _simple(chosen) if all(row.told is None for row in chosen) else _full(chosen)
    return text


def _simple(rows: list[Row]) -> str:
    return "".join(f"* {row.fault}{'' if row.survived else ' — **not survived**'}\n" for row in rows)


def _full(rows: list[Row]) -> str:
    lines = ["| Fault | The user sees | Image | Result | Repeated | Left |", "|---|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, rows)]) + "\n"


def _line(row: Row) -> str:
    told = row.told or {}
    varies = told.get("varies", False)
    sentence = "what the moment makes of it: nothing was sent" if varies else steady(told.get("sentence", ""))
    kept = {"none": "–"}.get(told.get("kept", ""), told.get("kept", ""))
    repeated = "up to 2" if varies else str(told.get("repeated", 0)) if told.get("repeated") else "no"
    left = ", ".join(dict.fromkeys(told.get("left", ()))) or "nothing"
    return (
        f"| {steady(row.fault)} | {sentence or 'the result'} | {told.get('image', '')} | {kept} | {repeated} | {left} |"
    )


def steady(sentence: str) -> str:
    """A sentence without the parts that differ between two runs, escaped for Markdown."""
    sentence = re.sub(r"/[^\s”,;:)]*/home\b", "HOME", sentence)
    sentence = re.sub(r"/tmp/[^\s”,;:)]*", "FILE", sentence)
    sentence = re.sub(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}", "JOB", sentence)
    sentence = "".join(sign if sign.isprintable() else "�" for sign in sentence)
    sentence = sentence.replace("|", "\\|").replace("<", "&lt;")
    return sentence if len(sentence) <= 300 else sentence[:299] + "…"
