"""Which of the proxies that the desktop names is used, and when the environment is asked instead."""

from __future__ import annotations

import pytest

from bridge.regen import desktop, http

ORIGIN = "https://photio.invalid:8443"
OFFICE = "http://office.invalid:3128"


@pytest.fixture(autouse=True)
def nothing_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(desktop, "_proxies", {})


def _used() -> str | None:
    proxy = http.proxy_for(f"{ORIGIN}/v1/inference/regen", 10)
    return proxy and proxy.url


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([], None),
        (["direct://"], None),
        (["direct://", OFFICE], None),
        ([OFFICE], OFFICE),
        (["socks://office.invalid:1080"], "socks5h://office.invalid:1080"),
        (["socks5://office.invalid:1080"], "socks5://office.invalid:1080"),
    ],
)
def test_the_desktops_first_choice_is_taken(answer: list[str], expected: str | None) -> None:
    desktop.learn(ORIGIN, answer)
    assert _used() == expected


def test_the_latest_answer_holds_and_only_for_its_service() -> None:
    desktop.learn(ORIGIN, ["http://old.invalid:3128"])
    desktop.learn(ORIGIN, [OFFICE])
    assert _used() == OFFICE
    assert http.proxy_for("https://photio.invalid/v1", 10) is None


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"https_proxy": "http://mine.invalid:80"}, "http://mine.invalid:80"),
        ({"all_proxy": "http://mine.invalid:80"}, "http://mine.invalid:80"),
        ({"http_proxy": "http://mine.invalid:80"}, OFFICE),  # which is for plain HTTP alone
        ({"no_proxy": "elsewhere.invalid"}, OFFICE),
        ({"no_proxy": "photio.invalid"}, None),
        ({"no_proxy": "*"}, None),
        ({"https_proxy": "http://mine.invalid:80", "no_proxy": "photio.invalid"}, None),
    ],
)
def test_a_variable_of_the_environment_comes_first(
    variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    desktop.learn(ORIGIN, [OFFICE])
    assert _used() == expected
