"""A script whose Python lacks a package continues in the tests' environment, or says why it cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """scripts/test/environment.py as the scripts import it, instead of the standard library's `test`."""
    monkeypatch.syspath_prepend(SCRIPTS)
    for name in ("test", "test.environment"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    from test import environment  # type: ignore[attr-defined]

    yield environment
    for name in ("test", "test.environment"):
        del sys.modules[name]


def test_a_python_that_has_the_packages_is_kept(environment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "directory", lambda: pytest.fail("the environment is not needed"))
    environment.require("json", "pathlib")


def test_without_a_package_the_script_starts_again_in_the_tests_environment(
    environment: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = []

    def execute(program: str, arguments: list[str]) -> NoReturn:
        started.append((program, arguments))
        raise SystemExit

    monkeypatch.setattr(environment, "directory", lambda: tmp_path)
    monkeypatch.setattr(os, "execv", execute)
    monkeypatch.setattr(sys, "argv", ["words.py", "check"])
    with pytest.raises(SystemExit):
        environment.require("json", "no_such_package")
    python = str(tmp_path / "bin" / "python")
    assert started == [(python, [python, "words.py", "check"])]


def test_a_package_that_the_tests_environment_lacks_too_is_named(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "directory", lambda: Path(sys.prefix))
    monkeypatch.setattr(os, "execv", lambda *_arguments: pytest.fail("it would start again and again"))
    with pytest.raises(SystemExit, match="has no no_such_package: remove that folder"):
        environment.require("no_such_package")
