"""Messages about settings, the API key and the doctor."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.protocol.values import Message


@dataclass(frozen=True)
class Preferences:
    """The settings that a user can change; see `bridge.store.settings.Settings`."""

    origin: str
    engine: str
    connect_timeout: float
    answer_timeout: float
    offline_model: str
    most_requests: int
    native_limit: float
    history_days: int
    history_gigabytes: float
    insert_as: str


@dataclass(frozen=True)
class AskSettings(Message):
    """Get the settings; answered by `SettingsReport`.

    Attributes:
        with_keyring: also ask the system's keyring, which may take a while; without it, the answer comes at once.
    """

    with_keyring: bool = True


@dataclass(frozen=True)
class ChangeSettings(Message):
    """Store settings; answered by `SettingsReport`, without asking the keyring."""

    preferences: Preferences


@dataclass(frozen=True)
class SettingsReport(Message):
    """The settings and the key's state.

    Attributes:
        defaults: the default preferences.
        key_hint: "…" and the key's last four characters; None without a key, or when it was not or cannot be read.
        key_place: where the key is stored: "environment", "keyring" or "file"; None without a key.
        keyring: whether a new key would go into the keyring; None: the keyring was not asked.
        neural: whether the offline engine's neural model is installed.
        log_file, journal: paths.
        remarks: sentences for the user.
    """

    preferences: Preferences
    defaults: Preferences
    key_hint: str | None
    key_place: str | None
    keyring: bool | None
    neural: bool
    log_file: str
    journal: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class StoreKey(Message):
    """Store a key; answered by `SettingsReport`."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class ForgetKey(Message):
    """Delete the stored key; answered by `SettingsReport`."""


@dataclass(frozen=True)
class TryKey(Message):
    """Test a key (empty: the stored one) with a request that the service must refuse; answered by `KeyTested`."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class KeyTested(Message):
    """Whether the service accepts the key, also as a sentence for the user."""

    accepted: bool
    sentence: str


@dataclass(frozen=True)
class AskDoctor(Message):
    """Check the installation; answered by `DoctorReport`."""


@dataclass(frozen=True)
class DoctorReport(Message):
    """The checks as a table in plain text."""

    healthy: bool
    text: str
