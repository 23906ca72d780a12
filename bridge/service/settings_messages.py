"""Answers the plug-in's messages about settings, the key and the doctor."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import time

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.protocol import Message
from bridge.protocol.settings import (
    AskDoctor,
    AskSettings,
    ChangeSettings,
    DoctorReport,
    ForgetKey,
    Preferences,
    SettingsReport,
    StoreKey,
    TryKey,
)
from bridge.store import key, keyring_entry, places, settings
from bridge.store.key import KEY_VARIABLE, FoundKey
from bridge.store.settings import ORIGIN_VARIABLE, Settings


def answer(message: Message) -> Message | None:
    """The answer to a message about settings, the key or the doctor; None to any other message.

    Raises:
        PhotioError: it cannot be done; nothing is half done.
    """
    if isinstance(message, AskSettings):
        return _report(with_keyring=message.with_keyring)
    if isinstance(message, ChangeSettings):
        return _report(_change(message.preferences), with_keyring=False)
    if isinstance(message, StoreKey):
        stored = key.store_key(message.value, settings.load()[0])
        return _report(stored.warnings)
    if isinstance(message, ForgetKey):
        key.clear_key(settings.load()[0])
        return _report()
    if isinstance(message, TryKey):
        from bridge.service.key_check import try_key  # imports all that a request needs

        return try_key(message.value, settings.load()[0])
    return _doctor() if isinstance(message, AskDoctor) else None


def _report(done: tuple[str, ...] = (), with_keyring: bool = True) -> SettingsReport:
    """The present settings and key; `done`: remarks on a change that was just made."""
    current, remarks = settings.load()
    found, more = _key(current) if with_keyring or key.key_place(current) != "keyring" else (None, ())
    more = tuple(dict.fromkeys((*done, *more, *filter(None, (key.older_key(current),)))))
    return SettingsReport(
        preferences=_preferences(current),
        defaults=_preferences(Settings()),
        key_hint=found.hint if found else None,
        key_place=found.place if found else key.key_place(current),
        keyring=keyring_entry.is_available() if with_keyring else None,
        neural=_neural(),
        log_file=str(places.log_file()),
        journal=str(places.journal_directory()),
        remarks=(*remarks, *more, *_overrides()),
    )


def _change(wanted: Preferences) -> tuple[str, ...]:
    """Stores preferences, and applies new limits of the history. Returns sentences about what could not be deleted."""
    before = settings.load()[0]
    changed = dataclasses.replace(before, **dataclasses.asdict(wanted))
    settings.save(changed)
    limits = (changed.history_days, changed.history_gigabytes)
    if limits == (before.history_days, before.history_gigabytes):
        return ()
    from bridge.history.limits import apply_limits

    remark = apply_limits(places.journal_directory(), changed, time.time())
    return (remark,) if remark else ()


def _preferences(of: Settings) -> Preferences:
    return Preferences(**{field.name: getattr(of, field.name) for field in dataclasses.fields(Preferences)})


def _key(current: Settings) -> tuple[FoundKey | None, tuple[str, ...]]:
    """The key and remarks on it. An error is a remark, too: the user corrects it in the window that asks."""
    try:
        found = key.find_key(current)
    except PhotioError as error:
        return None, (error.sentence,)
    return found, found.warnings if found else ()


def _neural() -> bool:
    from bridge.engine.models import find_model

    return find_model() is not None and importlib.util.find_spec("onnxruntime") is not None


def _overrides() -> tuple[str, ...]:
    """Remarks on environment variables that override settings."""
    remarks = {
        ORIGIN_VARIABLE: _("The environment variable {variable} decides the service address, whatever is set here."),
        KEY_VARIABLE: _("The environment variable {variable} holds the key that is used, whatever is stored here."),
    }
    return tuple(text.format(variable=name) for name, text in remarks.items() if os.environ.get(name, "").strip())


def _doctor() -> DoctorReport:
    from bridge.doctor import as_table, has_problem
    from bridge.doctor.checks import examine

    checks = examine()
    return DoctorReport(not has_problem(checks), as_table(checks))
