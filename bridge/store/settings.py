"""The settings and their file. Standard library only."""

from __future__ import annotations

import dataclasses
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
ENGINES = ("auto", "photio", "offline")
OFFLINE_MODELS = ("patchmatch", "migan")
KEY_STORAGES = (None, "keyring", "file")

#: RGBA noise of this size, as a PNG in Base64, is just what `bridge.transport.LONGEST_ANSWER` still takes.
MOST_MEGAPIXELS = 12

_LONGEST_FILE = 64 * 1024  # bytes
_LONGEST_TIMEOUT = 3600.0  # seconds
_MOST_DAYS = 36_500
_MOST_GIGABYTES = 10_000


@dataclass(frozen=True)
class Settings:
    """What the user may choose.

    Attributes:
        origin: the service's address.
        engine: "auto" (Photio with a key, else offline), "photio" or "offline".
        connect_timeout: in seconds, above 0 and at most 3600.
        answer_timeout: likewise.
        offline_model: "patchmatch" or "migan".
        key_storage: where the key was put: "keyring", "file", or None when nowhere.
        key_left_in_keyring: an older key, which is not used any more, could not be removed from the keyring.
        most_requests: a job that needs more is refused before anything is sent; 1 to 64.
        native_limit: the largest crop that is sent at its own size, in megapixels; above 0 and at most
            `MOST_MEGAPIXELS`.
        history_days: results older than that are deleted; 0 (no limit) to 36500.
        history_gigabytes: the oldest results are deleted when all together take more; 0 (no limit) to 10000.

    Raises:
        SettingsError: names the setting and what is allowed.
    """

    origin: str = DEFAULT_ORIGIN
    engine: str = "auto"
    connect_timeout: float = 10.0
    answer_timeout: float = 300.0
    offline_model: str = "patchmatch"
    key_storage: str | None = None
    key_left_in_keyring: bool = False
    most_requests: int = 8
    native_limit: float = 4.0
    history_days: int = 90
    history_gigabytes: float = 4.0

    def __post_init__(self) -> None:
        if check_origin(self.origin) != self.origin:
            object.__setattr__(self, "origin", check_origin(self.origin))
        for name, allowed in (
            ("engine", ENGINES),
            ("offline_model", OFFLINE_MODELS),
            ("key_storage", KEY_STORAGES),
            ("key_left_in_keyring", (False, True)),
        ):
            if getattr(self, name) not in allowed:
                raise SettingsError(
                    _("The setting “{name}” must be one of {choices}.").format(
                        name=name, choices=", ".join(map(str, allowed))
                    )
                )
        for name in ("connect_timeout", "answer_timeout"):
            if not _is_timeout(getattr(self, name)):
                raise SettingsError(
                    _("The setting “{name}” must be a number of seconds up to {most}.").format(
                        name=name, most=f"{_LONGEST_TIMEOUT:g}"
                    )
                )
        self._check_limits()

    def _check_limits(self) -> None:
        for name, least, most in (("most_requests", 1, 64), ("history_days", 0, _MOST_DAYS)):
            if type(getattr(self, name)) is not int or not least <= getattr(self, name) <= most:
                raise SettingsError(
                    _("The setting “{name}” must be a whole number from {least} to {most}.").format(
                        name=name, least=least, most=most
                    )
                )
        if type(self.native_limit) not in (int, float) or not 0 < self.native_limit <= MOST_MEGAPIXELS:
            raise SettingsError(
                _("The setting “{name}” must be a number of megapixels up to {most}.").format(
                    name="native_limit", most=MOST_MEGAPIXELS
                )
            )
        if type(self.history_gigabytes) not in (int, float) or not 0 <= self.history_gigabytes <= _MOST_GIGABYTES:
            raise SettingsError(
                _("The setting “{name}” must be a number of gigabytes from 0 to {most}.").format(
                    name="history_gigabytes", most=_MOST_GIGABYTES
                )
            )


def settings_file() -> Path:
    """Where the settings are."""
    return config_directory() / "settings.json"


def load() -> tuple[Settings, tuple[str, ...]]:
    """The settings, with `PHOTIO_ORIGIN` in place of the file's origin; and warnings, sentences for the user.

    A file that cannot be used is set aside as `settings.json.broken-<n>`: the defaults then hold, and a
    warning says so.

    Raises:
        SettingsError: `PHOTIO_ORIGIN` cannot be used. It is not passed over: the key would go elsewhere.
    """
    settings, warnings = _from_file()
    origin = os.environ.get(ORIGIN_VARIABLE)
    if not origin:
        return settings, warnings
    try:
        return dataclasses.replace(settings, origin=origin), warnings
    except SettingsError as error:
        told = _("The environment variable {variable} cannot be used. {why}")
        raise SettingsError(told.format(variable=ORIGIN_VARIABLE, why=error.sentence), error.details) from error


def save(settings: Settings) -> None:
    """Write the settings; an origin that came from `PHOTIO_ORIGIN` is not made permanent.

    Raises:
        StorageError: the file cannot be written; what was there before still is.
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
    # Others are a newer version's.
    return Settings(**{name: value for name, value in document.items() if name in names})


def _set_aside(path: Path) -> str:
    """Move an unusable file out of the way, over nothing that is there, and tell."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.broken-{number}")):
        number += 1
    try:
        path.rename(aside)
    except OSError:
        return _("The settings in “{path}” cannot be used, so the defaults hold: correct or remove that file.").format(
            path=path
        )
    return _("The settings could not be used and are now in “{path}”: the defaults hold.").format(path=aside)


def _is_timeout(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 < value <= _LONGEST_TIMEOUT and not math.isnan(value)
