"""Homes that are missing, closed, linked elsewhere or full of rubbish: settings, key, journal, umask."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from bridge.protocol import Failed
from bridge.protocol.settings import (
    AskSettings,
    ChangeSettings,
    ForgetKey,
    Preferences,
    SettingsReport,
    StoreKey,
)
from bridge.store.settings import Settings
from tests.faults.bridge_rows import BridgeRow
from tests.faults.disks import can_mount, mount, read_only
from tests.faults.outcome import KEY
from tests.faults.world import Ended, World, write_0600

_ASIDE = "the defaults hold"


def _job(**variables: str | None) -> Callable[[World], Ended]:
    return lambda world: world.job(world.start(**variables))


def _no_home(**variables: str | None) -> Callable[[World], Ended]:
    """There is neither PHOTIO_HOME nor anything else that tells where to keep things."""

    def act(world: World) -> Ended:
        return world.job(world.start("no-user", PHOTIO_HOME=None, PHOTIO_ORIGIN=world.service.origin, **variables))

    return act


def _with(prepare: Callable[[World], object], under: tuple[str, ...] = ()) -> Callable[[World], Ended]:
    """Something is in the way before the bridge starts; the service is named by the environment."""

    def act(world: World) -> Ended:
        prepare(world)
        return world.job(world.start(*under, PHOTIO_ORIGIN=world.service.origin))

    return act


def _settings(content: bytes) -> Callable[[World], Ended]:
    return _with(lambda world: write_0600(world.home / "settings.json", content))


def _settings_link(world: World) -> None:
    (world.home / "settings.json").unlink()
    write_0600(world.folder / "elsewhere.json", b'{"most_requests": 1}')
    (world.home / "settings.json").symlink_to(world.folder / "elsewhere.json")


def _settings_folder(world: World) -> None:
    (world.home / "settings.json").unlink()
    (world.home / "settings.json").mkdir(mode=0o700)


def _settings_pipe(world: World) -> None:
    (world.home / "settings.json").unlink()
    os.mkfifo(world.home / "settings.json", 0o600)


def _key_link(world: World) -> None:
    (world.home / "api-key").rename(world.folder / "api-key")
    (world.home / "api-key").symlink_to(world.folder / "api-key")


def _key_folder(world: World) -> None:
    (world.home / "api-key").unlink()
    (world.home / "api-key").mkdir(mode=0o700)


def _journal_file(world: World) -> None:
    write_0600(world.home / "journal", b"")


def _journal_link(there: bool) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        if there:
            (world.folder / "elsewhere").mkdir(mode=0o700)
        (world.home / "journal").symlink_to(world.folder / "elsewhere")

    return prepare


def _ring(kind: str, **settings: object) -> Callable[[World], Ended]:
    """The key is said to be in a keyring."""

    def act(world: World) -> Ended:
        (world.home / "api-key").unlink()
        write_0600(world.folder / "ring", KEY.encode())
        world.configure(**{"origin": world.service.origin, "key_storage": "keyring", **settings})
        return world.job(world.start("keyring", kind))

    return act


HOMES = (
    BridgeRow("no-home-no-user", "home", _no_home(HOME=None), "journal"),
    BridgeRow("home-is-empty", "home", _with(lambda world: (world.home / "api-key").unlink()), kept="whole"),
    BridgeRow("home-does-not-exist", "home", lambda world: world.job(world.start(
        PHOTIO_HOME=str(world.home / "new" / "er")), engine="offline"), kept="none"),
    BridgeRow("home-is-a-file", "home", lambda world: world.job(world.start(
        PHOTIO_HOME=str(world.home / "settings.json" / "in"))), "journal"),
    BridgeRow("journal-is-a-file", "home", _with(_journal_file), "journal"),
    BridgeRow("journal-is-a-link", "home", _with(_journal_link(True)), kept="whole"),
    BridgeRow("journal-is-a-link-to-nowhere", "home", _with(_journal_link(False)), "journal"),
)  # fmt: skip

SETTINGS = (
    BridgeRow("settings-empty", "settings", _settings(b""), kept="whole", says=_ASIDE),
    BridgeRow("settings-no-json", "settings", _settings(b"\x00\xff{"), kept="whole", says=_ASIDE),
    BridgeRow("settings-list", "settings", _settings(b"[]"), kept="whole", says=_ASIDE),
    BridgeRow("settings-deep", "settings", _settings(b"[" * 50_000), kept="whole", says=_ASIDE),
    BridgeRow("settings-huge", "settings", _settings(b"{}" + b" " * 50_000_000), kept="whole", says=_ASIDE),
    BridgeRow("settings-nan", "settings", _settings(b'{"native_limit": NaN}'), kept="whole", says=_ASIDE),
    BridgeRow("settings-digits", "settings", _settings(b'{"most_requests": ' + b"9" * 9000 + b"}"), kept="whole",
              says=_ASIDE),
    BridgeRow("settings-wrong-type", "settings", _settings(b'{"engine": {}}'), kept="whole", says=_ASIDE),
    BridgeRow("settings-plain-http", "settings", _settings(b'{"origin": "http://192.0.2.1"}'), kept="whole",
              says="nobody on the way"),
    BridgeRow("settings-of-a-later-version", "settings", _settings(b'{"later": [1]}'), kept="whole"),
    BridgeRow("settings-link", "settings", _with(_settings_link), kept="whole", says=_ASIDE),
    BridgeRow("settings-folder", "settings", _with(_settings_folder), kept="whole", says=_ASIDE),
    BridgeRow("settings-pipe", "settings", _with(_settings_pipe), kept="whole", says=_ASIDE),
)  # fmt: skip

KEYS = (
    BridgeRow("key-link", "key", _with(_key_link), "storage", says="symbolic link"),
    BridgeRow("key-folder", "key", _with(_key_folder), "storage"),
    BridgeRow("key-readable-by-others", "key", _with(lambda world: (world.home / "api-key").chmod(0o644)),
              kept="whole", says="could be read by other users"),
    BridgeRow("key-garbage", "key", _with(lambda world: world.store_key(bytes(range(256)))), "key-format"),
    BridgeRow("key-empty", "key", _with(lambda world: world.store_key(b"")), "key-format"),
    BridgeRow("key-with-line-break", "key", _with(lambda world: world.store_key(b"ab\r\nX-More: cd")), "key-format"),
    BridgeRow("key-huge", "key", _with(lambda world: world.store_key(b"k" * 100_000)), "storage"),
    BridgeRow("key-in-keyring", "key", _ring("good"), kept="whole"),
    BridgeRow("keyring-locked", "key", _ring("locked", origin="https://api.photio.io"), "keyring", says="unlock"),
    BridgeRow("keyring-locked-photio", "key", _ring("locked", origin="https://api.photio.io", engine="photio"),
              "keyring", says="unlock"),
    BridgeRow("keyring-locked-offline", "key", _ring("locked", engine="offline"), kept="whole"),
    BridgeRow("keyring-absent", "key", _ring("absent", origin="https://api.photio.io"), "keyring"),
    BridgeRow("keyring-forgetful", "key", _ring("forgetful", origin="https://api.photio.io"), "keyring"),
)  # fmt: skip

UMASKS = tuple(
    BridgeRow(f"umask-{mask:03o}", "home", lambda world, mask=mask: world.job(
        world.start(before=lambda: os.umask(mask))), kept="whole")
    for mask in (0o000, 0o777)
)  # fmt: skip

ROWS = (*HOMES, *SETTINGS, *KEYS, *UMASKS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_home_in_disorder_costs_a_sentence_and_no_answer(row: BridgeRow, world: World, reference: str) -> None:
    same = "" if row.name in ("home-does-not-exist", "keyring-locked-offline") else reference  # made offline
    assert row.broken_promises(row.run(world, same)) == []


@pytest.mark.parametrize("kind", ["locked", "absent", "forgetful"])
def test_a_keyring_that_does_not_take_the_key_leaves_it_to_a_file_of_our_own(kind: str, world: World) -> None:
    (world.home / "api-key").unlink()
    bridge = world.start("keyring", kind)
    assert bridge.ask(StoreKey(KEY), SettingsReport, Failed).key_place == "file"
    assert (world.home / "api-key").stat().st_mode & 0o777 == 0o600
    assert not (world.folder / "ring").exists() or kind == "forgetful"


def test_a_key_that_a_locked_keyring_keeps_is_not_called_forgotten_and_is_found_when_it_is_unlocked(
    world: World,
) -> None:
    (world.home / "api-key").unlink()
    world.start("keyring", "good").ask(StoreKey(KEY), SettingsReport)
    locked = world.start("keyring", "locked")
    refused = locked.ask(ForgetKey(), SettingsReport, Failed)
    assert isinstance(refused, Failed)
    assert "cannot be removed from the keyring" in refused.sentence
    assert locked.ask(AskSettings(), SettingsReport).key_place == "keyring"
    unlocked = world.start("keyring", "good")
    assert unlocked.ask(AskSettings(), SettingsReport).key_hint is not None
    assert unlocked.ask(ForgetKey(), SettingsReport).key_place is None
    assert not (world.folder / "ring").exists()


@pytest.mark.skipif(not can_mount(), reason="only root may mount small disks")
def test_settings_that_cannot_be_written_stay_as_they_were_and_the_user_is_told(world: World) -> None:
    mount(world.home)
    read_only(world.home)
    bridge = world.start()
    before = bridge.ask(AskSettings(), SettingsReport)
    wanted = {**vars(before.preferences), "most_requests": 3}
    assert bridge.ask(ChangeSettings(Preferences(**wanted)), SettingsReport, Failed).code == "storage"
    assert bridge.ask(AskSettings(), SettingsReport).preferences == before.preferences


def test_what_was_set_aside_is_still_there(world: World) -> None:
    write_0600(world.home / "settings.json", b"rubbish")
    bridge = world.start()
    bridge.ask(AskSettings(), SettingsReport)
    assert (world.home / "settings.json.broken-1").read_bytes() == b"rubbish"
    report = bridge.ask(AskSettings(), SettingsReport)
    assert report.preferences.most_requests == Settings().most_requests
    bridge.ask(ChangeSettings(report.preferences), SettingsReport)
    assert json.loads((world.home / "settings.json").read_text())["most_requests"] == Settings().most_requests
