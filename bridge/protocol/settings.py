"""Messages about settings, the key and the state of it all."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.protocol.values import Message


@dataclass(frozen=True)
class Preferences:
    """What the user may change; see `bridge.settings.Settings`."""

    origin: str
    engine: str
    connect_timeout: float
    answer_timeout: float
    offline_model: str
    most_requests: int
    native_limit: float
    history_days: int
    history_gigabytes: float


@dataclass(frozen=True)
class AskSettings(Message):
    """Answered by `SettingsReport`."""


@dataclass(frozen=True)
class ChangeSettings(Message):
    """Store these; answered by `SettingsReport`."""

    preferences: Preferences


@dataclass(frozen=True)
class SettingsReport(Message):
    """How things are.

    Attributes:
        defaults: what `preferences` would be if the user had changed nothing.
        key_hint: "…" and the key's last four characters; None: there is no key, or it cannot be had.
        key_place: where it is: "environment", "keyring" or "file"; None: there is no key.
        keyring: whether a key would be put into the keyring.
        neural: whether the offline engine's second model is installed.
        log_file, journal: paths.
        remarks: sentences for the user.
    """

    preferences: Preferences
    defaults: Preferences
    key_hint: str | None
    key_place: str | None
    keyring: bool
    neural: bool
    log_file: str
    journal: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class StoreKey(Message):
    """Keep this key; answered by `SettingsReport`."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class ForgetKey(Message):
    """Answered by `SettingsReport`."""


@dataclass(frozen=True)
class TryKey(Message):
    """Show a key (empty: the stored one) to the service, in a request that it must refuse; answered by `KeyTested`."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class KeyTested(Message):
    """Whether the service knows the key, in a sentence for the user."""

    accepted: bool
    sentence: str


@dataclass(frozen=True)
class AskDoctor(Message):
    """Answered by `DoctorReport`."""


@dataclass(frozen=True)
class DoctorReport(Message):
    """A table in plain text."""

    healthy: bool
    text: str
