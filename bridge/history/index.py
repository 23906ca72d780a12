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
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bridge.history.records import Summary, read_summary
from bridge.store import locks
from bridge.store.arriving import NAME as ARRIVING
from bridge.store.arriving import adopt
from bridge.store.journal import BUSY_FILE, NAME, has_answer

_ANSWER = re.compile(r"answer-([0-9]{1,4})-([0-9]{1,2})\.(?:png|jpg|webp)")
_OF_VARIATION = re.compile(r"(?:answer-[0-9]{1,4}|result-[0-9]{1,4}|layer-mask-[0-9]{1,4}|picture)-([0-9]{1,2})[-.].*")
_RESULT = re.compile(r"result-([0-9]{1,4})-([0-9]{1,2})-[0-9]{1,4}\.pnm")

#: Seconds: a folder that was changed more recently may have been changed again without a new modification time.
_FRESH = 2.0


@dataclass(frozen=True)
class Known:
    """A job folder at a glance.

    Attributes:
        sizes: bytes of each file, by name.
        summary: of its record. If that cannot be understood, only the time is known.
    """

    path: Path
    sizes: dict[str, int]
    summary: Summary

    @property
    def id(self) -> str:
        """The job's."""
        return self.path.name

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes.values())

    @property
    def answered(self) -> bool:
        """Whether there are answers, even if nobody can read them."""
        return any(map(has_answer, self.sizes))

    @property
    def busy(self) -> bool:
        """Whether somebody works in it now."""
        return locks.is_held(self.path / BUSY_FILE)

    @cached_property
    def ready(self) -> frozenset[int]:
        """The variations that have a result."""
        if not self.sizes.keys() >= set(self.summary.masks):
            return frozenset()
        patches = self.summary.patches.items()
        found = frozenset(number for number, files in patches if files and self.sizes.keys() >= set(files))
        return found - self.summary.marks.discarded

    @cached_property
    def recoverable(self) -> frozenset[int]:
        """The variations whose result, or more of it, can be made from their answers."""
        recorded = [file for files in self.summary.patches.values() for file in files]
        answers = unfitted(self.sizes, len(self.summary.seeds), recorded, self.sizes)
        return frozenset(variation for _crop, variation in answers) - self.summary.marks.discarded

    @property
    def variations(self) -> tuple[int, ...]:
        """Those that can be inserted. While a bridge works at the job, it makes the others itself."""
        more = self.recoverable - self.ready
        return tuple(sorted(self.ready | more if more and not self.busy else self.ready))


_seen: dict[Path, tuple[tuple[int, ...], Known]] = {}


def known_jobs(journal: Path) -> list[Known]:
    """All jobs, newest first. Anything else in the journal is ignored."""
    try:
        names = {name for name in os.listdir(journal) if NAME.fullmatch(name)}
    except OSError:
        return []
    for folder in [folder for folder in _seen if folder.parent == journal and folder.name not in names]:
        del _seen[folder]
    found = [known for name in names if (known := look(journal / name))]
    return sorted(found, key=lambda known: (known.summary.started, known.id), reverse=True)


def look(folder: Path) -> Known | None:
    """One job; None if its folder is gone or is no job folder."""
    before = _seen.pop(folder, None)
    try:
        status = folder.lstat()
        stamp = (status.st_ino, status.st_mtime_ns)
        if before and before[0] == stamp:
            _seen[folder] = before
            return before[1]
        if not stat.S_ISDIR(status.st_mode):
            return None
        adopt(folder)
        with os.scandir(folder) as entries:
            files = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
            sizes = {entry.name: entry.stat(follow_symlinks=False).st_size for entry in files}
    except OSError:
        return None
    known = Known(folder, sizes, read_summary(folder) or Summary(_begun(folder.name)))
    unsaved = any(map(ARRIVING.fullmatch, sizes))
    if abs(time.time() - status.st_mtime) > _FRESH and not unsaved:
        _seen[folder] = (stamp, known)
    return known


def variation_of(name: str) -> int:
    """The variation that a file belongs to; 0 if it belongs to none or to all."""
    found = _OF_VARIATION.fullmatch(name)
    return int(found[1]) if found else 0


def unfitted(
    names: Iterable[str], variations: int, recorded: Iterable[str], whole: Collection[str]
) -> dict[tuple[int, int], str]:
    """The files of answers whose part of the result is missing, by (crop, variation) and in that order.

    Args:
        names: the files in the job folder.
        variations: how many the job has.
        recorded: the files of the result.
        whole: contains those of them that are there.
    """
    fitted, broken = set[tuple[int, int]](), set[tuple[int, int]]()
    for file in recorded:
        if name := _RESULT.fullmatch(file):
            (fitted if file in whole else broken).add((int(name[1]), int(name[2])))
    answers = {(int(name[1]), int(name[2])): name[0] for name in map(_ANSWER.fullmatch, sorted(names)) if name}
    wanted = sorted(answers.keys() - (fitted - broken))
    return {pair: answers[pair] for pair in wanted if pair[0] >= 1 and 1 <= pair[1] <= variations}


def _begun(name: str) -> float:
    """When a folder was made, from its name; 0 if that is no date."""
    try:
        return float(calendar.timegm(time.strptime(name[:15], "%Y%m%d-%H%M%S")))
    except ValueError:
        return 0.0
