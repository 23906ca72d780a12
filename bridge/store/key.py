"""Finds, stores and clears the API key: in the environment, the system's keyring, or a file of mode 0600."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.regen.validation import check_key
from bridge.store import keyring_entry
from bridge.store.keyring_entry import KeyringError, SilentKeyringError
from bridge.store.places import config_directory
from bridge.store.private_files import StorageError, close_to_others, read_private, write_private
from bridge.store.settings import Settings, save

KEY_VARIABLE = "PHOTIO_API_KEY"
_LONGEST_FILE = 4096  # bytes
_log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class FoundKey:
    """A key and where it was found. Its `repr` does not show the value.

    Attributes:
        value: the key.
        place: "environment", "keyring" or "file".
        where: the same for the user, with the name of the variable or file.
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
        """The last four characters, or none if the key is so short that they would reveal too much of it."""
        return "…" + (self.value[-4:] if len(self.value) >= 12 else "")


def key_file() -> Path:
    """The file that the key is in if there is no keyring."""
    return config_directory() / "api-key"


def find_key(settings: Settings) -> FoundKey | None:
    """The key to use, or None: `PHOTIO_API_KEY`, else the keyring if the key was stored there, else the file.

    Raises:
        KeyFormatError: what was found cannot be a key.
        KeyringError: the keyring that has the key is locked, gone or silent. That is an error, because a user who has
            a key wants it to be used. A silent keyring is waited for 5 seconds, and longer while it asks its user.
        StorageError: the key's file is a link or cannot be read.
    """
    value = os.environ.get(KEY_VARIABLE, "").strip()
    if value:
        return FoundKey(check_key(value), "environment", KEY_VARIABLE)
    if settings.key_storage == "keyring":
        error = None
        try:
            value = keyring_entry.read() or ""
        except SilentKeyringError as silent:
            error = silent
        if value:
            return FoundKey(check_key(value), "keyring", _("keyring"))
        found = _from_file()
        if found is None:
            raise error or KeyringError(
                _(
                    "Your API key is in the system's keyring, which does not give it: unlock the keyring and try "
                    "again, enter the key again, or use the offline engine."
                )
            )
        return found
    return _from_file()


def store_key(value: str, settings: Settings) -> FoundKey:
    """Stores a key in the keyring, or else in the file, and removes older keys. The settings note where it is.

    If an older key cannot be removed, a warning of the returned key says so, and `older_key` later.

    Raises:
        KeyFormatError: it cannot be a key; nothing is changed.
        StorageError: it cannot be written; the previous key is still used.
    """
    check_key(value)
    outcome = keyring_entry.write(value)
    if outcome == "stored":
        try:
            _note(settings, "keyring", left=False)
        except StorageError:
            with contextlib.suppress(KeyringError):
                keyring_entry.remove(known=True)
            raise
        return FoundKey(value, "keyring", _("keyring"), _without_file())
    noted = _store_in_file(value, settings, left=outcome == "unsure" or _may_be_in_keyring(settings))
    if noted.key_left_in_keyring and outcome != "silent":
        with contextlib.suppress(KeyringError, StorageError):  # the warning then says so
            keyring_entry.remove(known=True)
            noted = _note(noted, "file", left=False)
    return FoundKey(value, "file", _in_file(), tuple(filter(None, (older_key(noted),))))


def _store_in_file(value: str, settings: Settings, left: bool) -> Settings:
    """Stores a key in the file. Returns the settings that note it.

    Raises:
        StorageError: it cannot be written; the previous file is still there.
    """
    before = None
    with contextlib.suppress(StorageError):  # an unreadable file need not be restored
        before = read_private(key_file(), _LONGEST_FILE)
    write_private(key_file(), value.encode("ascii") + b"\n")
    try:
        return _note(settings, "file", left)
    except StorageError:
        if before is None:
            _remove_file()
        else:
            write_private(key_file(), before)
        raise


def clear_key(settings: Settings) -> tuple[str, ...]:
    """Forgets the key in all places. Returns where it was: "keyring", "file …", both or neither.

    An error in one place does not keep the other from being cleared. The settings keep track of what is left.

    Raises:
        KeyringError: the keyring has it, or may have it, and does not let it be removed.
        StorageError: the file cannot be removed.
    """
    cleared: list[str] = []
    errors: list[PhotioError] = []
    known = _may_be_in_keyring(settings)
    storage, left = None, False
    try:
        if keyring_entry.remove(known):
            cleared.append(_("keyring"))
    except KeyringError as error:
        errors.append(error)
        storage, left = ("keyring", False) if settings.key_storage == "keyring" else (None, known)
    try:
        if _remove_file():
            cleared.append(_in_file())
    except StorageError as error:
        errors.append(error)
        storage = storage or "file"
    _note(settings, storage, left)
    if errors and (known or not cleared or isinstance(errors[-1], StorageError)):
        raise _joined(errors, cleared)
    return tuple(cleared)


def older_key(settings: Settings) -> str:
    """A sentence about a replaced key that is still in the keyring; "" if there is none."""
    if not settings.key_left_in_keyring:
        return ""
    return _("An older key is still in the system's keyring: unlock the keyring, then store or forget the key again.")


def key_place(settings: Settings) -> str | None:
    """Where the key is, even if it cannot be read there: as `FoundKey.place`; None: there is no key."""
    if os.environ.get(KEY_VARIABLE, "").strip():
        return "environment"
    if settings.key_storage == "keyring":
        return "keyring"
    return "file" if os.path.lexists(key_file()) else None


def _joined(errors: list[PhotioError], cleared: list[str]) -> PhotioError:
    """One error that says what failed and what was done."""
    sentences = [error.sentence for error in errors]
    if cleared:
        sentences.append(_("The key was removed from: {places}.").format(places=", ".join(cleared)))
    return type(errors[0])(" ".join(sentences), " ".join(error.details for error in errors))


def _note(settings: Settings, storage: str | None, left: bool) -> Settings:
    """Notes in the settings where the key is. Writes them only if that changes.

    Raises:
        StorageError: it cannot be written.
    """
    noted = dataclasses.replace(settings, key_storage=storage, key_left_in_keyring=left)
    if noted != settings:
        save(noted)
    return noted


def _may_be_in_keyring(settings: Settings) -> bool:
    return settings.key_storage == "keyring" or settings.key_left_in_keyring


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


def _without_file() -> tuple[str, ...]:
    """Removes the file. Returns a warning for the user if that fails."""
    try:
        _remove_file()
    except StorageError as error:
        _log.warning("the key's file is still there: %s", error.details)
        return (error.sentence,)
    return ()


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
