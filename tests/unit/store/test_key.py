"""The key is kept where only its owner can read it, and shown to nobody."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.regen.validation import KeyFormatError
from bridge.store import settings
from bridge.store.key import clear_key, find_key, key_file, store_key
from bridge.store.keyring_entry import KeyringError
from bridge.store.private_files import StorageError
from bridge.store.settings import Settings
from tests.unit.damage import at_most, damaged

KEY = "sk-0123456789abcdef"


class Ring:
    """A keyring as `keyring` describes them."""

    def __init__(self, priority: float = 5, failure: Exception | None = None) -> None:
        self.priority = priority
        self.failure = failure
        self.entries: dict[tuple[str, str], str] = {}

    def _try(self) -> None:
        if self.failure:
            raise self.failure

    def get_password(self, service: str, account: str) -> str | None:
        self._try()
        return self.entries.get((service, account))

    def set_password(self, service: str, account: str, value: str) -> None:
        self._try()
        self.entries[service, account] = value

    def delete_password(self, service: str, account: str) -> None:
        self._try()
        del self.entries[service, account]


class Chain:
    priority = 10

    def __init__(self, *backends: Ring) -> None:
        self.backends = list(backends)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    use(monkeypatch, Ring(0))
    return tmp_path / "home"


def use(monkeypatch: pytest.MonkeyPatch, ring: Any) -> None:
    module = ModuleType("keyring")
    module.get_keyring = lambda: ring  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)


def loaded() -> Settings:
    return settings.load()[0]


def found() -> tuple[str, str] | None:
    key = find_key(loaded())
    return (key.value, key.where) if key else None


def test_the_keyring_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, ring := Ring())
    assert store_key(KEY, loaded()).where == "keyring"
    assert found() == (KEY, "keyring")
    assert not key_file().exists()
    assert clear_key(loaded()) == ("keyring",)
    assert found() is None
    assert ring.entries == {}


UNTRUSTED: list[Any] = [
    Ring(0),
    Ring(-1),
    Ring(0.5),
    Chain(),
    Chain(Ring(0.5), Ring(0)),
    Ring(failure=RuntimeError("locked")),
    Ring(failure=OSError("no D-Bus")),
]


@pytest.mark.parametrize("ring", UNTRUSTED, ids=lambda ring: type(ring).__name__)
@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_without_a_keyring_to_be_trusted_the_key_is_in_a_file_for_its_owner_only(
    monkeypatch: pytest.MonkeyPatch, home: Path, ring: Any, umask: int
) -> None:
    use(monkeypatch, ring)
    before = os.umask(umask)
    try:
        stored = store_key(KEY, loaded())
    finally:
        os.umask(before)
    assert stored.where == f"file {key_file()}"
    assert key_file().stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert found() == (KEY, stored.where)
    assert KEY not in settings.settings_file().read_text()
    assert clear_key(loaded()) == (stored.where,)
    assert found() is None


def test_a_keyring_that_forgets_what_it_is_given_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(Ring):
        def set_password(self, service: str, account: str, value: str) -> None:
            pass

    use(monkeypatch, Forgetful())
    assert store_key(KEY, loaded()).where.startswith("file")


def test_a_keyring_that_is_locked_later_is_told_from_no_key_at_all(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    use(monkeypatch, ring := Ring())
    store_key(KEY, loaded())
    ring.failure = RuntimeError(f"locked {KEY}")
    with pytest.raises(KeyringError, match="unlock the keyring") as locked:
        find_key(loaded())
    assert KEY not in str(locked.value) + locked.value.details
    assert "keyring" in caplog.text
    assert KEY not in caplog.text


def test_a_new_key_in_the_keyring_removes_the_old_one_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    store_key("old-key", loaded())
    use(monkeypatch, Ring())
    store_key(KEY, loaded())
    assert not key_file().exists()
    assert found() == (KEY, "keyring")


def test_the_keyring_is_not_even_asked_when_the_key_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Ring(failure=AssertionError("asked")))
    assert find_key(Settings()) is None


def test_another_home_has_another_keyring_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, Ring())
    store_key(KEY, loaded())
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "other"))
    with pytest.raises(KeyringError):
        find_key(dataclasses.replace(Settings(), key_storage="keyring"))


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    store_key("stored-key", loaded())
    monkeypatch.setenv("PHOTIO_API_KEY", f" {KEY}\n")
    assert found() == (KEY, "PHOTIO_API_KEY")
    monkeypatch.setenv("PHOTIO_API_KEY", "  ")
    assert found() == ("stored-key", f"file {key_file()}")


@pytest.mark.parametrize("value", ["", "two words", "line\nX-Other: header", "tab\t", "schlüssel", "x" * 513, "nul\0"])
def test_what_cannot_be_a_key_is_not_stored_and_not_repeated(value: str) -> None:
    with pytest.raises(KeyFormatError) as caught:
        store_key(value, loaded())
    assert len(value) < 5 or value not in caught.value.sentence + caught.value.details
    assert found() is None


@given(damaged(KEY.encode() + b"\n", (b"\xfe\xff", b"\xc3\xa9", b"\x7f", b"key: ")) | st.binary())
def test_whatever_is_in_the_keys_file_it_is_a_key_or_an_error_that_does_not_repeat_it(
    home: Path, content: bytes
) -> None:
    home.mkdir(exist_ok=True)
    key_file().write_bytes(content)
    key_file().chmod(0o600)
    try:
        key = find_key(Settings())
        told = repr(key)
    except KeyFormatError as error:
        key, told = None, f"{error!r} {error.sentence} {error.details}"
    if key:
        assert key.value == content.decode("ascii").strip()
    middle = content.strip()[:-4].decode("ascii", "replace")  # a key that is long enough shows its last four
    assert len(middle) < 12 or middle not in told


def test_a_keys_file_of_any_length_takes_no_memory(home: Path) -> None:
    home.mkdir()
    key_file().write_bytes(b"")
    os.truncate(key_file(), 1 << 32)
    with at_most(1), pytest.raises(StorageError, match="larger"):
        find_key(Settings())


def test_a_key_file_that_others_can_read_is_closed_and_the_user_is_told() -> None:
    store_key(KEY, loaded())
    key_file().chmod(0o644)
    key = find_key(loaded())
    assert key is not None
    assert "other users" in key.warnings[0]
    assert key_file().stat().st_mode & 0o777 == 0o600
    again = find_key(loaded())
    assert again is not None
    assert again.warnings == ()


def test_a_link_in_the_key_files_place_is_refused_and_never_written_through(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    target = tmp_path / "target"
    target.write_text(KEY)
    key_file().symlink_to(target)
    with pytest.raises(StorageError, match="symbolic link"):
        find_key(loaded())
    store_key("another-key", loaded())
    assert target.read_text() == KEY
    assert found() == ("another-key", f"file {key_file()}")


def test_a_found_key_shows_its_last_four_characters_only() -> None:
    key = store_key(KEY, loaded())
    assert key.hint == "…cdef"
    assert KEY not in f"{key} {key!r} {[key]}"
    assert store_key("short", loaded()).hint == "…"
