"""The index of the journal, from records and file names alone: fast, even with thousands of jobs.

A job folder is read again only if something in it was added, renamed or removed. Standard library only, except where a
killed bridge has left an answer unsaved.
"""

from __future__ import annotations

import calendar
import os
import re
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bridge.history.arrivals import adopt
from bridge.history.records import Summary, read_summary
from bridge.store import locks
from bridge.store.journal import BUSY_FILE, NAME, has_answer

ANSWER = re.compile(r"answer-([0-9]{1,4})-([0-9]{1,2})\.(?:png|jpg|webp)")

_OF_VARIATION = re.compile(r"(?:answer-[0-9]{1,4}|result-[0-9]{1,4}|picture)-([0-9]{1,2})[-.].*")
_RESULT = re.compile(r"result-([0-9]{1,4})-([0-9]{1,2})-[0-9]{1,4}\.pnm")

#: Seconds: a folder that was changed more recently may have been changed again without a new modification time.
_FRESH = 2.0


@dataclass(frozen=True)
class Known:
    """A job folder at a glance.

    Attributes:
        started: in seconds since 1970.
        answered: there are answers, even if nobody can read them.
        sizes: bytes of each variation's own files.
        size: bytes of all files.
        prompt, image, engine, seeds: of its job; empty if it has no record that can be understood.
        ready: the variations that have a result.
        recoverable: those whose result, or more of it, can be made from their answers.
        placed, mentioned: variations; see `Marks`.
    """

    path: Path
    started: float
    answered: bool
    sizes: dict[int, int]
    size: int
    prompt: str = ""
    image: str = ""
    engine: str = ""
    seeds: tuple[int, ...] = ()
    ready: frozenset[int] = frozenset()
    recoverable: frozenset[int] = frozenset()
    placed: frozenset[int] = frozenset()
    mentioned: frozenset[int] = frozenset()

    @property
    def id(self) -> str:
        """The job's."""
        return self.path.name

    @property
    def busy(self) -> bool:
        """Whether somebody works in it now."""
        return locks.is_held(self.path / BUSY_FILE)

    @property
    def variations(self) -> tuple[int, ...]:
        """Those that can be inserted. While a bridge works at the job, it makes the others itself."""
        more = self.recoverable - self.ready
        return tuple(sorted(self.ready | more if more and not self.busy else self.ready))


_seen: dict[Path, tuple[tuple[int, ...], Known]] = {}


def known_jobs(journal: Path) -> list[Known]:
    """All jobs, newest first. Anything else in the journal is ignored."""
    try:
        with os.scandir(journal) as entries:
            names = {entry.name for entry in entries if NAME.fullmatch(entry.name)}
    except OSError:
        return []
    for folder in [folder for folder in _seen if folder.parent == journal and folder.name not in names]:
        del _seen[folder]
    found = [known for name in names if (known := look(journal / name))]
    return sorted(found, key=lambda known: (known.started, known.id), reverse=True)


def look(folder: Path) -> Known | None:
    """One job; None if its folder is gone or is no job folder."""
    try:
        status = folder.lstat()
        stamp = (status.st_ino, status.st_mtime_ns)
        if folder in _seen and _seen[folder][0] == stamp:
            return _seen[folder][1]
        if not stat.S_ISDIR(status.st_mode):
            return None
        unsaved = adopt(folder)
        with os.scandir(folder) as entries:
            sizes = {
                entry.name: entry.stat(follow_symlinks=False).st_size
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            }
    except OSError:
        _seen.pop(folder, None)
        return None
    known = _known(folder, sizes)
    if abs(time.time() - status.st_mtime) > _FRESH and not unsaved:
        _seen[folder] = (stamp, known)
    else:
        _seen.pop(folder, None)
    return known


def unfitted(recorded: Iterable[str], answers: set[tuple[int, int]], names: set[str]) -> set[tuple[int, int]]:
    """The answers, as (crop, variation), whose part of the result is missing.

    Args:
        recorded: the files of the result.
        names: those that are there.
    """
    fitted, broken = set[tuple[int, int]](), set[tuple[int, int]]()
    for file in recorded:
        if name := _RESULT.fullmatch(file):
            (fitted if file in names else broken).add((int(name[1]), int(name[2])))
    return {pair for pair in answers if pair not in fitted or pair in broken}


def answers_in(names: set[str], variations: int) -> dict[tuple[int, int], str]:
    """The files of answers by (crop, variation)."""
    found = {(int(name[1]), int(name[2])): name[0] for name in map(ANSWER.fullmatch, sorted(names)) if name}
    return {pair: name for pair, name in found.items() if 1 <= pair[1] <= variations and pair[0] >= 1}


def _known(folder: Path, sizes: dict[str, int]) -> Known:
    own = dict[int, int]()
    for name, size in sizes.items():
        if found := _OF_VARIATION.fullmatch(name):
            own[int(found[1])] = own.get(int(found[1]), 0) + size
    total, answered = sum(sizes.values()), any(map(has_answer, sizes))
    read = read_summary(folder)
    if read is None:
        return Known(folder, _begun(folder.name), answered, own, total)
    summary, marks = read
    names = set(sizes)
    recorded = [file for files in summary.patches.values() for file in files]
    unfinished = unfitted(recorded, set(answers_in(names, len(summary.seeds))), names)
    about = (summary.prompt, summary.image, summary.engine, summary.seeds)
    ready = _ready(summary, names) - marks.discarded
    recoverable = frozenset(variation for _crop, variation in unfinished) - marks.discarded
    became = (ready, recoverable, marks.placed, marks.mentioned)
    return Known(folder, summary.started, answered, own, total, *about, *became)


def _ready(summary: Summary, names: set[str]) -> frozenset[int]:
    """The variations whose result is there, judging by file names."""
    if not names.issuperset(summary.masks):
        return frozenset()
    return frozenset(number for number, files in summary.patches.items() if files and names.issuperset(files))


def _begun(name: str) -> float:
    """When a folder was made, from its name; 0 if that is no date."""
    try:
        return float(calendar.timegm(time.strptime(name[:15], "%Y%m%d-%H%M%S")))
    except ValueError:
        return 0.0
