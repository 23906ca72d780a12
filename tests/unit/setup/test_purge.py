"""`--uninstall --purge` leaves nothing that Photio made, and everything that it did not make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.engine import models
from bridge.protocol import Finished
from bridge.store import key, places, prompts, settings
from bridge.store.journal import JobFolder, lock_file
from bridge.store.locks import Lock
from bridge.store.settings import Settings
from tests.regen_server import RegenServer
from tests.unit.history_jobs import run_a_job
from tests.unit.install_world import REPOSITORY, World, make_world, tree

JOB = "20261123-104501-3fa9c1"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return make_world(tmp_path, monkeypatch)


@pytest.fixture
def server() -> Iterator[RegenServer]:
    with RegenServer() as server:
        yield server


def do_everything(origin: str) -> None:
    """Whatever makes Photio write something, and what a killed one leaves behind."""
    settings.settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings.settings_file().write_text("{")
    settings.save(settings.load()[0])  # the broken one is set aside
    key.store_key("sk-0123456789abcdef", Settings(origin=origin))
    folder, message = run_a_job(prompt="a red door")
    assert isinstance(message, Finished), message
    JobFolder(folder).note_placed((1,))
    prompts.remember("a red door")
    assert lock_file(places.journal_directory()).exists()
    (places.journal_directory() / f".gone-{JOB}").mkdir()
    for name in (".settings.json.0123456789ab", ".prompts.json.0123456789ab", ".api-key.0123456789ab"):
        (places.config_directory() / name).write_text("half")
    models.model_path().parent.mkdir(parents=True, exist_ok=True)
    models.model_path().write_bytes(b"a model")
    (places.model_directory() / ".model-a1b2c3_d").write_bytes(b"half a model")
    bridge = [sys.executable, "-I", str(REPOSITORY / "bridge"), "service"]
    subprocess.run(bridge, stdin=subprocess.DEVNULL, check=True, capture_output=True)
    assert places.log_file().exists()
    for number in ("", ".1", ".2"):
        Path(f"{places.log_file()}{number}").touch()


@pytest.mark.parametrize("own_home", [True, False], ids=["PHOTIO_HOME", "the usual directories"])
def test_after_everything_was_used_a_purge_leaves_nothing(
    world: World, server: RegenServer, monkeypatch: pytest.MonkeyPatch, own_home: bool
) -> None:
    if own_home:
        monkeypatch.setenv("PHOTIO_HOME", str(world.home / "own"))
    last_values = world.gimp() / "plug-in-settings"
    last_values.mkdir()
    (last_values / "GimpProcedureConfigRun-plug-in-gauss.last").write_text("")
    before = set(tree(world.home))
    (last_values / "GimpProcedureConfigRun-photio-regenerate.last").write_text("(prompt a red door)")
    world.install()
    do_everything(server.origin)
    assert world.uninstall(purge=True) == 0
    assert {path for path in tree(world.home) if path not in (".config", ".local", ".local/share")} == before - {
        ".config"
    }


@pytest.mark.parametrize("own_home", [True, False], ids=["PHOTIO_HOME", "the usual directories"])
def test_a_purge_leaves_what_photio_did_not_make(
    world: World, server: RegenServer, monkeypatch: pytest.MonkeyPatch, own_home: bool
) -> None:
    if own_home:
        monkeypatch.setenv("PHOTIO_HOME", str(world.home / "Pictures"))
    theirs = [
        places.config_directory() / "settings.json.mine",
        places.config_directory() / "notes" / "api-key",
        places.data_directory() / "holiday.jpg",
        places.journal_directory() / "Monday.txt",
        places.journal_directory() / "2026" / "November.txt",
        places.model_directory() / "house.blend",
        places.log_file().parent / "firewood.txt",
    ]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    world.gimp()
    before = {path: text for path, text in tree(world.home).items() if text}
    world.install()
    do_everything(server.origin)
    assert world.uninstall(purge=True) == 0
    assert {path: text for path, text in tree(world.home).items() if text} == before


def test_a_purge_keeps_a_job_that_is_at_work_and_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.gimp()
    world.install()
    working = places.journal_directory() / JOB
    working.mkdir(parents=True)
    lock = Lock(working / ".busy")
    assert lock.take()
    assert world.uninstall(purge=True) == 1
    assert working.is_dir()
    assert f"Photio is at work with it: {working}" in capsys.readouterr().out
    lock.release()
    assert world.uninstall(purge=True) == 0
    assert not working.exists()


RING = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
from pathlib import Path
FILE = Path(__file__).with_name("entry")
class Ring(KeyringBackend):
    priority = 5
    def get_password(self, service, username):
        if FILE.with_name("locked").exists():
            raise KeyringLocked
        return FILE.read_text() if FILE.exists() else None
    def set_password(self, service, username, password):
        FILE.write_text(password)
    def delete_password(self, service, username):
        FILE.unlink()
"""


@pytest.mark.parametrize("locked", [False, True], ids=["unlocked", "locked"])
def test_a_purge_clears_the_keyring_or_says_that_the_key_is_still_there(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, locked: bool
) -> None:
    ring = tmp_path / "ring"
    ring.mkdir()
    (ring / "own_ring.py").write_text(RING)
    # The installed bridge runs isolated: a real program in its place finds this keyring for it.
    start = f"import runpy, sys; sys.path[:0] = [{str(ring)!r}, {str(REPOSITORY)!r}]; sys.argv = sys.argv[1:]; "
    start += "runpy.run_module('bridge.commands.cli', run_name='cli')['main']()"
    program = world.checkout / "bridge/__main__.py"
    program.write_text(
        "import subprocess, sys\n"
        "if sys.argv[1] == 'key':\n"
        f"    sys.exit(subprocess.call([{sys.executable!r}, '-c', {start!r}, 'bridge', *sys.argv[1:]]))\n"
        + program.read_text()
    )
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "own_ring.Ring")
    world.gimp()
    world.install()
    command = [sys.executable, str(world.checkout / "bridge"), "key", "set"]
    subprocess.run(command, input="sk-0123456789abcdef\n", text=True, check=True, capture_output=True)
    assert (ring / "entry").exists()
    if locked:
        (ring / "locked").touch()
    assert world.uninstall(purge=True) == int(locked)
    assert (ring / "entry").exists() == locked
    told = capsys.readouterr().out
    assert ("The API key is still in the system's keyring" in told) == locked
    assert "sk-0123" not in told
    assert not places.config_directory().exists()


def test_a_dry_purge_says_what_would_go_and_removes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    last_values = world.gimp() / "plug-in-settings"
    last_values.mkdir()
    (last_values / "GimpProcedureConfigRun-photio-regenerate.last").write_text("(prompt a red door)")
    prompts.remember("a red door")
    before = tree(world.home)
    assert world.uninstall(purge=True, dry_run=True) == 0
    told = capsys.readouterr().out
    assert str(places.config_directory()) in told
    assert str(last_values) in told
    assert tree(world.home) == before


def test_a_sandboxes_own_directories_are_purged_as_carefully(world: World) -> None:
    base = world.home / ".var/app/org.gimp.GIMP"
    for place in ("config/photio/settings.json", f"data/photio/journal/{JOB}/request.json", "data/photio/journal.lock"):
        (base / place).parent.mkdir(parents=True, exist_ok=True)
        (base / place).write_text(json.dumps({}))
    (base / "data/photio/mine.txt").write_text("mine")
    assert world.uninstall(purge=True) == 0
    assert [path for path in base.rglob("*") if path.is_file()] == [base / "data/photio/mine.txt"]
    assert os.listdir(base / "data/photio") == ["mine.txt"]
