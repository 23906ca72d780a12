"""How long the history keeps what, and that what was paid for goes last."""

import os
import time

import pytest

from bridge.history import listing
from bridge.history.limits import enforce_limits
from bridge.store.journal import JobFolder
from bridge.store.locks import Lock
from bridge.store.settings import Settings
from tests.unit.history_jobs import HOUR, put, quick_record

NOW = time.time()
DAY = 24 * HOUR
MEGABYTE = 10**6


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


def limits(days=0, megabytes=0):
    return Settings(history_days=days, history_gigabytes=megabytes / 1000)


def left(journal):
    return {(entry.id, entry.variation) for entry in listing.browse(journal, "", 0, 100).entries}


def folders(journal):
    return {path.name for path in journal.iterdir()}


def test_results_older_than_so_many_days_go_and_younger_ones_stay(journal):
    put(journal, quick_record(started=NOW - 31 * DAY))
    kept = put(journal, quick_record(started=NOW - 29 * DAY))
    assert enforce_limits(journal, limits(days=30), NOW) == 1
    assert folders(journal) == {kept}


def test_without_limits_nothing_goes(journal):
    put(journal, quick_record(started=NOW - 5000 * DAY), size=MEGABYTE)
    assert enforce_limits(journal, limits(), NOW) == 0
    assert len(left(journal)) == 1


def test_of_too_much_what_was_inserted_goes_first_and_what_was_paid_for_last(journal):
    paid = put(journal, quick_record(started=NOW - 9 * DAY), size=MEGABYTE)
    offline = put(journal, quick_record(started=NOW - 8 * DAY, engine="offline"), size=MEGABYTE)
    old, new = (put(journal, quick_record(started=NOW - days * DAY), size=MEGABYTE) for days in (7, 6))
    for name in (old, new):
        JobFolder(journal / name).note_placed((1,))
    order = []
    for megabytes in (7, 5, 3, 1):
        before = folders(journal)
        enforce_limits(journal, limits(megabytes=megabytes), NOW)
        order += before - folders(journal)
    assert order == [old, new, offline, paid]


def test_no_more_goes_than_has_to(journal):
    name = put(journal, quick_record(started=NOW - DAY, seeds=(1, 2, 3)), size=MEGABYTE)
    JobFolder(journal / name).note_placed((2,))
    assert enforce_limits(journal, limits(megabytes=5), NOW) == 1
    assert left(journal) == {(name, 1), (name, 3)}
    assert enforce_limits(journal, limits(megabytes=5), NOW) == 0


def test_what_was_begun_just_now_stays_however_large(journal):
    young = put(journal, quick_record(started=NOW - 1.9 * HOUR), size=MEGABYTE)
    put(journal, quick_record(started=NOW - 2.1 * HOUR), size=MEGABYTE)
    enforce_limits(journal, limits(days=1, megabytes=1), NOW)
    assert folders(journal) == {young}


def test_a_folder_somebody_works_in_stays(journal):
    name = put(journal, None, at=NOW - 9 * DAY)
    lock = Lock(journal / name / ".busy")
    assert lock.take()
    enforce_limits(journal, limits(days=1), NOW)
    assert folders(journal) == {name}
    lock.release()
    enforce_limits(journal, limits(days=1), NOW)
    assert folders(journal) == set()


def test_drafts_that_came_to_nothing_go_after_two_hours_and_answers_never_for_that_reason(journal):
    put(journal, None, at=NOW - 3 * HOUR)
    put(journal, quick_record(started=NOW - 3 * HOUR, result=False), answers=())
    young = put(journal, None, at=NOW - HOUR)
    answered = put(journal, quick_record(started=NOW - 3 * HOUR, result=False))
    unreadable = put(journal, quick_record(started=NOW - 3 * HOUR, result=False), answers=())
    (journal / unreadable / "answer-1-1.unreadable").write_bytes(b"<html>")
    assert enforce_limits(journal, limits(), NOW) == 2
    assert folders(journal) == {young, answered, unreadable}


def test_an_answer_without_a_record_is_kept_as_if_it_had_been_paid_for(journal):
    lost = put(journal, b"{", at=NOW - 3 * DAY)
    (journal / lost / "answer-1-1.png").write_bytes(b"\0" * MEGABYTE)
    offline = put(journal, quick_record(started=NOW - 2 * DAY, engine="offline"), size=MEGABYTE)
    enforce_limits(journal, limits(megabytes=2), NOW)
    assert folders(journal) == {lost}
    assert offline not in folders(journal)
    enforce_limits(journal, limits(days=1), NOW)
    assert folders(journal) == set()


def test_what_a_killed_bridge_left_half_deleted_goes_and_foreign_files_stay(journal):
    name = put(journal, quick_record(started=NOW))
    (journal / name).rename(journal / f".gone-{name}")
    (journal / "notes.txt").write_text("mine")
    (journal / "photos").mkdir()
    enforce_limits(journal, limits(days=1, megabytes=1), NOW)
    assert folders(journal) == {"notes.txt", "photos"}


def test_what_a_killed_bridge_was_just_writing_goes_after_two_hours(journal):
    old, young = (put(journal, quick_record(started=NOW - hours * HOUR)) for hours in (3, 1))
    drafts = [journal / name / ".sent-1.png.0123456789ab" for name in (old, young)]
    for draft in drafts:
        draft.write_bytes(b"half of it")
    enforce_limits(journal, limits(), NOW)
    assert [draft.exists() for draft in drafts] == [False, True]
    assert folders(journal) == {old, young}


def test_a_clock_that_was_wrong_deletes_nothing_that_is_new(journal):
    name = put(journal, quick_record(started=NOW + 400 * DAY))
    enforce_limits(journal, limits(days=1, megabytes=0.00001), NOW)
    assert folders(journal) == {name}


def test_what_cannot_be_deleted_stays_and_nothing_breaks(journal, monkeypatch):
    name = put(journal, quick_record(started=NOW - 9 * DAY))

    def refuse(*_paths):
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "rename", refuse)
    assert enforce_limits(journal, limits(days=1), NOW) == 0
    assert folders(journal) == {name}


def test_there_need_not_be_a_journal(journal):
    assert enforce_limits(journal, limits(days=1), NOW) == 0
