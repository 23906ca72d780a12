"""Each part of the code imports only what the architecture allows, and the picture of it is true."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    import rooms  # type: ignore[import-not-found]

    yield rooms
    del sys.modules["rooms"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("bridge", "plugin", "docs"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    return tmp_path


def test_every_import_follows_the_table_and_the_picture_shows_it(rooms: Any) -> None:
    assert rooms.problems() == []


@pytest.mark.parametrize("line", ["from bridge.job import steps", "def late():\n    import bridge.job.steps"])
def test_an_import_that_runs_up_is_found(rooms: Any, copy: Path, line: str) -> None:
    (copy / "bridge/pixels/more.py").write_text(f"{line}\n")
    (problem,) = rooms.problems(copy)
    assert problem.startswith("bridge/pixels/more.py:")
    assert "“pixels” must not import “job”" in problem


def test_the_plug_in_may_not_import_the_bridges_inside(rooms: Any, copy: Path) -> None:
    (copy / "plugin/photio/canvas/more.py").write_text("from bridge.pixels.geometry import Box\n")
    assert ["must not import “pixels”" in problem for problem in rooms.problems(copy)] == [True]


def test_a_rule_that_nothing_needs_is_found(rooms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rooms.BRIDGE, "regen", {*rooms.BRIDGE["regen"], "protocol"})
    assert "“regen” does not import “protocol”: remove it from the table" in rooms.problems()


def test_a_rule_that_points_up_is_found(rooms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rooms.BRIDGE, "pixels", {*rooms.BRIDGE["pixels"], "job"})
    assert "“pixels” stands below “job”, and may not import it" in rooms.problems()


def test_an_old_picture_is_found(rooms: Any, copy: Path) -> None:
    document = copy / rooms.DOCUMENT
    document.write_text(document.read_text().replace("  pixels --> common\n", ""))
    assert ["picture is out of date" in problem for problem in rooms.problems(copy)] == [True]


def test_modules_that_import_each_other_are_found(rooms: Any, copy: Path) -> None:
    (copy / "bridge/pixels/one.py").write_text("from bridge.pixels import two\n")
    (copy / "bridge/pixels/two.py").write_text("def late():\n    from bridge.pixels.one import x\n")
    assert rooms.problems(copy) == ["circle of modules: bridge.pixels.one → bridge.pixels.two → bridge.pixels.one"]
