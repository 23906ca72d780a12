"""A key that is stored, replaced, cleared and read, whatever the keyring does: what is said is what was done."""

from __future__ import annotations

import contextlib
import logging
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridge.common.errors import PhotioError
from bridge.protocol.settings import AskSettings, ForgetKey, SettingsReport, StoreKey
from bridge.service.settings_messages import answer
from bridge.store import settings
from bridge.store.key import clear_key, find_key, key_file, older_key, store_key
from bridge.store.keyring_entry import KeyringError
from bridge.store.private_files import StorageError
from bridge.store.settings import Settings

OLD, NEW = "sk-old-0123456789abcd", "sk-new-0123456789abcd"
STATES = ("there", "locked", "stubborn", "forgetful", "absent")


class Ring:
    """A keyring that can change its mind.

    `state`: "there" works; "locked" refuses everything; "stubborn" gives its key and changes nothing; "forgetful"
    takes a key and gives nothing; "absent" is none at all.
    """

    def __init__(self) -> None:
        self.state = "there"
        self.entries: dict[str, str] = {}

    @property
    def priority(self) -> float:
        return 0 if self.state == "absent" else 5

    def _refuse(self, *states: str) -> None:
        if self.state in states:
            raise RuntimeError(f"{self.state}: {self.entries}")  # a backend may well say too much

    def get_password(self, service: str, account: str) -> str | None:
        self._refuse("locked")
        return None if self.state == "forgetful" else self.entries.get(account)

    def set_password(self, service: str, account: str, value: str) -> None:
        self._refuse("locked", "stubborn")
        self.entries[account] = value

    def delete_password(self, service: str, account: str) -> None:
        self._refuse("locked", "stubborn")
        del self.entries[account]


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ring:
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    made = Ring()
    module: Any = ModuleType("keyring")
    module.get_keyring = lambda: made
    monkeypatch.setitem(sys.modules, "keyring", module)
    return made


def loaded() -> Settings:
    return settings.load()[0]


def report(message: Any = AskSettings()) -> SettingsReport:  # noqa: B008 - frozen
    found = answer(message)
    assert isinstance(found, SettingsReport)
    return found


def kept(ring: Ring) -> set[str]:
    """Every key that is kept anywhere."""
    return {*ring.entries.values(), *([key_file().read_text().strip()] if key_file().exists() else [])}


def cleared() -> tuple[tuple[str, ...], str]:
    """Where a key was cleared, or the sentence about what was not done."""
    try:
        return clear_key(loaded()), ""
    except PhotioError as error:
        return (), error.sentence


def put(ring: Ring, where: str) -> None:
    """The old key is where earlier days left it."""
    ring.state = "absent" if where == "file" else "there"
    if where != "nowhere":
        store_key(OLD, loaded())
    if where == "both":
        ring.state = "locked"
        store_key(OLD, loaded())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("where", ["nowhere", "file", "keyring", "both"])
def test_clearing_removes_every_key_or_says_which_is_still_there_and_knows_it_later(
    ring: Ring, where: str, state: str
) -> None:
    put(ring, where)
    ring.state = state
    told, trouble = cleared()
    if trouble:
        assert "keyring" in trouble
        assert ("was removed from:" in trouble) == (where == "both"), "the file's part was done"
    else:
        assert kept(ring) == set()
        assert len(told) == {"nowhere": 0, "file": 1, "keyring": 1, "both": 2}[where]
    assert not key_file().exists()
    ring.state = "there"  # it is unlocked, and the user tries again
    assert (clear_key(loaded()) == ("keyring",)) == (
        where in ("keyring", "both") and state not in ("there", "forgetful")
    )
    assert kept(ring) == set()
    assert find_key(loaded()) is None


@pytest.mark.parametrize("state", ["locked", "stubborn", "absent"])
def test_a_key_that_could_not_be_cleared_goes_on_being_used_and_is_not_called_none(ring: Ring, state: str) -> None:
    put(ring, "keyring")
    ring.state = state
    with pytest.raises(KeyringError, match="cannot be removed from the keyring"):
        clear_key(loaded())
    found = report()
    assert found.key_place == "keyring"
    ring.state = "there"
    assert report().key_hint == "…abcd"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("where", ["nowhere", "file", "keyring", "both"])
def test_after_storing_the_new_key_is_the_one_in_use_and_an_older_one_is_gone_or_spoken_of(
    ring: Ring, where: str, state: str
) -> None:
    put(ring, where)
    ring.state = state
    found = report(StoreKey(NEW))
    used = find_key(loaded())
    assert used is not None
    assert (used.value, used.place) == (NEW, "keyring" if state == "there" else "file")
    ring.state = "there"  # an unlocked keyring does not bring the older key back
    assert find_key(loaded()) == used
    assert (kept(ring) == {NEW}) == (not older_key(loaded()))
    assert bool(found.remarks) == bool(older_key(loaded()))
    report(ForgetKey())
    assert kept(ring) == set()


def test_an_older_key_in_the_keyring_is_spoken_of_until_it_is_gone(ring: Ring) -> None:
    put(ring, "both")
    ring.state = "locked"
    assert "older key" in report().remarks[0]
    with pytest.raises(KeyringError, match="unlock"):
        clear_key(loaded())
    ring.state = "there"
    assert find_key(loaded()) is None, "an older key came back"
    assert "older key" in report().remarks[0]
    assert clear_key(loaded()) == ("keyring",)
    assert report().remarks == ()


def test_with_a_locked_keyring_and_no_key_at_all_nobody_claims_to_know(ring: Ring) -> None:
    ring.state = "locked"
    with pytest.raises(KeyringError, match="If it has a key"):
        clear_key(loaded())


def test_a_keyring_that_had_nothing_to_do_with_the_key_does_not_spoil_its_clearing(ring: Ring) -> None:
    put(ring, "file")
    ring.state = "locked"
    assert clear_key(loaded()) == (f"file {key_file()}",)


def test_the_environments_key_is_used_whatever_becomes_of_the_stored_one(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ring, "keyring")
    monkeypatch.setenv("PHOTIO_API_KEY", NEW)
    ring.state = "locked"
    assert report().key_place == "environment"
    with pytest.raises(KeyringError, match="cannot be removed from the keyring"):
        clear_key(loaded())
    ring.state = "there"
    clear_key(loaded())
    assert report().key_place == "environment"
    assert kept(ring) == set()


def test_a_file_that_cannot_be_removed_does_not_keep_the_keyrings_key(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(ring, "both")
    ring.state = "there"
    key_file().unlink()
    key_file().mkdir()
    with pytest.raises(StorageError, match=r"file.*cannot be removed.*The key was removed from: keyring"):
        clear_key(loaded())
    assert ring.entries == {}
    assert report().key_place == "file"


def test_an_old_file_that_cannot_be_removed_is_spoken_of_and_the_new_key_is_stored(ring: Ring) -> None:
    key_file().mkdir(parents=True)
    stored = store_key(NEW, loaded())
    assert stored.place == "keyring"
    assert "remove that file" in stored.warnings[0]
    assert report(StoreKey(NEW)).remarks == stored.warnings


def test_a_file_that_holds_no_key_does_not_stop_a_new_one_from_being_stored(ring: Ring) -> None:
    ring.state = "absent"
    key_file().parent.mkdir(parents=True)
    key_file().write_bytes(b"k" * 100_000)
    assert report().key_place == "file"
    assert report(StoreKey(NEW)).key_hint == "…abcd"


@pytest.mark.parametrize("state", ["there", "locked"])
def test_where_the_settings_cannot_be_written_no_key_changes(ring: Ring, state: str) -> None:
    put(ring, "keyring" if state == "locked" else "file")
    before = find_key(loaded())
    ring.state = state
    settings.settings_file().unlink()
    settings.settings_file().mkdir()
    marked = replace(Settings(), key_storage="keyring" if state == "locked" else "file")
    with pytest.raises(StorageError, match="cannot be written"):
        store_key(NEW, marked)
    assert NEW not in kept(ring)
    ring.state = "there"
    assert find_key(marked) == before


@pytest.mark.parametrize("state", STATES)
def test_no_key_is_in_any_text_or_in_the_log(ring: Ring, state: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    put(ring, "keyring")
    ring.state = state
    texts = []
    for act in (clear_key, find_key, lambda now: store_key(NEW, now), clear_key):
        try:
            texts.append(repr(act(loaded())))
        except PhotioError as error:
            texts += [error.sentence, error.details, repr(error)]
            logging.getLogger("bridge").error("it failed", exc_info=error)  # a traceback shows what it came from
        with contextlib.suppress(PhotioError):
            texts.append(repr(report()))
    for key in (OLD, NEW):
        assert key not in "\n".join(texts) + caplog.text
