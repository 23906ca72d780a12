"""The history: every result in the journal, listed, counted and deleted. Standard library only.

Several bridges may be at work. Records are changed by `JobFolder.change`, which reads them anew with nobody in between;
a folder is renamed before it is removed, so that nobody sees half of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.common.i18n import _
from bridge.history.index import Known, known_jobs, look
from bridge.history.records import HistoryError, numbers
from bridge.protocol.history import Entry, Page
from bridge.store import locks
from bridge.store.journal import JobFolder, lock_file
from bridge.store.private_files import StorageError

#: The most entries on a page, and the most characters of a prompt and a name: a page has to fit into one message.
MOST_ENTRIES = 100
LONGEST_PROMPT = 1000
LONGEST_NAME = 255

#: What a folder that is being removed is called.
REMOVED = ".gone-"


def browse(journal: Path, search: str, offset: int, count: int) -> Page:
    """The results with all words of `search` in their prompt, image name or seed, newest first.

    Args:
        offset: how many are skipped.
        count: how many to return at most; never more than `MOST_ENTRIES`.
    """
    jobs = known_jobs(journal)
    words = search.casefold().split()
    found = [(job, number) for job in jobs for number in job.variations if _matches(job, number, words)]
    start = max(0, offset)
    chosen = found[start : start + max(0, min(count, MOST_ENTRIES))]
    return Page(tuple(_entry(job, number) for job, number in chosen), len(found), sum(job.size for job in jobs))


def claim(journal: Path) -> int:
    """How many results were paid for, never inserted and never mentioned to the user; marks them as mentioned.

    Those that cannot be marked, because the disk is full, are counted again next time.
    """
    count = 0
    for job in known_jobs(journal):
        unclaimed = set(job.variations) - job.placed - job.mentioned if job.engine == "photio" else set[int]()
        if not unclaimed or job.busy:  # a bridge at work may yet have its results inserted
            continue
        count += len(unclaimed)

        def mentioned(record: dict[str, Any], more: set[int] = unclaimed) -> dict[str, Any] | None:
            return {**record, "mentioned": sorted(numbers(record.get("mentioned")) | more)} if record else None

        with contextlib.suppress(StorageError):
            JobFolder(job.path).change(mentioned)
    return count


def free(gone: Path) -> None:
    """Frees the disk space of a folder that is out of the history already."""
    shutil.rmtree(gone, ignore_errors=True)  # the limits take what is left


def discard(journal: Path, id_: str, variation: int, freeing: Callable[[Path], object] = free) -> None:
    """Deletes a result; with the last one, all that is left of its job. It may be gone already.

    Args:
        freeing: as for `remove`.

    Raises:
        JournalError: there is no such job.
        HistoryError, StorageError: it cannot be deleted.
    """
    folder = JobFolder.existing(journal, id_)
    job = look(folder.path)
    if job is None or variation not in job.ready | job.recoverable:
        return
    if job.ready | job.recoverable == {variation} and not job.busy:
        remove(folder.path, freeing)
        return

    def discarded(record: dict[str, Any]) -> dict[str, Any] | None:
        return {**record, "discarded": sorted(numbers(record.get("discarded")) | {variation})} if record else None

    folder.change(discarded)  # first: if we are killed here, the files that are left are not shown
    for pattern in (f"answer-*-{variation}.*", f"result-*-{variation}-*", f"picture-{variation}-*"):
        for file in folder.path.glob(pattern):
            with contextlib.suppress(OSError):  # the limits take what is left
                file.unlink()


def remove(folder: Path, freeing: Callable[[Path], object] = free) -> None:
    """Removes a job folder.

    Args:
        freeing: gets the folder under its new name, when it is out of the history.

    Raises:
        HistoryError: it cannot be removed.
    """
    gone = folder.with_name(REMOVED + folder.name)
    try:
        with locks.alone(lock_file(folder.parent)):
            os.rename(folder, gone)
    except FileNotFoundError:
        return
    except OSError as error:
        raise HistoryError(
            _("“{folder}” cannot be deleted: close what uses it, then try again.").format(folder=folder), repr(error)
        ) from error
    freeing(gone)


def _matches(job: Known, number: int, words: list[str]) -> bool:
    if not words:
        return True
    text = f"{job.prompt}\n{job.image}\n{job.seeds[number - 1]}".casefold()
    return all(word in text for word in words)


def _entry(job: Known, number: int) -> Entry:
    prompt = job.prompt if len(job.prompt) <= LONGEST_PROMPT else job.prompt[: LONGEST_PROMPT - 1] + "…"
    image, seed = job.image[:LONGEST_NAME], job.seeds[number - 1]
    return Entry(job.id, number, job.started, image, prompt, seed, job.engine, number in job.placed)
