"""The API key in the system's keyring. The backends of the package `keyring` may raise any exception."""

from __future__ import annotations

import logging
import os
from typing import Any, Literal

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store.places import HOME_VARIABLE, config_directory

_SERVICE = "photio"
_RECOMMENDED = 1  # the priority from which `keyring` trusts a backend: below are plain text and none at all
_log = logging.getLogger(__name__)


class KeyringError(PhotioError):
    """The keyring has the key, or may have it, but does not return it or does not let it be removed."""

    code = "keyring"


def is_available() -> bool:
    """Whether there is a keyring for a key. It may be locked."""
    try:
        return _backend() is not None
    except Exception as error:  # noqa: BLE001 - see the module's text
        _log.warning("there is no keyring: %s", type(error).__name__)
        return False


def read() -> str | None:
    """The key; None: there is none, or the keyring does not return it."""
    try:
        backend = _backend()
        value = backend.get_password(_SERVICE, _account()) if backend else None
    except Exception as error:  # noqa: BLE001 - see the module's text
        _log.warning("the keyring cannot be read: %s", type(error).__name__)
        return None
    return value if isinstance(value, str) else None


def write(value: str) -> Literal["stored", "refused", "unsure"]:
    """Stores a key. "unsure": the keyring accepted it, but does not return it."""
    try:
        backend = _backend()
        if backend is None:
            return "refused"
        backend.set_password(_SERVICE, _account(), value)
    except Exception as error:  # noqa: BLE001 - see the module's text; the caller then uses a file
        _log.warning("the keyring cannot be written: %s", type(error).__name__)
        return "refused"
    return "stored" if read() == value else "unsure"


def remove(known: bool) -> bool:
    """Removes the key. Returns whether there was one.

    Args:
        known: a key was stored there before.

    Raises:
        KeyringError: it cannot be removed, or the keyring does not even say whether it has one.
    """
    try:
        backend = _backend()
        if backend is not None:
            return _remove_from(backend, known)
        if not known:
            return False
        reason = "absent"
    except Exception as error:  # noqa: BLE001 - see the module's text
        reason = type(error).__name__  # not the text, which may contain the key
    _log.warning("the keyring cannot be emptied: %s", reason)
    if known:
        sentence = _("The key cannot be removed from the keyring: unlock it and try again, or remove “photio” there.")
    else:
        sentence = _(
            "The system's keyring does not answer. If it has a key for Photio, it is still there: unlock the keyring, "
            "then try again."
        )
    raise KeyringError(sentence, reason)


def _remove_from(backend: Any, known: bool) -> bool:
    """As `remove`, but raises what the backend raises."""
    present = backend.get_password(_SERVICE, _account()) is not None
    if not present and not known:
        return False
    try:
        backend.delete_password(_SERVICE, _account())
    except Exception:
        if present:
            raise
        return False  # another program has removed it
    if backend.get_password(_SERVICE, _account()) is not None:
        raise RuntimeError("the keyring still has one")
    return True


def _account() -> str:
    """The keyring belongs to the user, not to `PHOTIO_HOME`: each such home has an entry of its own."""
    return str(config_directory()) if os.environ.get(HOME_VARIABLE) else "default"


def _backend() -> Any | None:
    """The best backend that can be trusted with a key; None if there is none."""
    import keyring  # slow to import, and hardly ever needed

    backend = keyring.get_keyring()
    backends = getattr(backend, "backends", [backend])  # of a chain only the best one, for writing and reading
    return backends[0] if backends and backends[0].priority >= _RECOMMENDED else None
