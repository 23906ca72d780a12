"""*Apply*: what the new limits do not allow is gone when the bridge answers, not when it ends."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.history import limits
from bridge.history.limits import YOUNG
from bridge.protocol.history import Browse, Page
from bridge.protocol.settings import AskSettings, ChangeSettings, SettingsReport
from bridge.service import history_messages
from bridge.service.settings_messages import answer
from bridge.store import places, settings
from bridge.store.locks import Lock
from tests.unit.history_jobs import put, quick_record

NOW = time.time()
DAY = 86_400.0
MEGABYTE = 10**6


@pytest.fixture(autouse=True)
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path))
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return places.journal_directory()


def apply(**changes: Any) -> SettingsReport:
    """What the window asks when *Apply* is pressed."""
    stored = answer(AskSettings())
    assert isinstance(stored, SettingsReport)
    report = answer(ChangeSettings(dataclasses.replace(stored.preferences, **changes)))
    assert isinstance(report, SettingsReport)
    return report


def listed() -> Page:
    page = history_messages.answer(Browse("", 0, 100))
    assert isinstance(page, Page)
    return page


def test_results_beyond_the_new_days_are_gone_when_apply_is_answered(journal: Path) -> None:
    put(journal, quick_record(started=NOW - 9 * DAY))
    kept = put(journal, quick_record(started=NOW - 2 * DAY))
    assert apply(history_days=5).remarks == ()
    assert [entry.id for entry in listed().entries] == [kept]


def test_results_beyond_the_new_size_are_gone_when_apply_is_answered(journal: Path) -> None:
    put(journal, quick_record(started=NOW - 9 * DAY), size=60 * MEGABYTE)
    kept = put(journal, quick_record(started=NOW - 2 * DAY), size=30 * MEGABYTE)
    apply(history_gigabytes=0.1)
    page = listed()
    assert [entry.id for entry in page.entries] == [kept]
    assert page.size < 100 * MEGABYTE


def test_what_is_at_work_or_younger_than_two_hours_stays(journal: Path) -> None:
    working = put(journal, quick_record(started=NOW - 9 * DAY))
    young = put(journal, quick_record(started=time.time() - YOUNG + 1800), size=60 * MEGABYTE)
    lock = Lock(journal / working / ".busy")
    assert lock.take()
    apply(history_days=1, history_gigabytes=0.1)
    assert {path.name for path in journal.iterdir()} == {working, young}
    lock.release()


def test_other_settings_delete_nothing(journal: Path) -> None:
    settings.save(dataclasses.replace(settings.load()[0], history_days=1))
    kept = put(journal, quick_record(started=NOW - 9 * DAY))
    apply(most_requests=3)
    assert [entry.id for entry in listed().entries] == [kept]


def test_what_cannot_be_deleted_is_told_and_the_limits_hold(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(journal, quick_record(started=NOW - 9 * DAY))

    def refuse(*_paths: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(os, "rename", refuse)
    report = apply(history_days=5)
    assert "could not be deleted" in report.remarks[0]
    assert report.preferences.history_days == 5


def test_apply_is_answered_before_a_slow_disk_has_freed_everything(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(journal, quick_record(started=NOW - 9 * DAY))
    go_on, removed = threading.Event(), threading.Event()
    really = shutil.rmtree

    def slowly(path: Any, **how: Any) -> None:
        assert go_on.wait(60)
        really(path, **how)
        removed.set()

    monkeypatch.setattr(shutil, "rmtree", slowly)
    apply(history_days=5)
    assert listed().entries == ()
    assert list(journal.iterdir()), "the disk is still at it"
    go_on.set()
    assert removed.wait(60)
    assert not list(journal.iterdir())


def test_what_a_bridge_had_no_time_to_free_goes_later(journal: Path) -> None:
    name = put(journal, quick_record(started=NOW))
    (journal / name).rename(journal / f".gone-{name}")
    limits.enforce_limits(journal, settings.load()[0], NOW)
    assert not list(journal.iterdir())
