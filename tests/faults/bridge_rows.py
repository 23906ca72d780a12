"""The table's rows for what goes wrong around the bridge itself: in the same form as `client_faults`."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol import Finished
from bridge.store.arriving import NAME as ARRIVING
from tests.faults.client_faults import ROWS_VARIABLE
from tests.faults.outcome import KEY, Outcome
from tests.faults.world import GONE, Ended, World, placed_checksum

_PIECES = tuple(piece.encode() for piece in (KEY, KEY[9:21], KEY[-16:], KEY[:8]))
_DRAFT = re.compile(r"\..+\.[0-9a-f]{12}")

#: Errors after which nobody but the service knows whether it charged.
_OPEN = ("connection", "time-out", "malformed-response", "service", "bridge")

_GROUPS = {
    "network": "Certificates and proxies",
    "plug-in": "The plug-in goes",
    "signal": "Signals",
    "messages": "Messages",
    "company": "Several at once",
    "kill -9": "The bridge is killed",
    "storage": "Disks",
    "home": "Homes",
    "settings": "Settings",
    "key": "The key",
    "clock": "The clock",
    "model": "The offline engine",
}


@dataclass(frozen=True)
class BridgeRow:
    """Something that breaks, and what must come of it.

    Attributes:
        act: breaks it, runs a job and mends what can be mended; gives the job's end.
        code: the error's; "" when there is something to place; "bridge" when the bridge was gone.
        kept: see `Outcome`.
        says: what must be in the sentence.
        left: what may stay behind.
        repeated: how often the request is sent once more.
        billed: whether the request came to the service; None: a row without a job of its own.
    """

    name: str
    breaks: str
    act: Callable[[World], Ended]
    code: str = ""
    kept: str = "none"
    says: str = ""
    left: tuple[str, ...] = ()
    repeated: int = 0

    def run(self, world: World, reference: str) -> Outcome:
        """Tries it; one line is added to the table."""
        ended = self.act(world)
        for bridge in world.bridges:
            if bridge.process.poll() is None and not bridge.process.stdin.closed:
                bridge.leave()
        outcome = observe(self.name, self.breaks, world, ended, reference)
        if path := os.environ.get(ROWS_VARIABLE):
            with Path(path).open("a") as rows:
                told = {**outcome.to_json(), "name": self.name.replace("-", " "), "group": _GROUPS[self.breaks]}
                rows.write(json.dumps(told) + "\n")
        return outcome

    def broken_promises(self, outcome: Outcome) -> list[str]:
        """What is not as it must be."""
        checks = {
            f"ended with {outcome.code or 'a result'}: {outcome.sentence}": outcome.code == self.code,
            f"kept: {outcome.kept}": outcome.kept == self.kept,
            f"repeated {outcome.repeated} times": outcome.repeated == self.repeated,
            "a repeat that is not in the log": outcome.connections <= max(1, outcome.connections - self.repeated) + 8,
            f"the image is {outcome.image}": outcome.image == ("untouched" if self.code else "complete"),
            f"no sentence: {outcome.sentence!r}": not outcome.code or outcome.sentence.endswith("."),
            f"it says {outcome.sentence!r}": self.says in outcome.sentence,
            "threatens with a bill for nothing": not outcome.says_billed or outcome.code in _OPEN,
            f"leaks: {outcome.leaks}": not outcome.leaks,
            f"left behind: {outcome.left}": set(outcome.left) <= set(self.left),
        }
        return [what for what, holds in checks.items() if not holds]


def observe(name: str, breaks: str, world: World, ended: Ended, reference: str) -> Outcome:
    """What became of it, seen by a fresh bridge and by whoever looks at the disk."""
    message, left = ended.message, _left(world)  # before a fresh bridge tidies up
    connections, arrived, answered = _counted(world.service)
    return Outcome(
        fault=name,
        breaks=breaks,
        code="bridge" if message is None else getattr(message, "code", ""),
        sentence=GONE if message is None else getattr(message, "sentence", "") or " ".join(_remarks(ended)),
        image=_image(ended, reference),
        kept=_kept(world, arrived, answered, reference),
        repeated=_log(world).count(b"because: "),
        connections=connections,
        arrived=arrived,
        says_billed="may have been billed" in getattr(message, "sentence", ""),
        leaks=leaks(world),
        left=left,
        seconds=0.0,
        megabytes=0,
    )


def _remarks(ended: Ended) -> tuple[str, ...]:
    return (*ended.remarks, *(ended.message.remarks if isinstance(ended.message, Finished) else ()))


def _image(ended: Ended, reference: str) -> str:
    if not isinstance(ended.message, Finished):
        return "untouched"
    found = {placed_checksum(ended.message, ended.folder, result.variation) for result in ended.message.results}
    return "complete" if found and "" not in found and (not reference or reference in found) else "broken"


def _counted(service: Any) -> tuple[int, int, int]:
    """Connections, whole requests, answers that were sent whole."""
    if hasattr(service, "records"):
        records = service.records
        return len(records), service.arrived, sum(bool(record.picture) for record in records)
    requests = service.requests()
    return (
        len(requests),
        sum(bool(each["body"]) for each in requests),
        sum(each["stage"] == "answered" for each in requests),
    )


def _kept(world: World, arrived: int, answered: int, reference: str) -> str:
    """What a fresh bridge has of the answers that came."""
    found = [checksum for _id, _variation, checksum in world.history()]
    if not found and any(world.home.glob("journal/*/answer-*.unreadable")):
        return "aside"
    if len(found) > max(arrived, 1):  # the service may not know yet that it has answered, and counts no offline job
        return "twice"
    if answered and len(found) < answered:
        return "lost"
    if not found:
        return "none"
    return "whole" if "" not in found and (not reference or reference in found) else "part"


def _log(world: World) -> bytes:
    return b"".join(file.read_bytes() for file in (world.home / "log").glob("*"))


def leaks(world: World) -> tuple[str, ...]:
    """Where the key is, that it must not be; and what others could read."""
    found = []
    for file in _files(world.folder):
        content = file.read_bytes() if file.name != "api-key" and not file.name.startswith("ring") else b""
        if any(piece in content for piece in _PIECES):
            found.append(f"key in {file.name}")
    if any(piece in bridge.told for bridge in world.bridges for piece in _PIECES):
        found.append("key in messages")
    return tuple(sorted(found)) + _open_to_others(world)


def _open_to_others(world: World) -> tuple[str, ...]:
    """Ours are 0600 and 0700. What GIMP itself writes is as GIMP's umask has it, in a folder that is ours."""
    found = []
    for path in sorted(world.home.rglob("*")) if world.home.is_dir() else ():
        if path.is_symlink() or path.name.startswith(("selection", "base-")):
            continue
        mode, wanted = stat.S_IMODE(path.stat().st_mode), 0o700 if path.is_dir() else 0o600
        if mode != wanted:
            found.append(f"{re.sub('[0-9]{8}-[0-9]{6}-[0-9a-f]{6}', 'JOB', path.name)} has mode {mode:03o}")
    return tuple(found)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def _left(world: World) -> tuple[str, ...]:
    """Processes, temporary files and half-written ones."""
    sessions = {bridge.pid for bridge in world.bridges}
    left = ["process"] * sum(_session(entry) in sessions for entry in Path("/proc").iterdir() if entry.name.isdigit())
    left += ["temporary file"] * sum(path.name != "steps" for path in world.temporary.iterdir())
    names = {path.name for path in _files(world.home)} if world.home.is_dir() else set()
    left += ["draft"] * any(map(_DRAFT.fullmatch, names))
    return tuple(left) + ("arriving",) * any(map(ARRIVING.fullmatch, names))


def _session(entry: Path) -> int:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[3])
