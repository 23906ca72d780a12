"""GIMP as Flathub, Snap and AppImage package it: set up from inside and from outside, then an object is removed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.sandboxes import rig
from tests.sandboxes.conftest import with_wheels
from tests.sandboxes.outside import install
from tests.sandboxes.rig import Sandbox
from tests.sandboxes.setting_up import below, plan, set_up


@pytest.fixture
def flatpak(tree: Path, home: Path, supply: Path) -> Sandbox:
    """Flathub's GIMP."""
    return with_wheels(rig.flatpak(tree, home), supply)


@pytest.fixture
def snap(tree: Path, home: Path, supply: Path) -> Sandbox:
    """The Snap's GIMP, with the plug-in where it can be seen."""
    made = with_wheels(rig.snap(tree, home), supply)
    shutil.move(home / ".config" / "GIMP", made.config)
    return made


def test_flathubs_gimp_and_a_native_one_work_from_one_plug_in_folder(flatpak: Sandbox, gimp: Sandbox) -> None:
    assert set_up(flatpak)["kind"] == "done"
    assert plan(gimp)["reason"] == "missing"  # the one in the sandbox is not for this GIMP
    assert set_up(gimp)["kind"] == "done"
    assert [flatpak.remove_object(), gimp.remove_object()] == ["removed", "removed"]


def test_flathubs_extension_which_is_read_only_sets_up_and_removes_an_object(flatpak: Sandbox) -> None:
    before = below(flatpak.outside)
    extension = flatpak.having("--ro-bind", flatpak.outside, flatpak.folder)
    assert extension.run("touch", extension.folder / "mine").returncode != 0
    assert set_up(extension)["kind"] == "done"
    assert plan(extension)["kind"] == "done"
    assert extension.remove_object() == "removed"
    assert below(flatpak.outside) == before


def test_install_py_sets_up_flathubs_gimp_from_outside_and_removes_all_of_it(flatpak: Sandbox) -> None:
    shutil.rmtree(flatpak.home / ".config" / "GIMP" / "3.0" / "plug-ins" / "photio")
    before = below(flatpak.home)
    planned = install("flatpak", flatpak, "--dry-run")
    assert "to fetch: Photio's packages" in planned.stdout
    assert below(flatpak.home) == before
    done = install("flatpak", flatpak)
    assert done.returncode == 0, done.stderr
    examined = install("flatpak", flatpak, "--doctor")
    assert examined.returncode == 0, examined.stdout
    assert flatpak.remove_object() == "removed"
    shutil.rmtree(flatpak.programs / "journal")  # the user's
    removed = install("flatpak", flatpak, "--uninstall", "--purge")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert not {path for path in below(flatpak.home) if "photio" in path}


def test_the_snaps_gimp_sets_itself_up_from_inside(snap: Sandbox) -> None:
    assert set_up(snap)["kind"] == "done"
    assert snap.remove_object() == "removed"
    assert not below(snap.home / ".local" / "share")


def test_install_py_sets_up_the_snaps_gimp_from_outside(snap: Sandbox) -> None:
    done = install("snap", snap)
    assert done.returncode == 0, done.stderr
    examined = install("snap", snap, "--doctor")
    assert examined.returncode == 0, examined.stdout
    assert set_up(snap)["kind"] == "done"
    assert plan(snap)["kind"] == "done"  # there is nothing to do


def test_an_appimage_that_appears_at_another_path_finds_what_it_has_set_up(
    tree: Path, home: Path, supply: Path
) -> None:
    first, second = (with_wheels(rig.appimage(tree, home, letters), supply) for letters in ("Abcdef", "Uvwxyz"))
    assert set_up(first)["kind"] == "done"
    assert plan(second)["kind"] == "done"
    assert second.remove_object() == "removed"
