"""Where the API key is kept: the environment, the system's keyring, or a file of mode 0600."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.regen.validation import check_key
from bridge.store.places import HOME_VARIABLE, config_directory
from bridge.store.private_files import StorageError, close_to_others, read_private, write_private
from bridge.store.settings import Settings, save

KEY_VARIABLE = "PHOTIO_API_KEY"
_SERVICE = "photio"
_LONGEST_FILE = 4096  # bytes
_RECOMMENDED = 1  # `keyring`'s own line between stores to be trusted and others (plain text, none at all)
_log = logging.getLogger(__name__)


class KeyringError(PhotioError):
    """The keyring has the key, or may have it, and neither gives it nor lets it be removed."""

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

    What of an older key cannot be removed is told in the warnings of the returned key. `older_key` goes on telling it.

    Raises:
        KeyFormatError: it cannot be a key; nothing is changed.
        StorageError: it cannot be written; the key from before still holds.
    """
    check_key(value)
    taken = _to_keyring(value)
    if taken == "taken":
        try:
            _note(settings, "keyring", left=False)
        except StorageError:
            with contextlib.suppress(KeyringError):
                _empty_keyring(known=True)
            raise
        return FoundKey(value, "keyring", _("keyring"), _without_file())
    noted = _store_in_file(value, settings, left=taken == "unsure" or _may_be_in_keyring(settings))
    if noted.key_left_in_keyring:
        with contextlib.suppress(KeyringError, StorageError):  # then the warning stays
            _empty_keyring(known=True)
            noted = _note(noted, "file", left=False)
    return FoundKey(value, "file", _in_file(), tuple(filter(None, (older_key(noted),))))


def _store_in_file(value: str, settings: Settings, left: bool) -> Settings:
    """Puts a key into the file; the settings that say so.

    Raises:
        StorageError: it cannot be written; what was there before still is.
    """
    before = None
    with contextlib.suppress(StorageError):  # what cannot be read is no key
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
    """Forget the key; where it was: "keyring", "file …", both or neither.

    What can be removed is removed, whatever becomes of the rest. The settings keep knowing where the rest is.

    Raises:
        KeyringError: the keyring has it, or may have it, and does not let it be removed.
        StorageError: the file cannot be removed.
    """
    cleared: list[str] = []
    troubles: list[PhotioError] = []
    known = _may_be_in_keyring(settings)
    storage, left = None, False
    try:
        if _empty_keyring(known):
            cleared.append(_("keyring"))
    except KeyringError as error:
        troubles.append(error)
        storage, left = ("keyring", False) if settings.key_storage == "keyring" else (None, known)
    try:
        if _remove_file():
            cleared.append(_in_file())
    except StorageError as error:
        troubles.append(error)
        storage = storage or "file"
    _note(settings, storage, left)
    if troubles and (known or not cleared or isinstance(troubles[-1], StorageError)):
        raise _what_was_not_done(troubles, cleared)
    return tuple(cleared)


def older_key(settings: Settings) -> str:
    """A sentence about a key that was replaced and is still in the keyring; "" where there is none."""
    if not settings.key_left_in_keyring:
        return ""
    return _("An older key is still in the system's keyring: unlock the keyring, then store or forget the key again.")


def key_place(settings: Settings) -> str | None:
    """Where the key is, be it that it cannot be had from there: as `FoundKey.place`; None: there is none."""
    if os.environ.get(KEY_VARIABLE, "").strip():
        return "environment"
    if settings.key_storage == "keyring":
        return "keyring"
    return "file" if os.path.lexists(key_file()) else None


def _what_was_not_done(troubles: list[PhotioError], cleared: list[str]) -> PhotioError:
    sentences = [trouble.sentence for trouble in troubles]
    if cleared:
        sentences.append(_("The key was removed from: {places}.").format(places=", ".join(cleared)))
    return type(troubles[0])(" ".join(sentences), " ".join(trouble.details for trouble in troubles))


def _note(settings: Settings, storage: str | None, left: bool) -> Settings:
    """Saves where the key is now, when that is news.

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
    """Removes the file, which the keyring replaces; what to tell the user where that fails."""
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


def _to_keyring(value: str) -> Literal["taken", "refused", "unsure"]:
    """Whether the keyring took the key and gives it back; "unsure": it may have it, and does not give it."""
    try:
        ring = _keyring()
        if ring is None:
            return "refused"
        ring.set_password(_SERVICE, _account(), value)
    except Exception as error:  # noqa: BLE001 - as above; the file is there for that
        _log.warning("the keyring cannot be written: %s", type(error).__name__)
        return "refused"
    return "taken" if _from_keyring() == value else "unsure"


def _empty_keyring(known: bool) -> bool:
    """Removes what the keyring has; whether that was a key.

    Args:
        known: a key was put there.

    Raises:
        KeyringError: the key cannot be removed, or the keyring does not even tell whether it has one.
    """
    sentence = _("The key cannot be removed from the keyring: unlock it and try again, or remove “photio” there.")
    if not known:
        sentence = _(
            "The system's keyring does not answer. If it has a key for Photio, it is still there: unlock the keyring, "
            "then try again."
        )
    try:
        ring = _keyring()
        if ring is not None:
            return _emptied(ring, known)
        if not known:
            return False
        reason = "absent"
    except Exception as error:  # noqa: BLE001 - as above
        reason = type(error).__name__
    _log.warning("the keyring cannot be emptied: %s", reason)
    raise KeyringError(sentence, reason)  # not from the backend's error, whose text may hold the key


def _emptied(ring: Any, known: bool) -> bool:
    """As `_empty_keyring`; raises whatever the backend does."""
    given = ring.get_password(_SERVICE, _account()) is not None
    if not given and not known:
        return False
    try:
        ring.delete_password(_SERVICE, _account())
    except Exception:
        if given:
            raise
        return False  # somebody else has removed it
    if ring.get_password(_SERVICE, _account()) is not None:
        raise RuntimeError("the keyring still has one")
    return True
