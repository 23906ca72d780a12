"""Where the API key is kept: the environment, the system's keyring, or a file of mode 0600."""

from __future__ import annotations

import dataclasses
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.access import check_key
from bridge.errors import PhotioError
from bridge.places import HOME_VARIABLE, config_directory
from bridge.private_files import StorageError, close_to_others, read_private, write_private
from bridge.settings import Settings, save
from bridge.words import _

KEY_VARIABLE = "PHOTIO_API_KEY"
_SERVICE = "photio"
_LONGEST_FILE = 4096  # bytes
_RECOMMENDED = 1  # `keyring`'s own line between stores to be trusted and others (plain text, none at all)
_log = logging.getLogger(__name__)


class KeyringError(PhotioError):
    """The key was put into the keyring, and cannot be had from it."""

    code = "keyring"


@dataclass(frozen=True, repr=False)
class FoundKey:
    """A key and where it was found; its value is in no `repr`.

    Attributes:
        value: the key.
        place: "environment", "keyring" or "file".
        where: the same in the user's language, with the variable or the file.
        warnings: sentences for the user.
    """

    value: str
    place: str
    where: str
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"FoundKey({self.hint!r}, {self.where!r})"

    @property
    def hint(self) -> str:
        """The last four characters, or none of a key too short to lose them."""
        return "…" + (self.value[-4:] if len(self.value) >= 12 else "")


def key_file() -> Path:
    """Where the key is when there is no keyring."""
    return config_directory() / "api-key"


def find_key(settings: Settings) -> FoundKey | None:
    """The key to use, or None: `PHOTIO_API_KEY`, else the keyring when it was put there, else the file.

    Raises:
        KeyFormatError: what was found cannot be a key.
        KeyringError: the keyring, which has it, is locked or gone. Whoever has a key wants it to be used, so this is
            not as if there were none.
        StorageError: the key's file is a link or cannot be read.
    """
    value = os.environ.get(KEY_VARIABLE, "").strip()
    if value:
        return FoundKey(check_key(value), "environment", KEY_VARIABLE)
    if settings.key_storage == "keyring":
        value = _from_keyring() or ""
        if value:
            return FoundKey(check_key(value), "keyring", _("keyring"))
        found = _from_file()
        if found is None:
            raise KeyringError(
                _(
                    "Your API key is in the system's keyring, which does not give it: unlock the keyring and try "
                    "again, enter the key again, or use the offline engine."
                )
            )
        return found
    return _from_file()


def keyring_works() -> bool:
    """Whether there is a keyring that a key would be put into; it may still be locked."""
    try:
        return _keyring() is not None
    except Exception as error:  # noqa: BLE001 - as below
        _log.warning("there is no keyring: %s", type(error).__name__)
        return False


def store_key(value: str, settings: Settings) -> FoundKey:
    """Keep a key in the keyring, else in the file, and nowhere else; the settings remember which.

    Raises:
        KeyFormatError: it cannot be a key; nothing is changed.
        StorageError: it cannot be written.
    """
    check_key(value)
    if _to_keyring(value):
        save(dataclasses.replace(settings, key_storage="keyring"))
        _remove_file()
        return FoundKey(value, "keyring", _("keyring"))
    write_private(key_file(), value.encode("ascii") + b"\n")
    save(dataclasses.replace(settings, key_storage="file"))
    return FoundKey(value, "file", _in_file())


def clear_key(settings: Settings) -> tuple[str, ...]:
    """Forget the key; where it was: "keyring", "file …", both or neither.

    Raises:
        StorageError: it cannot be removed.
    """
    cleared: list[str] = []
    if settings.key_storage == "keyring" and _remove_from_keyring():
        cleared.append(_("keyring"))
    if _remove_file():
        cleared.append(_in_file())
    if settings.key_storage is not None:
        save(dataclasses.replace(settings, key_storage=None))
    return tuple(cleared)


def _from_file() -> FoundKey | None:
    path = key_file()
    content = read_private(path, _LONGEST_FILE)
    if content is None:
        return None
    warnings: tuple[str, ...] = ()
    if close_to_others(path):
        warning = _("The key in “{file}” could be read by other users; now it cannot: consider a new key.")
        warnings = (warning.format(file=path),)
    return FoundKey(check_key(content.decode("ascii", "replace").strip()), "file", _in_file(), warnings)


def _in_file() -> str:
    return _("file {file}").format(file=key_file())


def _remove_file() -> bool:
    try:
        key_file().unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        sentence = _("The key in “{file}” cannot be removed: remove that file.")
        raise StorageError(sentence.format(file=key_file()), str(error)) from error
    return True


def _account() -> str:
    """The keyring is the user's, not `PHOTIO_HOME`'s: a home of its own needs an entry of its own."""
    return str(config_directory()) if os.environ.get(HOME_VARIABLE) else "default"


def _keyring() -> Any | None:
    """The best keyring that can be trusted with a key; None when there is none."""
    import keyring  # slow, and hardly ever needed

    ring = keyring.get_keyring()
    rings = getattr(ring, "backends", [ring])  # of a chain, the best one: what it takes, it must also give
    return rings[0] if rings and rings[0].priority >= _RECOMMENDED else None


def _from_keyring() -> str | None:
    try:
        ring = _keyring()
        value = ring.get_password(_SERVICE, _account()) if ring else None
    except Exception as error:  # noqa: BLE001 - backends raise what they like, locked ones too
        _log.warning("the keyring cannot be read: %s", type(error).__name__)
        return None
    return value if isinstance(value, str) else None


def _to_keyring(value: str) -> bool:
    """Whether the keyring took the key and gives it back."""
    try:
        ring = _keyring()
        if ring is None:
            return False
        ring.set_password(_SERVICE, _account(), value)
        return bool(ring.get_password(_SERVICE, _account()) == value)
    except Exception as error:  # noqa: BLE001 - as above; the file is there for that
        _log.warning("the keyring cannot be written: %s", type(error).__name__)
        return False


def _remove_from_keyring() -> bool:
    if _from_keyring() is None:
        return False
    try:
        ring = _keyring()
        if ring is not None:
            ring.delete_password(_SERVICE, _account())
    except Exception as error:
        raise StorageError(
            _("The key cannot be removed from the keyring: unlock it and try again, or remove “photio” there."),
            type(error).__name__,
        ) from error
    return True
