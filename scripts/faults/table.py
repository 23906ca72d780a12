"""Makes docs/faults.md from the rows that the tests in tests/faults write."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEAD = """# What Photio for GIMP survives

`scripts/faults.py` made this page. It causes each fault in the table for real and records what happens.

* **The user sees**: the message in GIMP.
* **Image**: what happened to the open image.
* **Result**: what happened to an image that the service had sent.
  * *whole*: it is placed, or *History…* can insert it, exactly once.
  * *aside*: it is unusable or incomplete. It is kept in the job's folder.
  * *part*: a part arrived. That part is kept.
  * *–*: the service had sent nothing.
  * *lost*: it is no longer on this computer.
* **Repeated**: how many times Photio sent the request again. It does so only when the service surely did nothing.
* **Left**: what remains afterwards. A killed bridge leaves drafts, which are deleted after two hours, and incomplete
  answers, which the next bridge recovers.

Photio writes everything it receives to the disk before it does anything else with it. The rows of “The bridge is
killed” stop the bridge at each file operation of a job, and in the middle of an answer. If the bridge is killed in the
microseconds between receiving data and writing it, those data are lost.

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
    sentence = re.sub(r"(?<=127\.0\.0\.1:)[0-9]+", "PORT", sentence)
    sentence = "".join(sign if sign.isprintable() else "�" for sign in sentence)
    sentence = sentence.replace("|", "\\|").replace("<", "&lt;")
    return sentence if len(sentence) <= 300 else sentence[:299] + "…"
