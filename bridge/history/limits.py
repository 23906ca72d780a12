"""How long and how much the history keeps. Standard library only."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.common.i18n import ngettext
from bridge.history.index import Known, known_jobs
from bridge.history.listing import REMOVED, discard, free, remove
from bridge.store.disk_reservation import RESERVATION_FILE
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
    return _enforce(journal, settings, now, spared, free)[0]


def apply_limits(journal: Path, settings: Settings, now: float) -> str:
    """As `enforce_limits`, for a user who waits: removes from the history at once, and from the disk in a thread.

    Returns:
        A sentence for the user about what could not be deleted, or "".
    """
    gone: list[Path] = []
    _deleted, stayed = _enforce(journal, settings, now, frozenset(), gone.append)
    if gone:  # what is not freed when the bridge ends, the next one frees
        threading.Thread(target=_free_all, args=(gone,), name="freeing", daemon=True).start()
    if not stayed:
        return ""
    return ngettext(
        "{count} result could not be deleted: close what uses it. Photio tries again when this window closes.",
        "{count} results could not be deleted: close what uses them. Photio tries again when this window closes.",
        stayed,
    ).format(count=stayed)


def _free_all(gone: list[Path]) -> None:
    for folder in gone:
        free(folder)


def _enforce(
    journal: Path, settings: Settings, now: float, spared: frozenset[str], freeing: Callable[[Path], object]
) -> tuple[int, int]:
    """How many results and drafts were deleted, and how many could not be."""
    for remainder in journal.glob(f"{REMOVED}*"):  # of a removal in which we were killed
        freeing(remainder)
    jobs = known_jobs(journal)
    old = [job for job in jobs if now - job.started > YOUNG and not job.busy and job.id not in spared]
    for job in old:
        with contextlib.suppress(OSError):
            (journal / job.id / RESERVATION_FILE).unlink()  # a killed job's
    drafts = [_Item(0, job.started, job.id, 0, job.size) for job in old if not job.answered and not job.variations]
    items = sorted(item for job in old if job.answered or job.variations for item in _items(job))
    limit = settings.history_days * _DAY
    overdue = [item for item in items if limit and now - item.started > limit]
    tried = {item: _delete(journal, item, freeing) for item in (*drafts, *overdue)}
    excess = sum(job.size for job in jobs) - sum(item.size for item, deleted in tried.items() if deleted)
    excess -= int(settings.history_gigabytes * _GIGABYTE)
    for item in items if settings.history_gigabytes else ():
        if excess <= 0:
            break
        if item not in tried:
            tried[item] = _delete(journal, item, freeing)
            excess -= item.size if tried[item] else 0
    deleted = sum(tried.values())
    if deleted:
        _log.info("%d results and drafts are beyond the history's limits and were deleted", deleted)
    return deleted, len(tried) - deleted


def _items(job: Known) -> list[_Item]:
    """A job's results; what they share goes with the last of them."""
    paid = job.engine != "offline"  # where the record cannot be read, it may have been
    numbers = sorted(job.variations, key=lambda number: (_worth(job, number, paid), number))
    items = [
        _Item(_worth(job, number, paid), job.started, job.id, number, job.sizes.get(number, 0)) for number in numbers
    ]
    if not items:
        return [_Item(_worth(job, 0, paid), job.started, job.id, 0, job.size)]
    shared = job.size - sum(item.size for item in items)
    last = items[-1]
    return [*items[:-1], _Item(last.worth, last.started, last.id, last.variation, last.size + shared)]


def _worth(job: Known, number: int, paid: bool) -> int:
    if number in job.placed:
        return 0
    return 2 if paid else 1


def _delete(journal: Path, item: _Item, freeing: Callable[[Path], object]) -> bool:
    try:
        if item.variation:
            discard(journal, item.id, item.variation, freeing)
        else:
            remove(journal / item.id, freeing)
    except PhotioError as error:
        _log.warning("%s: %s", error.code, error.details)
        return False
    return True
