"""What the settings window asks is answered, and testing a key spends nothing."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bridge.common.errors import PhotioError
from bridge.protocol import Open, decode, encode
from bridge.protocol.settings import (
    AskDoctor,
    AskSettings,
    ChangeSettings,
    DoctorReport,
    ForgetKey,
    KeyTested,
    Preferences,
    SettingsReport,
    StoreKey,
    TryKey,
)
from bridge.regen.errors import AnswerTimeout, ConnectionFailedError, RateLimitError, RedirectError, ServiceError
from bridge.regen.validation import KeyFormatError, SettingsError
from bridge.service.settings_messages import answer
from bridge.store import settings
from bridge.store.key import key_file
from bridge.store.settings import Settings
from tests.regen_server import RegenServer
from tests.unit.background import unused_port

KEY = "sk-0123456789abcdef"
OTHERS = Preferences("https://studio.example:8443", "offline", 5.0, 60.0, "migan", 3, 1.5, 0, 0.5, "retouch")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PHOTIO_HOME", str(home))
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    use_ring(monkeypatch, Ring(0))
    return home


class Ring:
    """A keyring as `keyring` describes them."""

    def __init__(self, priority: float) -> None:
        self.priority = priority
        self.entries: dict[str, str] = {}

    def get_password(self, service: str, account: str) -> str | None:
        return self.entries.get(account)

    def set_password(self, service: str, account: str, value: str) -> None:
        self.entries[account] = value

    def delete_password(self, service: str, account: str) -> None:
        del self.entries[account]


def use_ring(monkeypatch: pytest.MonkeyPatch, ring: Ring) -> None:
    module: Any = ModuleType("keyring")
    module.get_keyring = lambda: ring
    monkeypatch.setitem(sys.modules, "keyring", module)


@pytest.fixture
def server() -> Iterator[RegenServer]:
    with RegenServer() as server:
        settings.save(Settings(origin=server.origin, connect_timeout=5.0, answer_timeout=20.0))
        yield server


def report(message: Any = AskSettings()) -> SettingsReport:  # noqa: B008 - frozen
    found = answer(message)
    assert isinstance(found, SettingsReport)
    assert decode(encode(found, 1)).message == found, "it does not survive the way to the plug-in"
    return found


def trial(value: str = KEY) -> KeyTested:
    found = answer(TryKey(value))
    assert isinstance(found, KeyTested)
    return found


def test_at_first_all_is_at_its_default_and_there_is_no_key(home: Path) -> None:
    found = report()
    assert found.preferences == found.defaults
    assert found.defaults == Preferences(
        "https://api.photio.io",
        "auto",
        10.0,
        300.0,
        "texture",
        8,
        4.0,
        history_days=90,
        history_gigabytes=4.0,
        insert_as="new",
    )
    assert (found.key_hint, found.key_place, found.keyring, found.neural, found.remarks) == (
        None,
        None,
        False,
        False,
        (),
    )
    assert (found.log_file, found.journal) == (str(home / "log" / "bridge.log"), str(home / "journal"))
    assert list(home.iterdir()) == [], "looking left something behind"


def test_what_is_changed_is_kept_and_the_key_stays_where_it_is() -> None:
    report(StoreKey(KEY))
    found = report(ChangeSettings(OTHERS))
    assert found.preferences == OTHERS
    assert found.defaults != OTHERS
    kept = settings.load()[0]
    assert dataclasses.asdict(kept) == {
        **dataclasses.asdict(OTHERS),
        "key_storage": "file",
        "key_left_in_keyring": False,
    }
    assert report().key_hint == "…cdef"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"origin": "http://example.org"}, "https"),
        ({"origin": "photio"}, "must look like"),
        ({"engine": "cloud"}, "engine"),
        ({"insert_as": "group"}, "insert_as"),
        ({"answer_timeout": 0.0}, "seconds"),
        ({"native_limit": 13.0}, "megapixels"),
        ({"most_requests": 0}, "most_requests"),
        ({"history_days": -1}, "history_days"),
        ({"history_days": 36_501}, "36500"),
        ({"history_gigabytes": -0.1}, "gigabytes"),
        ({"history_gigabytes": 10_001.0}, "10000"),
        ({"history_gigabytes": float("nan")}, "gigabytes"),
    ],
)
def test_a_value_that_cannot_be_used_changes_nothing(changes: dict[str, Any], named: str) -> None:
    report(ChangeSettings(OTHERS))
    with pytest.raises(SettingsError, match=named):
        answer(ChangeSettings(dataclasses.replace(OTHERS, **changes)))
    assert report().preferences == OTHERS


@pytest.mark.parametrize("changes", [{"history_days": 0}, {"history_days": 36_500}, {"history_gigabytes": 10_000.0}])
def test_the_historys_limits_reach_from_none_to_a_hundred_years(changes: dict[str, Any]) -> None:
    assert report(ChangeSettings(wanted := dataclasses.replace(OTHERS, **changes))).preferences == wanted


@pytest.mark.parametrize("value", [True, 1.5, "7", None])
def test_nonsense_is_no_number_of_days(value: Any) -> None:
    with pytest.raises(SettingsError, match="history_days"):
        Settings(history_days=value)


def test_a_key_is_kept_in_a_private_file_and_only_hinted_at() -> None:
    found = report(StoreKey(KEY))
    assert (found.key_hint, found.key_place) == ("…cdef", "file")
    assert key_file().stat().st_mode & 0o777 == 0o600
    assert KEY not in repr(found) + repr(StoreKey(KEY)) + repr(TryKey(KEY))


def test_with_a_keyring_the_key_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Ring(5)
    use_ring(monkeypatch, ring)
    assert report().keyring
    assert report(StoreKey(KEY)).key_place == "keyring"
    assert list(ring.entries.values()) == [KEY]
    assert not key_file().exists()
    assert report(ForgetKey()).key_place is None
    assert ring.entries == {}


def test_a_machine_whose_keyring_breaks_still_shows_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert not report().keyring


def test_what_cannot_be_a_key_leaves_the_old_one() -> None:
    report(StoreKey(KEY))
    with pytest.raises(KeyFormatError):
        answer(StoreKey("two words"))
    assert report().key_hint == "…cdef"


def test_a_forgotten_key_is_gone() -> None:
    report(StoreKey(KEY))
    assert report(ForgetKey()).key_hint is None
    assert not key_file().exists()
    assert report(ForgetKey()).key_hint is None


def test_what_the_environment_decides_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTIO_ORIGIN", "http://127.0.0.1:8000")
    monkeypatch.setenv("PHOTIO_API_KEY", "environments-key")
    found = report(StoreKey(KEY))
    assert found.preferences.origin == "http://127.0.0.1:8000"
    assert (found.key_hint, found.key_place) == ("…-key", "environment")
    (address, key) = found.remarks
    assert "PHOTIO_ORIGIN" in address
    assert "PHOTIO_API_KEY" in key
    report(ChangeSettings(dataclasses.replace(found.preferences, engine="offline")))
    monkeypatch.delenv("PHOTIO_ORIGIN")
    assert report().preferences.origin == "https://api.photio.io"
    assert report().preferences.engine == "offline"


def test_an_address_in_the_environment_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTIO_ORIGIN", "http://example.org")
    with pytest.raises(SettingsError, match=r"PHOTIO_ORIGIN.*https"):
        answer(AskSettings())


def test_a_broken_key_is_a_remark_and_the_window_opens(home: Path) -> None:
    key_file().write_text("two words")
    key_file().chmod(0o600)
    found = report()
    assert found.key_hint is None
    assert "copy it again" in found.remarks[0]


def test_a_key_that_others_could_read_is_a_remark() -> None:
    key_file().write_text(KEY)
    key_file().chmod(0o644)
    found = report()
    assert found.key_hint == "…cdef"
    assert "other users" in found.remarks[0]


def test_a_broken_file_is_a_remark(home: Path) -> None:
    (home / "settings.json").write_text("{")
    assert "broken-1" in report().remarks[0]


def test_the_neural_model_counts_only_with_its_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bridge.engine.models.find_model", lambda: tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not report().neural
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert report().neural


def test_a_test_shows_the_key_once_and_sends_no_picture(server: RegenServer) -> None:
    found = trial()
    assert found.accepted
    assert server.origin in found.sentence
    (request,) = server.requests()
    assert request["body"] == {}
    assert request["path"] == "/v1/inference/regen"
    assert request["headers"]["x-photio-key"] == KEY


@pytest.mark.parametrize("status", [400, 404, 422, 500])
@pytest.mark.parametrize("http", [True, False], ids=["http", "json"])
def test_whatever_else_the_service_finds_wrong_it_knows_the_key(server: RegenServer, status: int, http: bool) -> None:
    server.script({"answer": "status", "http": status if http else 200, "status_code": status, "body": "no picture"})
    assert trial().accepted


@pytest.mark.parametrize(
    "behaviour",
    [
        {"answer": "status", "status_code": 401, "body": "who are you?"},
        {"answer": "status", "status_code": 401, "status_as_string": True, "body": "who are you?"},
        {"answer": "raw", "http": 401, "text": "who are you?"},
        {"answer": "status", "http": 403, "status_code": 403, "body": f"not with {KEY}"},
    ],
    ids=["json", "string", "http", "forbidden"],
)
def test_a_key_that_the_service_refuses_is_called_refused(server: RegenServer, behaviour: dict[str, Any]) -> None:
    server.script(behaviour)
    found = trial()
    assert not found.accepted
    assert "key" in found.sentence
    assert KEY not in found.sentence
    assert len(server.requests()) == 1


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ({"answer": "status", "status_code": 429, "headers": {"Retry-After": "1"}}, RateLimitError),
        ({"answer": "status", "http": 503, "status_code": 503, "headers": {"Retry-After": "1"}}, ServiceError),
        ({"answer": "raw", "http": 503, "text": '{"message": "Service Unavailable"}'}, ConnectionFailedError),
        ({"answer": "raw", "http": 502, "text": "<h1>Bad gateway</h1>"}, ConnectionFailedError),
        (
            {"answer": "raw", "http": 302, "text": "", "headers": {"Location": "https://elsewhere.example"}},
            RedirectError,
        ),
        ({"close": "after-body"}, ConnectionFailedError),
    ],
    ids=["busy", "away", "balancer", "gateway", "redirect", "broken"],
)
def test_where_nobody_looked_at_the_key_nothing_is_said_about_it(
    server: RegenServer, behaviour: dict[str, Any], error: type[PhotioError]
) -> None:
    server.script(behaviour)
    with pytest.raises(error) as raised:
        trial()
    assert "billed" not in raised.value.sentence
    assert len(server.requests()) == 1, "it was repeated"


@pytest.mark.parametrize("text", [f"<h1>Welcome {KEY}</h1>", "", "{}", "[1]", "[" * 60_000], ids=lambda text: text[:6])
@pytest.mark.parametrize("http", [200, 404])
def test_any_other_web_site_is_not_taken_for_photio(server: RegenServer, http: int, text: str) -> None:
    server.script({"answer": "raw", "http": http, "text": text})
    with pytest.raises(PhotioError, match="is not Photio") as raised:
        trial()
    assert KEY not in raised.value.sentence + raised.value.details


def test_a_key_that_comes_back_stays_out_of_the_log(server: RegenServer) -> None:
    server.script({"answer": "raw", "text": "{}", "headers": {"Content-Encoding": KEY}})
    with pytest.raises(PhotioError, match="is not Photio") as raised:
        trial()
    assert KEY not in raised.value.details


def test_a_service_that_never_answers_is_not_waited_for_as_long_as_for_a_picture(
    server: RegenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.service.key_check._LONGEST_ANSWER", 0.2)
    server.script({"hold": "before-answer"})
    with pytest.raises(AnswerTimeout, match="untested"):
        trial()
    server.wait("body")
    assert [request["stage"] for request in server.requests()] == ["body"], "it is still at it"


def test_no_network_is_the_clients_sentence() -> None:
    settings.save(Settings(origin=f"http://127.0.0.1:{unused_port()}"))
    with pytest.raises(ConnectionFailedError, match="could not be reached"):
        trial()


def test_without_a_key_of_its_own_a_test_takes_the_stored_one(server: RegenServer) -> None:
    with pytest.raises(PhotioError, match="no key to test"):
        trial("")
    report(StoreKey(KEY))
    assert trial("").accepted
    (request,) = server.requests()
    assert request["headers"]["x-photio-key"] == KEY


def test_testing_a_key_stores_nothing(server: RegenServer) -> None:
    trial()
    assert report().key_hint is None


def test_what_cannot_be_a_key_is_not_sent(server: RegenServer) -> None:
    with pytest.raises(KeyFormatError):
        trial("two words")
    assert server.requests() == []


def test_the_doctor_is_a_table(server: RegenServer) -> None:
    found = answer(AskDoctor())
    assert isinstance(found, DoctorReport)
    assert found.healthy
    assert f"{server.origin} is reached" in found.text


def test_other_messages_are_not_for_this_desk() -> None:
    assert answer(Open()) is None
