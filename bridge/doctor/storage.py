"""The doctor's checks of what is kept on this computer: journal, history, room, log, and who else can read it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from bridge.common.i18n import _, ngettext
from bridge.doctor.check import Check, one_line
from bridge.history.index import known_jobs
from bridge.store.places import config_directory, journal_directory, log_file
from bridge.store.settings import Settings

#: With less free, in bytes, the next large job may be refused.
_SCARCE = 500_000_000


def examine(found: Settings | None) -> list[Check]:
    """All of them; `found`: None when the settings cannot be had."""
    return [_journal(), *([_history(found)] if found else []), _log(), _privacy()]


def _journal() -> Check:
    """Whether it can be written, and how much room there is."""
    directory = journal_directory()
    try:
        place = directory
        while not place.exists():  # nothing is made only to be looked at
            place = place.parent
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        return Check(_("journal"), "problem", f"{directory}: {one_line(error)}", _("make this folder yours"))
    told = _("{folder}, {gigabytes} GB free").format(folder=directory, gigabytes=f"{free / 1e9:.1f}")
    if free < _SCARCE:
        return Check(_("journal"), "warning", told, _("make room: without it, jobs are refused before they are sent"))
    return Check(_("journal"), "ok", told)


def _history(found: Settings) -> Check:
    """What is in it, and what of that was paid for and is nowhere else."""
    jobs = known_jobs(journal_directory())
    results = sum(len(job.variations) for job in jobs)
    size = sum(job.size for job in jobs)
    told = ngettext("{count} result, {megabytes} MB", "{count} results, {megabytes} MB", results).format(
        count=results, megabytes=f"{size / 1e6:.1f}"
    )
    unused = sum(len(set(job.variations) - job.placed) for job in jobs if job.engine == "photio")
    if not unused:
        return Check(_("history"), "ok", told)
    advice = ngettext(
        "{count} was paid for and never inserted: Filters > Photio > History has it",
        "{count} were paid for and never inserted: Filters > Photio > History has them",
        unused,
    ).format(count=unused)
    return Check(_("history"), "ok", told, advice)


def _log() -> Check:
    """Whether it can be written."""
    file = log_file()
    place = file if file.exists() else file.parent
    while not place.exists():
        place = place.parent
    if os.access(place, os.W_OK):
        return Check(_("log"), "ok", str(file))
    return Check(_("log"), "warning", _("{file} cannot be written").format(file=file), _("make this folder yours"))


def _privacy() -> Check:
    """Whether other users of the computer are kept out."""
    name = _("privacy")
    if os.name == "nt":
        return Check(name, "ok", _("your user's folder keeps others out"))
    ours = [config_directory() / "settings.json", config_directory() / "api-key", log_file()]
    ours += [journal_directory(), *(job.path for job in known_jobs(journal_directory()))]
    shared = [path for path in ours if _is_open(path)]
    if not shared:
        return Check(name, "ok", _("only you can read what is kept"))
    told = _("others can read {file}").format(file=shared[0])
    return Check(name, "warning", told, _("run: chmod -R go= “{folder}”").format(folder=shared[0]))


def _is_open(path: Path) -> bool:
    try:
        return bool(path.lstat().st_mode & 0o077)
    except OSError:
        return False
