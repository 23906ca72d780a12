"""An update takes nothing away that somebody still runs with: a bridge at work, or another GIMP."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.protocol import encode
from bridge.protocol.history import AskPrompts
from bridge.setup import commands, environment, gimps, installations, plugin_folder
from bridge.store import locks
from tests.unit.install_world import REPOSITORY, World, make_world, tree


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = make_world(tmp_path, monkeypatch)
    monkeypatch.delenv("PHOTIO_HOME", raising=False)
    return made


def put_environment(name: str) -> Path:
    """A real virtual environment without packages, complete as the installer says."""
    folder = environment.environments() / name
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], check=True)
    (folder / environment.MARKER).touch()
    return folder


@contextmanager
def bridge_in(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A bridge that runs with an environment; it has answered once."""
    command = [str(environment.venv_python(folder)), "-I", str(REPOSITORY / "bridge"), "service"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(encode(AskPrompts(), 1))
        running.stdin.flush()
        assert running.stdout.readline()
        yield running
        running.stdin.close()
        running.wait(60)


def present() -> list[str]:
    return sorted(path.name for path in environment.environments().iterdir())


def test_an_update_leaves_the_packages_that_a_running_bridge_imports_from_and_a_later_one_removes_them(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    older = put_environment("older")
    before = tree(older)
    with bridge_in(older), bridge_in(older):
        assert world.install() == 0
        assert tree(older) == before
        assert f"Kept older packages, which Photio may be running with; a later install removes them: {older}" in (
            capsys.readouterr().out
        )
    assert world.install() == 0
    assert present() == ["made-up"]


def test_uninstalling_while_a_bridge_runs_says_what_is_left_and_the_next_time_removes_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    older = put_environment("older")
    with bridge_in(older):
        assert world.uninstall() == 1
        assert environment.is_complete(older)
        assert f"Kept, for Photio may be running with it: {older}; close GIMP" in capsys.readouterr().out
    assert world.uninstall(purge=True) == 0  # the bridge has a log
    assert not (world.home / ".local/share/photio").exists()


def test_where_the_file_system_has_no_locks_packages_are_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gimp()
    world.install()
    put_environment("older")

    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "_lock", refuse)
    assert world.install() == 0
    assert present() == ["made-up", "older"]


def test_a_removal_that_was_interrupted_is_finished_by_the_next_install(world: World) -> None:
    world.gimp()
    world.install()
    half = environment.environments() / "removed-older" / "lib"
    half.mkdir(parents=True)
    assert world.install() == 0
    assert present() == ["made-up"]


def test_an_install_that_was_killed_when_the_packages_were_ready_leaves_nothing_for_ever(world: World) -> None:
    world.gimp()

    def killed(gimp: gimps.Gimp, *_more: object) -> environment.Runtime:
        put_environment("never-used")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commands.install(commands.Options(world.checkout), world.computer, killed)
    assert world.install() == 0
    assert present() == ["made-up"]


DAMAGED = {
    "empty": b"",
    "cut off": b'["/home/some',
    "no list": b'{"folders": 7}',
    "numbers": b"[1, 2]",
    "no text": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
}


def remembered(world: World) -> set[Path]:
    return set(installations.recall(world.computer).folders)


@pytest.mark.parametrize("content", [*DAMAGED.values(), None], ids=[*DAMAGED, "gone"])
def test_a_damaged_list_costs_no_other_gimp_its_packages_and_is_made_anew(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    usual, elsewhere = world.gimp() / "plug-ins/photio", tmp_path / "elsewhere/3.0"
    assert world.install() == 0
    assert world.install(gimp_dirs=(elsewhere,)) == 0
    for name in ("theirs", "made-up"):
        (environment.environments() / name).mkdir(exist_ok=True)
        (environment.environments() / name / environment.MARKER).touch()
    use(elsewhere / "plug-ins/photio", "theirs")
    if content is None:
        installations.list_file().unlink()
    else:
        installations.list_file().write_bytes(content)
    assert world.install(gimp_dirs=(world.gimp("3.2"),)) == 0
    assert "was damaged and has been made anew" in capsys.readouterr().out
    assert present() == ["made-up", "theirs"]
    assert remembered(world) == {usual, world.home / ".config/GIMP/3.2/plug-ins/photio"}
    assert world.install() == 0, "the list is whole now, and yet does not name everybody"
    assert present() == ["made-up", "theirs"]
    assert "has been made anew" not in capsys.readouterr().out
    assert world.install(gimp_dirs=(elsewhere,)) == 0
    assert elsewhere / "plug-ins/photio" in remembered(world)


def test_uninstalling_after_the_list_was_damaged_says_what_somebody_else_may_use(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    theirs = put_environment("theirs")
    installations.list_file().write_text("{")
    assert world.uninstall() == 0
    assert present() == ["made-up", "theirs"]
    assert f"another GIMP may use it: {theirs}" in capsys.readouterr().out
    assert not (world.gimp() / "plug-ins/photio").exists()


def test_looking_does_not_repair_the_list(world: World) -> None:
    world.gimp()
    world.install()
    installations.list_file().write_text("{")
    before = tree(world.home)
    assert world.install(dry_run=True) == world.uninstall(dry_run=True) == 0
    assert tree(world.home) == before


def use(folder: Path, name: str) -> None:
    """The plug-in folder uses that environment."""
    manifest = json.loads((folder / plugin_folder.MANIFEST).read_text())
    (folder / plugin_folder.MANIFEST).write_text(json.dumps({**manifest, "environment": name}))


def test_a_plug_in_folder_that_cannot_be_read_keeps_its_packages_and_its_place_in_the_list(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere/3.0"
    world.install(gimp_dirs=(elsewhere,))
    folder = elsewhere / "plug-ins/photio"
    (environment.environments() / "theirs").mkdir()
    use(folder, "theirs")
    (folder / plugin_folder.MANIFEST).write_text("{")
    assert world.install(gimp_dirs=(world.gimp(),)) == 0
    assert present() == ["made-up", "theirs"]
    assert str(folder) in capsys.readouterr().out
    assert folder in remembered(world)


def test_a_gimp_whose_install_was_interrupted_keeps_its_packages(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere/3.0"
    world.install(gimp_dirs=(elsewhere,))
    (environment.environments() / "theirs").mkdir()
    use(elsewhere / "plug-ins/photio", "theirs")
    (elsewhere / "plug-ins/photio").rename(elsewhere / ".photio-previous")
    assert world.install(gimp_dirs=(world.gimp(),)) == 0
    assert present() == ["made-up", "theirs"]
    assert plugin_folder.repair(gimps.classify(elsewhere, world.computer))
    assert plugin_folder.uses(elsewhere / "plug-ins/photio") == {"theirs"}


def test_a_gimp_that_was_deleted_by_hand_keeps_no_packages(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere/3.0"
    world.install(gimp_dirs=(elsewhere,))
    (environment.environments() / "theirs").mkdir()
    use(elsewhere / "plug-ins/photio", "theirs")
    os.rename(elsewhere, tmp_path / "away")
    assert world.install(gimp_dirs=(world.gimp(),)) == 0
    assert present() == ["made-up"]
