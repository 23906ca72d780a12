"""The API key in the system's keyring.

The backends of the package `keyring` may raise any exception, and may never return. So each call of them has a thread
of its own, and whoever waits for it gets an error when the keyring gives no answer.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from typing import Any, Literal, TypeVar

from bridge.common.asking import answered, ask
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store.places import HOME_VARIABLE, config_directory

Answer = TypeVar("Answer")

_SERVICE = "photio"
_RECOMMENDED = 1  # the priority from which `keyring` trusts a backend: below are plain text and none at all

#: Seconds that a keyring has to answer, and then to say whether it is locked: 5 in all.
_PATIENCE, _FOR_A_LOOK = 3.0, 2.0

#: Seconds that the user has to type the password of a locked keyring, or to dismiss that question.
_FOR_THE_USER = 120.0

_log = logging.getLogger(__name__)


class KeyringError(PhotioError):
    """The keyring has the key, or may have it, but does not return it or does not let it be removed."""

    code = "keyring"


class SilentKeyringError(KeyringError):
    """The keyring gives no answer, or its user no password. What it was asked may still come about."""


def is_available() -> bool:
    """Whether there is a keyring for a key. It may be locked."""
    try:
        return _backend() is not None
    except Exception as error:  # noqa: BLE001 - see the module's text
        _log.warning("there is no keyring: %s", type(error).__name__)
        return False


def read() -> str | None:
    """The key; None: there is none, or the keyring does not return it.

    Raises:
        SilentKeyringError: the keyring gives no answer.
    """
    try:
        backend = _backend()
        value = _answer(lambda: backend.get_password(_SERVICE, _account())) if backend else None
    except SilentKeyringError:
        raise
    except Exception as error:  # noqa: BLE001 - see the module's text
        _log.warning("the keyring cannot be read: %s", type(error).__name__)
        return None
    return value if isinstance(value, str) else None


def write(value: str) -> Literal["stored", "refused", "silent", "unsure"]:
    """Stores a key. "silent": it gives no answer, and did not get the key; "unsure": it got it, but does not return it.

    A keyring is read first, so that a silent one cannot store the key when it wakes up.
    """
    got_it = False
    try:
        backend = _backend()
        if backend is None:
            return "refused"
        _answer(lambda: backend.get_password(_SERVICE, _account()))
        got_it = True
        _answer(lambda: backend.set_password(_SERVICE, _account(), value))
        return "stored" if read() == value else "unsure"
    except SilentKeyringError:
        _log.warning("the keyring gives no answer")
        return "unsure" if got_it else "silent"
    except Exception as error:  # noqa: BLE001 - see the module's text; the caller then uses a file
        _log.warning("the keyring cannot be written: %s", type(error).__name__)
        return "refused"


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
    account = _account()
    present = _answer(lambda: backend.get_password(_SERVICE, account)) is not None
    if not present and not known:
        return False
    try:
        _answer(lambda: backend.delete_password(_SERVICE, account))
    except Exception:
        if present:
            raise
        return False  # another program has removed it
    if _answer(lambda: backend.get_password(_SERVICE, account)) is not None:
        raise RuntimeError("the keyring still has one")
    return True


def _account() -> str:
    """The keyring belongs to the user, not to `PHOTIO_HOME`: each such home has an entry of its own."""
    return str(config_directory()) if os.environ.get(HOME_VARIABLE) else "default"


def _backend() -> Any | None:
    """The best backend that can be trusted with a key; None if there is none."""

    def best() -> Any | None:
        import keyring  # slow to import, and hardly ever needed

        backend = keyring.get_keyring()
        backends = getattr(backend, "backends", [backend])  # of a chain only the best one, for writing and reading
        return backends[0] if backends and backends[0].priority >= _RECOMMENDED else None

    return _answer(best)


def _answer(question: Callable[[], Answer]) -> Answer:
    """What a call of the keyring returns. While the user may be asked for the keyring's password, it may take longer.

    Raises:
        SilentKeyringError: it does not return.
    """
    asked = ask(question)
    if answered(asked, _PATIENCE) or _answers_later(asked):
        return asked.result()
    raise SilentKeyringError(
        _(
            "The system's keyring, which holds your API key, does not answer: unlock or restart it and try again, "
            "enter the key again, or use the offline engine."
        )
    )


def _answers_later(asked: Future[Any]) -> bool:
    """Looks why the keyring takes so long. If it is locked, it may have asked its user, who needs time."""
    look = ask(_is_locked)
    if not answered(look, _FOR_A_LOOK) or look.exception() is not None:
        return False
    return answered(asked, _FOR_THE_USER if look.result() else _FOR_A_LOOK)


def _is_locked() -> bool:
    try:
        import secretstorage
    except ImportError:
        return sys.platform != "linux"  # those of other systems ask their user, too, and do not say so
    with closing(secretstorage.dbus_init()) as bus:
        return bool(secretstorage.Collection(bus).is_locked())
