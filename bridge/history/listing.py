"""The history: every result in the journal, listed, counted and deleted. Standard library only.

Several bridges may be at work. Records are changed by `JobFolder.change`, which reads them anew with nobody in between;
a folder is renamed before it is removed, so that nobody sees half of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from bridge.common.i18n import _
from bridge.history.index import Known, known_jobs, look, variation_of
from bridge.history.records import HistoryError, numbers
from bridge.protocol.history import Entry, Page
from bridge.store import locks
from bridge.store.journal import REMOVED, JobFolder, lock_file
from bridge.store.private_files import StorageError

#: The most entries on a page, and the most characters of a prompt and a name: a page has to fit into one message.
MOST_ENTRIES = 100
LONGEST_PROMPT = 1000
LONGEST_NAME = 255


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
        marks, paid = job.summary.marks, job.summary.engine == "photio"
        unclaimed = set(job.variations) - marks.placed - marks.mentioned if paid else set[int]()
        if unclaimed and not job.busy:  # a bridge at work may yet have its results inserted
            count += len(unclaimed)
            with contextlib.suppress(StorageError):
                _mark(JobFolder(job.path), "mentioned", unclaimed)
    return count


def discard(journal: Path, id_: str, variation: int) -> None:
    """Deletes a result; with the last one, all that is left of its job. It may be gone already.

    Raises:
        JournalError: there is no such job.
        HistoryError, StorageError: it cannot be deleted.
    """
    withdraw(journal, id_, variation)
    free(journal)


def withdraw(journal: Path, id_: str, variation: int) -> None:
    """As `discard`, but where the whole job goes, its disk space has yet to be freed. Raises as `discard`."""
    folder = JobFolder.existing(journal, id_)
    job = look(folder.path)
    if job is None or variation not in job.ready | job.recoverable:
        return
    if job.ready | job.recoverable == {variation} and not job.busy:
        remove(folder.path)
        return
    _mark(folder, "discarded", {variation})  # first: if we are killed here, the files that are left are not shown
    for file in folder.path.glob("*"):
        if variation_of(file.name) == variation:
            with contextlib.suppress(OSError):  # the limits take what is left
                file.unlink()


def remove(folder: Path) -> None:
    """Removes a job folder from the history; `free` then frees its disk space.

    Raises:
        HistoryError: it cannot be removed.
    """
    try:
        with locks.alone(lock_file(folder.parent)):
            os.rename(folder, folder.with_name(REMOVED + folder.name))
    except FileNotFoundError:
        return
    except OSError as error:
        raise HistoryError(
            _("“{folder}” cannot be deleted: close what uses it, then try again.").format(folder=folder), repr(error)
        ) from error


def free(journal: Path) -> None:
    """Frees the disk space of all that was removed from the history, also by a bridge that was killed meanwhile."""
    for gone in journal.glob(f"{REMOVED}*"):
        shutil.rmtree(gone, ignore_errors=True)  # what is left goes next time


def _mark(folder: JobFolder, name: str, variations: set[int]) -> None:
    """Adds variations to a list in the record."""
    folder.change(lambda record: {**record, name: sorted(numbers(record.get(name)) | variations)})


def _matches(job: Known, number: int, words: list[str]) -> bool:
    text = f"{job.summary.prompt}\n{job.summary.image}\n{job.summary.seeds[number - 1]}".casefold()
    return all(word in text for word in words)


def _entry(job: Known, number: int) -> Entry:
    about = job.summary
    prompt = about.prompt if len(about.prompt) <= LONGEST_PROMPT else about.prompt[: LONGEST_PROMPT - 1] + "…"
    image, seed, inserted = about.image[:LONGEST_NAME], about.seeds[number - 1], number in about.marks.placed
    return Entry(job.id, number, about.started, image, prompt, seed, about.engine, inserted)
