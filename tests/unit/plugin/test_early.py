"""The bridge that is started before GIMP's libraries: for a procedure only, once, and in an environment of its own."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bridge.common import environments

PLUG_IN = Path(__file__).parents[3] / "plugin" / "photio"
SAYS_WHAT_IT_SEES = (
    "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]), flush=True); sys.stdin.read()"
)


@pytest.fixture
def early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as a plug-in has it whose bridge says what it sees."""
    specification = importlib.util.spec_from_file_location("early", PLUG_IN / "early.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.BRIDGE = str(tmp_path / "bridge")
    (tmp_path / "bridge").mkdir()
    (tmp_path / "bridge/__main__.py").write_text(SAYS_WHAT_IT_SEES)
    (tmp_path / "bridge/requirements.lock").write_text("")
    (tmp_path / "bridge/requirements-neural.lock").write_text("neural")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    environment = Path(environments.folder(module.BRIDGE, neural=False))
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/python").symlink_to(sys.executable)
    (environment / environments.MARKER).touch()
    return module


def test_it_is_running_before_it_is_asked_for_and_ends_with_its_pipe(
    early: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/another/python")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/an/appimage")
    monkeypatch.setenv("PHOTIO_HOME", "/kept")
    early.start(["photio.py", "-gimp", "1", "5", "6", "-run", "0"])
    running = early.take()
    arguments, environment = json.loads(running.stdout.readline())
    assert arguments == ["service"]
    assert environment["PHOTIO_HOME"] == "/kept"
    assert not {"PYTHONHOME", "LD_LIBRARY_PATH"} & set(environment)
    assert early.take() is None
    running.stdin.close()
    assert running.wait(180) == 0
    running.stdout.close()


@pytest.mark.parametrize("asked", ["-query", "-init"])
def test_nothing_is_started_when_gimp_only_asks_what_there_is(early: ModuleType, asked: str) -> None:
    early.start(["photio.py", "-gimp", "1", "5", "6", asked, "0"])
    assert early.take() is None


@pytest.mark.parametrize("missing", [environments.MARKER, "bin/python"])
def test_an_incomplete_environment_is_left_to_whoever_needs_the_bridge(early: ModuleType, missing: str) -> None:
    (Path(environments.folder(early.BRIDGE, neural=False)) / missing).unlink()
    early.start(["photio.py", "-run"])
    assert early.take() is None
    with pytest.raises(early.NotSetUp):
        early.command()
