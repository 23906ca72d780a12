"""Checks of the data on this computer: journal, free disk space, history, log, and file permissions."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from bridge.common.i18n import _, ngettext
from bridge.doctor import Check, one_line
from bridge.history.index import known_jobs
from bridge.store.places import config_directory, journal_directory, log_file

#: bytes; with less free space a large job may be refused.
_LOW_SPACE = 500_000_000


def examine() -> list[Check]:
    """Run all of these checks."""
    return [_journal(), _history(), _log(), _privacy()]


def _journal() -> Check:
    """Whether the journal can be written to, and how much disk space is free."""
    directory = journal_directory()
    try:
        place = _existing(directory)
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        return Check(_("journal"), "problem", f"{directory}: {one_line(error)}", _("make this folder yours"))
    found = _("{folder}, {gigabytes} GB free").format(folder=directory, gigabytes=f"{free / 1e9:.1f}")
    if free < _LOW_SPACE:
        return Check(_("journal"), "warning", found, _("make room: without it, jobs are refused before they are sent"))
    return Check(_("journal"), "ok", found)


def _history() -> Check:
    """How many results are stored, and how many of them were paid for but never inserted."""
    jobs = known_jobs(journal_directory())
    results = sum(len(job.variations) for job in jobs)
    size = sum(job.size for job in jobs)
    found = ngettext("{count} result, {megabytes} MB", "{count} results, {megabytes} MB", results).format(
        count=results, megabytes=f"{size / 1e6:.1f}"
    )
    unused = sum(len(set(job.variations) - job.summary.marks.placed) for job in jobs if job.summary.engine == "photio")
    if not unused:
        return Check(_("history"), "ok", found)
    advice = ngettext(
        "{count} was paid for and never inserted: Filters > Photio > History has it",
        "{count} were paid for and never inserted: Filters > Photio > History has them",
        unused,
    ).format(count=unused)
    return Check(_("history"), "ok", found, advice)


def _log() -> Check:
    """Whether the log can be written to."""
    file = log_file()
    if os.access(_existing(file), os.W_OK):
        return Check(_("log"), "ok", str(file))
    return Check(_("log"), "warning", _("{file} cannot be written").format(file=file), _("make this folder yours"))


def _privacy() -> Check:
    """Whether other users of this computer can read the data."""
    name = _("privacy")
    if os.name == "nt":
        return Check(name, "ok", _("your user's folder keeps others out"))
    ours = [config_directory() / "settings.json", config_directory() / "api-key", log_file()]
    ours += [journal_directory(), *(job.path for job in known_jobs(journal_directory()))]
    shared = [path for path in ours if _is_open(path)]
    if not shared:
        return Check(name, "ok", _("only you can read what is kept"))
    found = _("others can read {file}").format(file=shared[0])
    return Check(name, "warning", found, _("run: chmod -R go= “{folder}”").format(folder=shared[0]))


def _existing(path: Path) -> Path:
    """The path, or the next folder above it that exists: a check creates none."""
    return next(place for place in (path, *path.parents) if place.exists())


def _is_open(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & 0o077)
    except OSError:
        return False
