"""The doctor finds what is wrong and says what to do."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.doctor import Check, as_table, has_problem, storage
from bridge.doctor import checks as doctor
from bridge.store.key import key_file
from tests.faults.proxies import Proxy, Socks, proxied
from tests.unit.history_jobs import put, quick_record


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PHOTIO_HOME", str(home))
    monkeypatch.setenv("PHOTIO_ORIGIN", "http://127.0.0.1:1")
    monkeypatch.delenv("PHOTIO_API_KEY", raising=False)
    return home


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def checks() -> dict[str, Check]:
    return {check.name: check for check in doctor.examine()}


def test_a_good_installation_is_called_good(listening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTIO_ORIGIN", listening)
    found = checks()
    assert {name: check.state for name, check in found.items() if check.state != "ok"} == {}
    assert found["MI-GAN"].found == "not installed; Filters > Photio > Settings adds it"
    assert found["PatchMatch"].found == "fills a hole"
    assert not has_problem(list(found.values()))


def test_a_service_that_is_not_reached_is_only_a_warning() -> None:
    found = checks()
    assert found["service"].state == "warning"
    assert "http://127.0.0.1:1" in found["service"].found
    assert not has_problem(list(found.values()))


@pytest.mark.parametrize(
    ("kind", "says", "told"),
    [
        (Proxy, "407 Proxy Authentication Required", "wants a user name and a password"),
        (Proxy, "403 Forbidden", "does not let requests through to photio.example"),
        (Socks, "2", "does not let requests through to photio.example"),
    ],
)
def test_a_proxy_that_refuses_is_named_as_a_job_would_name_it(
    kind: type[Proxy], says: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = kind(1, says)
    monkeypatch.setattr(doctor, "_CONNECT_TIMEOUT", 60.0)
    monkeypatch.setenv("PHOTIO_ORIGIN", "https://photio.example")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("ALL_PROXY", proxy.origin.replace("//", "//me:hidden@"))
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    found = checks()["service"]
    proxy.close()
    assert found.state == "warning"
    assert f"The proxy {proxy.origin}, which ALL_PROXY names, {told}" in found.found
    assert "hidden" not in found.found + found.advice


def test_through_a_proxy_that_works_the_doctor_looks_at_the_service_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxied(Socks) as (server, proxy):
        monkeypatch.setenv("PHOTIO_ORIGIN", "https://photio.example")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("https_proxy", proxy.origin)
        monkeypatch.setattr(doctor, "_CONNECT_TIMEOUT", 60.0)  # a busy computer takes its time for TLS
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        assert "TLS certificate is not trusted" in checks()["service"].found
        assert server.requests == 0


def test_a_name_that_is_looked_up_forever_does_not_hang_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(origin: str) -> None:
        import threading

        threading.Event().wait(60)

    monkeypatch.setattr(doctor, "_connect", connect)
    monkeypatch.setattr(doctor, "_CONNECT_TIMEOUT", -0.4)
    assert checks()["service"].state == "warning"


@pytest.mark.parametrize(
    ("module", "name", "state"),
    [
        ("requests", "requests", "problem"),
        ("keyring", "keyring", "warning"),
        ("patchmatch", "PatchMatch", "problem"),
    ],
)
def test_a_missing_package_is_named_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, module: str, name: str, state: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    if module == "patchmatch":
        monkeypatch.delitem(sys.modules, "patchmatch.patch_match", raising=False)
    found = doctor._patchmatch() if name == "PatchMatch" else doctor._package(name)
    assert found.state == state
    assert "Filters > Photio" in found.advice


def test_an_engine_that_fills_nothing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    from patchmatch import patch_match

    monkeypatch.setattr(patch_match, "inpaint", lambda picture, hole, patch_size: picture)
    assert doctor._patchmatch().state == "problem"


def test_a_model_that_is_not_the_known_one_is_not_called_good(home: Path) -> None:
    from bridge.engine.models import model_path

    model_path().parent.mkdir(parents=True)
    model_path().write_bytes(b"something else")
    assert checks()["MI-GAN"].state == "warning"


def test_broken_settings_are_reported(home: Path) -> None:
    (home / "settings.json").write_text("{")
    assert checks()["settings"].state == "warning"


def test_an_address_that_cannot_be_used_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTIO_ORIGIN", "http://example.org")
    found = checks()
    assert found["settings"].state == "problem"
    assert "PHOTIO_ORIGIN" in found["settings"].advice


def test_a_journal_that_cannot_be_written_is_a_problem(home: Path) -> None:
    (home / "journal").write_text("a file in the folder's place")
    assert checks()["journal"].state == "problem"


def test_a_key_is_reported_by_its_place_only(home: Path) -> None:
    key_file().write_text("sk-0123456789abcdef")
    key_file().chmod(0o644)
    found = checks()
    assert found["API key"].state == "warning"
    assert "cdef" not in doctor.as_json(list(found.values())) + as_table(list(found.values()))


def test_nothing_is_changed_by_looking(home: Path) -> None:
    checks()
    assert list(home.iterdir()) == []


def test_people_and_programs_get_the_same_checks() -> None:
    found = [Check("One", "ok", "yes"), Check("Two", "problem", "no", "do it")]
    document = json.loads(doctor.as_json(found))
    assert document["checks"][1] == {"name": "Two", "state": "problem", "found": "no", "advice": "do it"}
    assert "→ do it" in as_table(found)
    assert has_problem(found)


def test_what_was_paid_for_and_never_inserted_is_counted(home: Path) -> None:
    put(home / "journal", quick_record(started=1e9, seeds=(7, 8), more={"placed": {"1": 1e9}}))
    put(home / "journal", quick_record(started=1e9, engine="offline"))
    found = checks()["history"]
    assert found.found.startswith("3 results, ")
    assert found.advice == "1 was paid for and never inserted: Filters > Photio > History has it"


def test_what_others_can_read_is_told_with_the_way_to_close_it(home: Path) -> None:
    assert checks()["privacy"].found == "only you can read what is kept"
    (home / "journal").mkdir(mode=0o755)
    (home / "journal").chmod(0o755)
    found = checks()["privacy"]
    assert (found.state, str(home / "journal") in found.advice) == ("warning", True)


def test_a_disk_that_is_nearly_full_is_told_before_a_job_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda place: SimpleNamespace(free=99_000_000))
    found = checks()["journal"]
    assert (found.state, "0.1 GB free" in found.found) == ("warning", True)


def test_a_log_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.os, "access", lambda place, mode: False)
    assert checks()["log"].state == "warning"
