"""The settings and their file. Standard library only."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.common.i18n import _
from bridge.regen.validation import DEFAULT_ORIGIN, SettingsError, check_origin
from bridge.store.places import config_directory
from bridge.store.private_files import StorageError, read_private, write_private

__all__ = ["DEFAULT_ORIGIN", "ORIGIN_VARIABLE", "Settings", "SettingsError", "load", "save", "settings_file"]

ORIGIN_VARIABLE = "PHOTIO_ORIGIN"
OFFLINE_MODELS = ("texture", "patchmatch", "migan")

#: RGBA noise of this size, as a PNG in Base64, is just below `bridge.regen.transport.LONGEST_ANSWER`.
MOST_MEGAPIXELS = 12

_LONGEST_FILE = 64 * 1024  # bytes

_CHOICES: dict[str, tuple[object, ...]] = {
    "engine": ("auto", "photio", "offline"),
    "offline_model": OFFLINE_MODELS,
    "insert_as": ("new", "retouch"),
    "key_storage": (None, "keyring", "file"),
    "key_left_in_keyring": (False, True),
}

_WHOLE, _ANY = (int,), (int, float)
_ABOVE_ZERO = math.ulp(0.0)  # the smallest number above 0
_TIMEOUT = (_ANY, _ABOVE_ZERO, 3600, _("The setting “{name}” must be a number of seconds up to {most}."))
_COUNT = _("The setting “{name}” must be a whole number from {least} to {most}.")
_MEGAPIXELS = _("The setting “{name}” must be a number of megapixels up to {most}.")
_GIGABYTES = _("The setting “{name}” must be a number of gigabytes from 0 to {most}.")

#: Allowed types, the smallest and the largest value, and the sentence about them.
_NUMBERS: dict[str, tuple[tuple[type, ...], float, float, str]] = {
    "connect_timeout": _TIMEOUT,
    "answer_timeout": _TIMEOUT,
    "most_requests": (_WHOLE, 1, 64, _COUNT),
    "native_limit": (_ANY, _ABOVE_ZERO, MOST_MEGAPIXELS, _MEGAPIXELS),
    "history_days": (_WHOLE, 0, 36_500, _COUNT),
    "history_gigabytes": (_ANY, 0, 10_000, _GIGABYTES),
}


@dataclass(frozen=True)
class Settings:
    """The user's settings.

    Attributes:
        origin: the service's address.
        engine: "auto" (Photio with a key, else offline), "photio" or "offline".
        connect_timeout: in seconds, above 0 and at most 3600.
        answer_timeout: likewise.
        offline_model: one of `OFFLINE_MODELS`.
        key_storage: where the key was stored: "keyring", "file", or None if there is none.
        key_left_in_keyring: an older key that is no longer used could not be removed from the keyring.
        most_requests: a job that needs more requests is refused before anything is sent; 1 to 64.
        native_limit: the largest crop that is sent at its own size, in megapixels; above 0 and at most
            `MOST_MEGAPIXELS`.
        history_days: older results are deleted; 0 (no limit) to 36500.
        history_gigabytes: if the history is larger, the oldest results are deleted; 0 (no limit) to 10000.
        insert_as: what becomes of a result where no window asks: "new" (a layer of its own) or "retouch" (it goes into
            the retouch layer).

    Raises:
        SettingsError: its sentence names the setting and its allowed values.
    """

    origin: str = DEFAULT_ORIGIN
    engine: str = "auto"
    connect_timeout: float = 10.0
    answer_timeout: float = 300.0
    offline_model: str = "texture"
    key_storage: str | None = None
    key_left_in_keyring: bool = False
    most_requests: int = 8
    native_limit: float = 4.0
    history_days: int = 90
    history_gigabytes: float = 4.0
    insert_as: str = "new"

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", check_origin(self.origin))
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                sentence = _("The setting “{name}” must be one of {choices}.")
                raise SettingsError(sentence.format(name=name, choices=", ".join(map(str, choices))))
        for name, (types, least, most, sentence) in _NUMBERS.items():
            value = getattr(self, name)
            if type(value) not in types or not least <= value <= most:
                raise SettingsError(sentence.format(name=name, least=least, most=f"{most:g}"))


def settings_file() -> Path:
    """The file that the settings are in."""
    return config_directory() / "settings.json"


def load() -> tuple[Settings, tuple[str, ...]]:
    """The settings, and warnings for the user. `PHOTIO_ORIGIN` overrides the file's origin.

    A file that cannot be used is renamed to `settings.json.broken-<n>`. The defaults are returned then, and a warning
    says so.

    Raises:
        SettingsError: `PHOTIO_ORIGIN` is invalid. Ignoring it would send the key to another address.
    """
    settings, warnings = _from_file()
    origin = os.environ.get(ORIGIN_VARIABLE)
    if not origin:
        return settings, warnings
    try:
        return dataclasses.replace(settings, origin=origin), warnings
    except SettingsError as error:
        sentence = _("The environment variable {variable} cannot be used. {why}")
        raise SettingsError(sentence.format(variable=ORIGIN_VARIABLE, why=error.sentence), error.details) from error


def save(settings: Settings) -> None:
    """Writes the settings. An origin that came from `PHOTIO_ORIGIN` is not written.

    Raises:
        StorageError: the file cannot be written; the previous one is still there.
    """
    origin = os.environ.get(ORIGIN_VARIABLE)
    if origin and check_origin(origin) == settings.origin:
        settings = dataclasses.replace(settings, origin=_from_file()[0].origin)
    write_private(settings_file(), json.dumps(dataclasses.asdict(settings), indent=2).encode() + b"\n")


def _from_file() -> tuple[Settings, tuple[str, ...]]:
    path = settings_file()
    try:
        content = read_private(path, _LONGEST_FILE)
        return Settings() if content is None else _parse(content), ()
    except (SettingsError, StorageError) as error:
        return Settings(), (f"{_set_aside(path)} ({error.sentence})",)


def _parse(content: bytes) -> Settings:
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SettingsError(_("It is not JSON."), str(error)) from error
    if not isinstance(document, dict):
        raise SettingsError(_("It is not a JSON object."))
    names = {item.name for item in dataclasses.fields(Settings)}
    # a newer version may have written more
    return Settings(**{name: value for name, value in document.items() if name in names})


def _set_aside(path: Path) -> str:
    """Renames an unusable file to a new name. Returns a warning for the user."""
    names = (path.with_name(f"{path.name}.broken-{number}") for number in itertools.count(1))
    aside = next(name for name in names if not os.path.lexists(name))
    try:
        path.rename(aside)
    except OSError:
        return _("The settings in “{path}” cannot be used, so the defaults hold: correct or remove that file.").format(
            path=path
        )
    return _("The settings could not be used and are now in “{path}”: the defaults hold.").format(path=aside)
