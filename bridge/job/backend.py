"""Who does the work: Photio, or the engine on this computer."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.regen.validation import is_loopback
from bridge.store import key
from bridge.store.settings import DEFAULT_ORIGIN, Settings

if TYPE_CHECKING:
    from bridge.regen.client import RegenClient


class NoKeyError(PhotioError):
    """Photio itself was asked for, and there is no key to show it."""

    code = "no-key"


class OfflineLimitError(PhotioError):
    """The offline engine was asked for something that only Photio can do."""

    code = "offline-limit"


@dataclass(frozen=True)
class Backend:
    """Photio or the offline engine, ready to be used.

    Attributes:
        name: "photio" or "offline".
        key: None if it needs none, or if the keyring has it and was not asked yet.
        remarks: sentences for the user.
        in_keyring: the keyring has the key; see `with_key`.
    """

    name: str
    settings: Settings
    key: str | None = field(default=None, repr=False)
    remarks: tuple[str, ...] = ()
    in_keyring: bool = False

    @property
    def billed(self) -> bool:
        """Whether a request may cost money."""
        return self.name == "photio"

    @property
    def distant_origin(self) -> str:
        """The service's origin if it is on another computer, to which a proxy may lead; else empty."""
        origin = self.settings.origin
        return "" if self.name == "offline" or is_loopback(urlsplit(origin).hostname or "") else origin

    def with_key(self) -> Backend:
        """The same with the key that the keyring has. That may take long: call it where it stops nothing else.

        Raises:
            KeyringError, KeyFormatError, StorageError: as `bridge.store.key.find_key`.
        """
        found = key.find_key(self.settings) if self.in_keyring else None
        return replace(self, key=found.value, in_keyring=False) if found else self

    def client(self) -> RegenClient:
        """A client for it. The offline engine starts when it is first used, and ends with this process.

        Raises:
            KeyringError, KeyFormatError, StorageError: as `with_key`, if that was not called before.
        """
        from bridge.regen.client import RegenClient, Timeouts  # imports `requests`, which `choose` does not need

        timeouts = Timeouts(self.settings.connect_timeout, self.settings.answer_timeout)
        if self.name == "photio":
            return RegenClient(self.settings.origin, self.with_key().key, timeouts)
        return RegenClient(*_engine(self.settings.offline_model), timeouts)


_engines: dict[str, tuple[str, str]] = {}
_starting = threading.Lock()


def _engine(model: str) -> tuple[str, str]:
    """The address and key of this process's engine with that model; the key keeps other users of the computer out."""
    from bridge.engine.server import EngineServer

    with _starting:
        if model not in _engines:
            own_key = secrets.token_urlsafe(24)
            server = EngineServer(port=0, model=model, require_key=own_key)
            server.start()
            _engines[model] = (server.origin, own_key)
        return _engines[model]


def choose(engine: str, prompt: str, settings: Settings) -> Backend:
    """The one that the user chose; "auto" is Photio if a key, or an origin other than Photio's, is configured.

    Does not ask the keyring, which may never answer: see `Backend.with_key`.

    Raises:
        NoKeyError: Photio was asked for without a key.
        KeyFormatError, StorageError: there is a key in the environment or the file, but it cannot be used.
        OfflineLimitError: the offline engine was asked to do more than remove something.
    """
    wanted = settings.engine if engine == "auto" else engine
    if wanted != "offline" and key.key_place(settings) == "keyring":
        return Backend("photio", settings, in_keyring=True)
    found = key.find_key(settings) if wanted != "offline" else None
    own_service = settings.origin != DEFAULT_ORIGIN
    if wanted == "photio" and not found and not own_service:
        raise NoKeyError(
            _(
                "Photio needs an API key: get one from the API Dashboard at photio.io and enter it in Filters > "
                "Photio > Settings, or choose the offline engine."
            )
        )
    if wanted != "offline" and (found or own_service):
        return Backend("photio", settings, found.value, found.warnings) if found else Backend("photio", settings)
    if prompt.strip():
        raise OfflineLimitError(
            _(
                "Without a Photio API key the offline engine is used, and it can only remove things: "
                "leave the prompt empty, or get a key from the API Dashboard at photio.io."
            )
        )
    return Backend("offline", settings)
