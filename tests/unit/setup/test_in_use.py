"""A set-up takes nothing away that somebody still runs with: a bridge at work, or another GIMP."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.common import environments
from bridge.protocol import encode
from bridge.protocol.history import AskPrompts
from bridge.store import locks
from tests.unit.install_world import REPOSITORY, World, make_world, tree


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


@contextmanager
def bridge_in(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A bridge that runs with an environment; it has answered once."""
    command = environments.command(str(folder), str(REPOSITORY / "bridge"), "service")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(encode(AskPrompts(), 1))
        running.stdin.flush()
        assert running.stdout.readline()
        yield running
        running.stdin.close()
        running.wait(60)


def update(world: World, text: str = "newer packages") -> None:
    """The next version of Photio needs other packages."""
    (world.checkout / "bridge" / environments.LOCKS[False]).write_text(f"{text}\n")


def test_an_update_leaves_the_packages_that_a_running_bridge_imports_from_and_a_later_one_removes_them(
    world: World,
) -> None:
    world.gimp()
    older = world.put_environment()
    before = tree(older)
    with bridge_in(older), bridge_in(older):
        assert world.install() == 0
        assert tree(older) == before
        assert len(world.present()) == 2
    update(world)
    assert world.install() == 0
    assert world.present() == [world.environment()]


def test_uninstalling_while_a_bridge_runs_says_what_is_left_and_the_next_time_removes_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    older = world.put_environment()
    with bridge_in(older):
        assert world.uninstall() == 1
        assert environments.usable(str(older))
        assert f"Kept, for Photio may be running with it: {older}; close GIMP" in capsys.readouterr().out
    assert world.uninstall(purge=True) == 0  # the bridge has a log
    assert not (world.home / ".local/share/photio").exists()


def test_where_the_file_system_has_no_locks_packages_are_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    before = world.present()

    def refuse(*_arguments: object, **_more: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "_lock", refuse)
    assert world.uninstall() == 1
    assert world.present() == before
    assert "close GIMP, then run this again" in capsys.readouterr().out


@pytest.mark.parametrize("left", ["a removal", "a set-up"])
def test_what_was_interrupted_is_finished_by_the_next_set_up(world: World, left: str) -> None:
    world.gimp()
    half = world.put_environment()
    if left == "a removal":
        half.rename(half.with_name(f"removed-{half.name}"))
    else:
        (half / environments.MARKER).unlink()
    (world.environments.parent / "fetching").mkdir()
    assert world.install() == 0
    assert world.present() == [world.environment()]
    assert not (world.environments.parent / "fetching").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"relative\n\n/gone\n", b"/" * 100_000])
def test_a_damaged_marker_costs_nobody_anything(world: World, content: bytes) -> None:
    folder = world.gimp() / "plug-ins/photio"
    world.install()
    marker = world.environments / world.environment() / environments.MARKER
    marker.write_bytes(content)
    assert world.install() == 0
    assert world.present() == [world.environment()]
    assert world.uninstall() == 0
    assert (folder.exists(), world.present()) == (False, [])


def test_a_gimp_in_an_unusual_place_keeps_its_packages_until_it_is_deleted(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere/3.0"
    assert world.install(gimp_dir=(elsewhere,)) == 0
    theirs = world.environment()
    update(world)
    assert world.install(gimp_dir=(world.gimp(),)) == 0
    assert world.present() == sorted([theirs, world.environment()])
    os.rename(elsewhere, tmp_path / "away")
    update(world, "newest packages")
    assert world.install(gimp_dir=(world.gimp(),)) == 0
    assert world.present() == [world.environment()]


def test_a_copy_for_the_next_release_of_gimp_keeps_its_packages_when_the_first_is_deleted(world: World) -> None:
    first, second = world.gimp() / "plug-ins/photio", world.gimp("3.2") / "plug-ins/photio"
    assert world.install(gimp_dir=(world.gimp(),)) == 0
    shutil.copytree(first, second)  # as GIMP does with its directory
    assert world.uninstall(gimp_dir=(world.gimp(),)) == 0
    assert not first.exists()
    assert environments.packages(str(second / "bridge" / environments.LOCKS[False])) in world.present()[0]
    assert world.uninstall() == 0
    assert world.present() == []


def test_damaged_packages_of_mi_gan_that_nobody_has_any_more_do_not_stay_in_the_way(world: World) -> None:
    world.gimp()
    assert world.install() == 0
    packages = environments.packages(str(world.checkout / "bridge" / environments.LOCKS[True]))
    damaged = world.environments / world.environment().replace(world.environment().split("-")[0], packages)
    (damaged / "bin").mkdir(parents=True)
    (damaged / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    (damaged / "bin/python").chmod(0o755)
    (damaged / environments.MARKER).touch()
    assert world.install() == 0
    assert world.present() == [world.environment()]
