"""Which environment a GIMP finds: its own, by whatever path it is reached, and never one that it cannot run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.common import environments, systems
from tests.unit.install_world import REPOSITORY


@pytest.fixture(autouse=True)
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plug-in folder's `bridge`, as far as the look-up reads it, in a home of its own."""
    for name in ("SNAP", "SNAP_NAME", "APPIMAGE", "APPDIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return str(_plug_in(tmp_path / "3.0"))


def _plug_in(directory: Path) -> Path:
    folder = directory / "plug-ins" / "photio" / "bridge"
    folder.mkdir(parents=True)
    for name in environments.LOCKS.values():
        shutil.copy(REPOSITORY / "bridge" / name, folder)
    return folder


def make(folder: str) -> str:
    """An environment that is complete."""
    python = Path(systems.environment_python(folder))
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    Path(folder, environments.MARKER).write_text("")
    return folder


def pretend(monkeypatch: pytest.MonkeyPatch, **how: str) -> None:
    """Another GIMP: what it runs in, or its interpreter."""
    if python := how.pop("python", ""):
        monkeypatch.setattr(sys, "_base_executable", python)
    if machine := how.pop("machine", ""):
        monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", "1", "1", machine)))
    if how.pop("flatpak", ""):
        monkeypatch.setattr(systems, "sandbox", lambda *_: "flatpak")
    for name, value in how.items():
        monkeypatch.setenv(name, value)


SNAP = {"SNAP": "/snap/gimp/5", "SNAP_NAME": "gimp"}
APPIMAGE = {"APPIMAGE": "/home/me/GIMP.AppImage", "APPDIR": "/tmp/.mount_1"}


@pytest.mark.parametrize(
    "other",
    [
        {"python": "/opt/another/python3"},
        {"python": "/usr/bin/python3.99"},
        {"machine": "riscv128"},  # one home on two computers
        {"flatpak": "1"},
        SNAP,
        APPIMAGE,
    ],
    ids=["another Python", "another release", "another machine", "Flatpak", "Snap", "AppImage"],
)
def test_two_gimps_that_cannot_share_packages_never_do(
    bridge: str, monkeypatch: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    mine = make(environments.folder(bridge, neural=False))
    assert environments.find(bridge) == mine
    with monkeypatch.context() as patch:
        pretend(patch, **other)
        assert environments.find(bridge) is None
        theirs = make(environments.folder(bridge, neural=False))
        assert environments.find(bridge) == theirs != mine
    assert environments.find(bridge) == mine


def test_another_release_of_the_same_interpreter_is_another_one(bridge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = environments.folder(bridge, neural=False)
    monkeypatch.setattr(sys, "version_info", (3, 99, 0, "final", 0))  # /usr/bin/python3 after an upgrade
    assert environments.folder(bridge, neural=False) != before


def test_the_same_folder_reached_by_another_path_or_copied_finds_the_same_environment(
    bridge: str, tmp_path: Path
) -> None:
    made = make(environments.folder(bridge, neural=False))
    (tmp_path / "link").symlink_to(tmp_path / "3.0")
    shutil.copytree(tmp_path / "3.0", tmp_path / "3.2")
    for directory in ("link", "3.2"):
        assert environments.find(str(tmp_path / directory / "plug-ins/photio/bridge")) == made
    shutil.rmtree(tmp_path / "3.0")
    assert environments.find(str(tmp_path / "3.2" / "plug-ins/photio/bridge")) == made


def test_an_interpreter_reached_by_a_link_is_the_one_it_leads_to(
    bridge: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(environments.folder(bridge, neural=False))
    (tmp_path / "python3").symlink_to(os.path.realpath(sys._base_executable))
    pretend(monkeypatch, python=str(tmp_path / "python3"))
    assert environments.find(bridge) == made


def test_an_appimage_is_mounted_elsewhere_each_time_and_finds_its_own(
    bridge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, **APPIMAGE, python="/tmp/.mount_1/usr/bin/python3")
    made = make(environments.folder(bridge, neural=False))
    pretend(monkeypatch, **APPIMAGE | {"APPDIR": "/tmp/.mount_2"}, python="/tmp/.mount_2/usr/bin/python3")
    assert environments.find(bridge) == made


def test_an_update_with_other_packages_finds_another_environment_or_none(bridge: str) -> None:
    made = make(environments.folder(bridge, neural=False))
    Path(bridge, environments.LOCKS[False]).write_text("other packages\n")
    assert environments.find(bridge) is None
    assert environments.folder(bridge, neural=False) != made


def test_migans_environment_comes_first_where_it_is(bridge: str) -> None:
    plain = make(environments.folder(bridge, neural=False))
    neural = make(environments.folder(bridge, neural=True))
    assert environments.find(bridge) == neural != plain
    Path(neural, environments.MARKER).unlink()
    assert environments.find(bridge) == plain


@pytest.mark.parametrize("lost", [environments.MARKER, "bin/python"])
def test_what_is_incomplete_or_has_lost_its_interpreter_is_not_used(bridge: str, lost: str) -> None:
    made = make(environments.folder(bridge, neural=False))
    Path(made, lost).unlink()
    assert environments.find(bridge) is None


def test_an_interpreter_that_an_upgrade_of_the_system_removed_is_not_used(bridge: str, tmp_path: Path) -> None:
    made = make(environments.folder(bridge, neural=False))
    python = Path(systems.environment_python(made))
    python.unlink()
    python.symlink_to(tmp_path / "python3.10")
    assert environments.find(bridge) is None


def test_a_plug_in_folder_without_its_lock_file_is_an_error_that_the_plug_in_handles(bridge: str) -> None:
    Path(bridge, environments.LOCKS[True]).unlink()
    with pytest.raises(OSError, match=environments.LOCKS[True]):
        environments.find(bridge)


def test_the_plug_in_does_not_wait_for_what_the_look_up_does_not_need() -> None:
    code = "import sys; before = set(sys.modules); from bridge.common import environments; "
    code += "environments.find(sys.argv[1]); print(*sorted(set(sys.modules) - before))"
    command = [
        sys.executable,
        "-S",
        "-B",
        "-c",
        code,
        str(REPOSITORY / "bridge"),
    ]  # without the modules that site loads
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    slow = {"hashlib", "json", "pathlib", "subprocess", "re", "typing", "dataclasses", "shutil", "contextlib"}
    assert not slow & set(done.stdout.split())
