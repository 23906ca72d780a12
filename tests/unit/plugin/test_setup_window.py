"""What the window says that sets Photio up, and what it makes of the process behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugin_side import plugin

UV = {"what": "uv 0.12.21", "source": "releases.example", "bytes": 17_400_000}
PACKAGES = {"what": "Photio's packages", "source": "packages.example", "bytes": 31_000_000}
PLAN: dict[str, Any] = {
    "kind": "plan",
    "reason": "missing",
    "fetches": [UV, PACKAGES],
    "folder": "/home/jo/photio",
    "licence": "MIT",
}
KEPT = "All is kept in “/home/jo/photio”; nothing else on this computer is changed."
THINGS = "about 48 MB: uv 0.12.21 (17 MB) from releases.example; Photio's packages (31 MB) from packages.example."


@pytest.fixture(scope="module")
def modules() -> Iterator[SimpleNamespace]:
    with plugin("windows.setup.texts", "windows.setup.messages") as (texts, messages):
        yield SimpleNamespace(texts=texts, messages=messages)


@pytest.mark.parametrize(
    ("reason", "neural", "damaged", "first"),
    [
        ("missing", False, False, f"Before it is used for the first time, Photio fetches {THINGS}"),
        ("damaged", False, False, f"Photio's packages are damaged and will be fetched again, {THINGS}"),
        ("missing", False, True, f"Photio's packages are damaged and will be fetched again, {THINGS}"),
        ("missing", True, False, f"To add MI-GAN (licence: MIT), Photio fetches {THINGS}"),
    ],
)
def test_two_sentences_say_what_is_fetched_from_where_how_much_and_where_to(
    modules: SimpleNamespace, reason: str, neural: bool, damaged: bool, first: str
) -> None:
    plan = modules.messages.decode(json.dumps(PLAN | {"reason": reason}))
    assert modules.texts.introduction(plan, neural, damaged) == f"{first} {KEPT}"


@pytest.mark.parametrize(
    ("step", "done", "total", "text"),
    [
        ("uv", 0, 17_000_000, "Fetching uv: 0 of about 17 MB"),
        ("python", 0, 0, "Finding or fetching Python…"),
        ("python", 12_345_678, 0, "Fetching Python: 12 MB"),
        ("packages", 31_000_000, 110_000_000, "Fetching the packages: 31 of about 110 MB"),
        ("model", 28_079_181, 28_079_181, "Fetching MI-GAN's model: 28 of about 28 MB"),
        ("check", 0, 0, "Checking that everything works…"),
        ("something new", 1, 0, "Setting up: 0 MB"),
    ],
)
def test_each_step_is_told_in_words(modules: SimpleNamespace, step: str, done: int, total: int, text: str) -> None:
    assert modules.texts.progress(modules.messages.Step(step, done, total)) == text


@pytest.mark.parametrize(("code", "helps"), [("network", True), ("proxy", True), ("disk", False), ("setup", False)])
def test_a_proxy_is_named_where_one_may_be_in_the_way(modules: SimpleNamespace, code: str, helps: bool) -> None:
    assert ("https_proxy" in modules.texts.hint(code)) == helps


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["kind", *PLAN]) | st.text(), inner),
)


@given(st.text() | st.builds(json.dumps, JSON) | JSON.map(lambda value: json.dumps(PLAN | {"fetches": value})))
def test_whatever_a_program_prints_is_a_message_or_none(modules: SimpleNamespace, line: str) -> None:
    message = modules.messages.decode(line)
    assert message is None or isinstance(message, modules.messages.Message)
