"""Settings survive, and a broken file costs nothing but the settings."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bridge.protocol import Failed, encode
from bridge.regen.validation import DEFAULT_ORIGIN, SettingsError
from bridge.store import settings
from bridge.store.private_files import StorageError
from bridge.store.settings import Settings
from tests.unit.damage import damaged, damaged_json, replaced

OTHERS = Settings("https://studio.example:8443", "offline", 5.0, 60.0, "migan", "file")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PHOTIO_ORIGIN", raising=False)
    return tmp_path / "home"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_without_a_file_the_defaults_hold() -> None:
    assert settings.load() == (Settings(), ())
    assert Settings().origin == DEFAULT_ORIGIN


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_what_was_saved_is_there_again_and_nobody_else_can_read_it(home: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        settings.save(OTHERS)
    finally:
        os.umask(before)
    assert settings.load() == (OTHERS, ())
    assert (mode(home), mode(settings.settings_file())) == (0o700, 0o600)
    assert os.listdir(home) == ["settings.json"], "a draft was left behind"


BROKEN: list[Any] = [
    "",
    "{",
    "[]",
    "null",
    "[" * 60_000,
    '{"engine": "cloud"}',
    '{"origin": "http://example.org"}',
    '{"origin": 5}',
    '{"answer_timeout": 0}',
    '{"answer_timeout": NaN}',
    '{"answer_timeout": Infinity}',
    '{"connect_timeout": true}',
    '{"connect_timeout": "10"}',
    '{"key_storage": "cloud"}',
    '{"offline_model": []}',
    " " * 70_000,
]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: content[:30])
def test_a_broken_file_is_set_aside_and_the_user_is_told_where(home: Path, content: str) -> None:
    home.mkdir()
    for number in (1, 2):
        settings.settings_file().write_text(content)
        loaded, (warning,) = settings.load()
        assert loaded == Settings()
        aside = home / f"settings.json.broken-{number}"
        assert aside.read_text() == content
        assert str(aside) in warning
    assert settings.load() == (Settings(), ())


@given(
    st.dictionaries(
        st.sampled_from([field.name for field in dataclasses.fields(Settings)]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.text(max_size=12),
            st.lists(st.integers(), max_size=2),
        ),
    )
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_gives_settings_that_can_be_used(home: Path, document: dict[str, Any]) -> None:
    home.mkdir(exist_ok=True)
    settings.settings_file().write_text(json.dumps(document))
    loaded, _ = settings.load()
    assert dataclasses.replace(loaded) == loaded


SAVED = dataclasses.asdict(OTHERS)


@given(damaged_json(SAVED) | damaged(json.dumps(SAVED, indent=2).encode()))
def test_whatever_became_of_the_file_there_are_settings_and_a_sentence_where_something_is_lost(
    home: Path, content: bytes
) -> None:
    check(home, content)


def test_whatever_a_setting_is_there_are_settings_and_a_sentence_where_something_is_lost(home: Path) -> None:
    for content in replaced(SAVED):
        check(home, content)


def check(home: Path, content: bytes) -> None:
    """What is in the file can be used, or is set aside, and the user can be told; what is loaded can be saved."""
    home.mkdir(exist_ok=True)
    for aside in home.iterdir():
        aside.unlink()
    settings.settings_file().write_bytes(content)
    loaded, warnings = settings.load()
    assert dataclasses.replace(loaded) == loaded
    assert bool(warnings) == (not settings.settings_file().exists())
    assert [aside.read_bytes() for aside in home.glob("*.broken-1")] == [content] * len(warnings)
    for warning in warnings:
        assert len(encode(Failed("", warning), 1)) < 2000  # the plug-in can be told
    assert settings._parse(json.dumps(dataclasses.asdict(loaded)).encode()) == loaded


def test_what_a_newer_version_saved_does_no_harm(home: Path) -> None:
    home.mkdir()
    settings.settings_file().write_text('{"engine": "offline", "new": 1}')
    assert settings.load() == (Settings(engine="offline"), ())


def test_a_link_in_the_files_place_is_not_followed(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    target = tmp_path / "target"
    target.write_text('{"engine": "offline"}')
    settings.settings_file().symlink_to(target)
    settings.save(OTHERS)
    assert target.read_text() == '{"engine": "offline"}'
    assert not settings.settings_file().is_symlink()
    settings.settings_file().unlink()
    settings.settings_file().symlink_to(target)
    loaded, (warning,) = settings.load()
    assert loaded == Settings()
    assert "link" in warning


def test_a_named_pipe_in_the_files_place_does_not_hang(home: Path) -> None:
    home.mkdir()
    os.mkfifo(settings.settings_file())
    assert settings.load()[0] == Settings()


def test_a_disk_that_is_full_leaves_the_old_settings(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    settings.save(OTHERS)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="cannot be written"):
        settings.save(Settings())
    assert settings.load() == (OTHERS, ())
    assert os.listdir(home) == ["settings.json"]


def test_the_environments_address_wins_and_is_not_made_permanent(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.save(OTHERS)
    monkeypatch.setenv("PHOTIO_ORIGIN", "http://127.0.0.1:8000/")
    loaded, _ = settings.load()
    assert loaded == dataclasses.replace(OTHERS, origin="http://127.0.0.1:8000")
    settings.save(dataclasses.replace(loaded, engine="auto"))
    monkeypatch.delenv("PHOTIO_ORIGIN")
    assert settings.load() == (dataclasses.replace(OTHERS, engine="auto"), ())


def test_an_address_that_cannot_be_used_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTIO_ORIGIN", "http://example.org")
    with pytest.raises(SettingsError, match="https"):
        settings.load()
