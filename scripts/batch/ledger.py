"""What became of each file, on the disk: so that nothing is done twice, and nothing that was paid for is paid again.

One small JSON file for each entry, beside the journal. Its `state` is

    asked    its job was about to be run: what became of that, the job's folder in the journal tells
    unsure   a request was sent, its answer never came, and it may have been billed
    done     its outputs are written
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

from bridge.history import index
from bridge.store import locks
from bridge.store.journal import NAME, JobFolder

#: Seconds between two looks at a job whose bridge is still at work, and the most to wait for it.
_STEP, _LONGEST = 0.2, 900.0


class Found(Enum):
    """What the journal has of an earlier job."""

    NOTHING = "it was never sent"
    ANSWERED = "its answers are there"
    UNSURE = "it was sent, and may have been billed"


class Ledger:
    """The files of one batch. Several computers may share its folder.

    Attributes:
        journal: the job folders.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self._files = folder / "files"

    def prepare(self) -> None:
        """Makes the folders; raises an OSError if they cannot be made."""
        self._files.mkdir(parents=True, exist_ok=True)

    def read(self, key: str) -> dict[str, Any]:
        """What is known of an entry; empty if nothing is."""
        try:
            found = json.loads((self._files / f"{key}.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, key: str, **facts: Any) -> None:
        """Replaces what is known of an entry."""
        file = self._files / f"{key}.json"
        new = file.with_suffix(".new")
        new.write_text(json.dumps(facts), encoding="utf-8")
        new.replace(file)

    def forget(self, key: str) -> None:
        """Forgets an entry: it was not sent."""
        (self._files / f"{key}.json").unlink(missing_ok=True)

    def written(self) -> list[str]:
        """The outputs of all entries that were begun: they are ours if they are there."""
        known = (self.read(file.stem) for file in self._files.glob("*.json"))
        return [path for each in known for path in each.get("outputs", [])]

    def done(self, key: str, outputs: dict[str, str]) -> bool:
        """Whether these outputs of an entry are written."""
        known = self.read(key)
        wanted = outputs.values()
        return known.get("state") == "done" and set(wanted) <= set(known["outputs"]) and all(map(_is_file, wanted))

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Only one process works on an entry at a time. Another one's lock ends with that process."""
        with locks.alone(self._files / f"{key}.lock", _LONGEST):
            yield

    def found(self, job: str) -> Found:
        """What became of a job. Waits while a bridge still works on it."""
        if not NAME.fullmatch(job):
            return Found.NOTHING
        end = time.monotonic() + _LONGEST
        while (known := index.look(self.journal / job)) and known.busy and time.monotonic() < end:
            time.sleep(_STEP)
        known = index.look(self.journal / job)  # it may have been answered between looking and asking who is at work
        if known is None:
            return Found.NOTHING
        if known.variations:
            return Found.ANSWERED
        record = JobFolder(known.path).record()
        if record.get("engine") == "offline":  # it bills nothing
            return Found.NOTHING
        sent = record.get("state") == "sending" or record.get("may_be_billed")
        return Found.UNSURE if sent or known.answered or known.busy else Found.NOTHING

    def may_be_billed(self, job: str) -> bool:
        """Whether a job that has failed may have been billed."""
        return JobFolder(self.journal / job).record().get("may_be_billed") is True


def _is_file(path: str) -> bool:
    return Path(path).is_file()
