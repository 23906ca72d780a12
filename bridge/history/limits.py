"""How long and how much the history keeps. Standard library only."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.common.i18n import ngettext
from bridge.history.index import Known, known_jobs, variation_of
from bridge.history.listing import free, remove, withdraw
from bridge.store.journal import RESERVATION_FILE
from bridge.store.settings import Settings

#: Seconds: a younger job is never touched, because its window may still be open.
YOUNG = 2 * 3600.0

_DAY = 86400.0
_GIGABYTE = 1e9

_log = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class _Item:
    """What is deleted together. Items sort by worth (inserted, free of charge, paid for), then the oldest first.

    Attributes:
        variation: 0 for the whole folder, if no result can be found in it.
        size: bytes that this frees.
    """

    worth: int
    started: float
    id: str
    variation: int
    size: int


def enforce_limits(journal: Path, settings: Settings, now: float, spared: frozenset[str] = frozenset()) -> int:
    """Deletes what is too old, then the least worth of what is too much, and always drafts that were never answered.

    Args:
        now: in seconds since 1970.
        spared: jobs that are left alone.

    Returns:
        How many results and drafts were deleted. Those that cannot be deleted stay; the log says why.
    """
    deleted, _stayed = _enforce(journal, settings, now, spared)
    free(journal)
    return deleted


def apply_limits(journal: Path, settings: Settings, now: float) -> str:
    """As `enforce_limits`, for a user who waits: removes from the history at once, and from the disk in a thread.

    Returns:
        A sentence for the user about what could not be deleted, or "".
    """
    _deleted, stayed = _enforce(journal, settings, now, frozenset())
    # what is not freed when the bridge ends, the next one frees
    threading.Thread(target=free, args=(journal,), name="freeing", daemon=True).start()
    if not stayed:
        return ""
    return ngettext(
        "{count} result could not be deleted: close what uses it. Photio tries again when this window closes.",
        "{count} results could not be deleted: close what uses them. Photio tries again when this window closes.",
        stayed,
    ).format(count=stayed)


def _enforce(journal: Path, settings: Settings, now: float, spared: frozenset[str]) -> tuple[int, int]:
    """How many results and drafts were deleted, and how many could not be. Frees no disk space of whole jobs."""
    jobs = known_jobs(journal)
    items, due = set[_Item](), set[_Item]()
    for job in jobs:
        age = now - job.summary.started
        if age <= YOUNG or job.busy or job.id in spared:
            continue
        _remove_leftovers(job.path)
        found = _items(job)
        items.update(found)
        is_draft = not job.answered and not job.variations
        if is_draft or 0 < settings.history_days * _DAY < age:
            due.update(found)
    excess = sum(job.size for job in jobs) - settings.history_gigabytes * _GIGABYTE
    deleted = stayed = 0
    for item in (*sorted(due), *sorted(items - due)):
        if item not in due and (excess <= 0 or not settings.history_gigabytes):
            break
        try:
            if item.variation:
                withdraw(journal, item.id, item.variation)
            else:
                remove(journal / item.id)
        except PhotioError as error:
            _log.warning("%s: %s", error.code, error.details)
            stayed += 1
        else:
            deleted += 1
            excess -= item.size
    if deleted:
        _log.info("%d results and drafts are beyond the history's limits and were deleted", deleted)
    return deleted, stayed


def _remove_leftovers(folder: Path) -> None:
    """Removes what a killed bridge leaves in a job's folder: its reserved disk space, and what it was writing."""
    for left in (folder / RESERVATION_FILE, *folder.glob(".*.*")):
        with contextlib.suppress(OSError):
            left.unlink()


def _items(job: Known) -> list[_Item]:
    """A job's results, the least worth first; what they share goes with the last of them."""
    sizes = Counter[int]()
    for name, size in job.sizes.items():
        sizes[variation_of(name)] += size
    value = 1 if job.summary.engine == "offline" else 2  # where the record cannot be read, it may have been paid for
    worth = {number: 0 if number in job.summary.marks.placed else value for number in job.variations or (0,)}
    numbers = sorted(worth, key=lambda number: (worth[number], number))
    shared = job.size - sum(sizes[number] for number in numbers)
    sizes[numbers[-1]] += shared
    return [_Item(worth[number], job.summary.started, job.id, number, sizes[number]) for number in numbers]
