"""What the plug-in's folder holds after an installation, and what the doctor can tell about such a folder."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import __version__
from bridge.setup import contents
from tests.unit.install_world import REPOSITORY, tree

OLD_INSTALLATION = Path(__file__).parent / "data" / "old-installation"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout's plug-in and bridge."""
    folder = tmp_path / "checkout"
    for name in ("bridge", "plugin"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "LICENSE", folder)
    return folder


def filled(tmp_path: Path, checkout: Path, link: bool = False) -> Path:
    folder = tmp_path / "photio"
    folder.mkdir()
    contents.copy(checkout, folder, link)
    contents.write_list(folder)
    return folder


def test_the_folder_has_all_that_the_plug_in_needs_and_no_bytecode(tmp_path: Path, checkout: Path) -> None:
    for name in ("plugin/photio/__pycache__/early.pyc", "bridge/store/__pycache__/journal.pyc", "bridge/old.pyc"):
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_bytes(b"old")
    found = {path.relative_to(tmp_path / "photio").as_posix() for path in filled(tmp_path, checkout).rglob("*")}
    needed = {"photio.py", "windows/parts.py", "LICENSE", "locale/de.po", "contents.sha256"}
    assert needed | {"bridge/__main__.py", "bridge/store/journal.py", "bridge/requirements.lock"} <= found
    assert not [name for name in found if "pyc" in name]
    assert "locale/photio.pot" not in found


def test_gimp_can_start_it_and_asks_it_again_after_an_update(tmp_path: Path, checkout: Path) -> None:
    plugin = checkout / "plugin/photio/photio.py"
    plugin.chmod(0o644)
    os.utime(plugin, (1, 1))
    made = (filled(tmp_path, checkout) / "photio.py").stat()
    assert stat.S_IMODE(made.st_mode) == 0o755
    assert made.st_mtime > 1


def test_a_read_only_checkout_makes_no_folder_that_cannot_be_removed(tmp_path: Path, checkout: Path) -> None:
    for path in checkout.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder = filled(tmp_path, checkout)
    assert [path for path in folder.rglob("*") if not path.stat().st_mode & stat.S_IWUSR] == []
    for path in checkout.rglob("*"):
        path.chmod(0o755)


def test_a_link_shows_what_is_changed_in_the_checkout_and_leaves_it_alone(tmp_path: Path, checkout: Path) -> None:
    before = tree(checkout)
    folder = filled(tmp_path, checkout, link=True)
    (folder / "locale/de").mkdir()  # as compiling the languages does
    assert tree(checkout) == before
    (checkout / "bridge/new.py").write_text("")
    assert (folder / "bridge/new.py").exists()
    assert (folder / "locale/de.po").resolve() == checkout / "plugin/photio/locale/de.po"
    assert contents.linked(folder) == str(checkout)
    assert (contents.is_photio(folder), contents.version(folder), contents.damage(folder)) == (True, __version__, [])


def test_a_link_whose_checkout_is_gone_is_still_known(tmp_path: Path, checkout: Path) -> None:
    folder = filled(tmp_path, checkout, link=True)
    checkout.rename(tmp_path / "moved")
    assert contents.is_photio(folder)
    assert contents.linked(folder) == str(checkout)
    assert contents.damage(folder) == ["photio.py", "bridge"]


def test_a_whole_folder_has_no_damage(tmp_path: Path, checkout: Path) -> None:
    folder = filled(tmp_path, checkout)
    for added in ("locale/de/LC_MESSAGES/photio.mo", "__pycache__/early.cpython-311.pyc"):
        (folder / added).parent.mkdir(parents=True)
        (folder / added).write_bytes(b"made later")
    assert contents.damage(folder) == []
    assert contents.is_photio(folder)
    assert contents.linked(folder) == ""
    assert contents.version(folder) == __version__


def test_languages_that_are_compiled_again_are_no_damage(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "photio/locale/de/LC_MESSAGES").mkdir(parents=True)
    compiled = tmp_path / "photio/locale/de/LC_MESSAGES/photio.mo"
    compiled.write_bytes(b"by one release of polib")
    contents.copy(checkout, tmp_path / "photio")
    contents.write_list(tmp_path / "photio")
    contents.write_list(tmp_path / "photio")  # nor is the list itself in the list
    compiled.write_bytes(b"by another one")
    assert contents.damage(tmp_path / "photio") == []


def test_missing_and_changed_files_are_named(tmp_path: Path, checkout: Path) -> None:
    folder = filled(tmp_path, checkout)
    (folder / "early.py").unlink()
    (folder / "bridge/requirements.lock").write_text("other\n")
    shutil.rmtree(folder / "windows")
    (folder / "windows").write_text("a file in the place of the folder")
    damage = contents.damage(folder)
    assert {"early.py", "bridge/requirements.lock"} <= set(damage)
    assert {name.split("/")[0] for name in damage} == {"early.py", "bridge", "windows"}


@pytest.mark.parametrize("text", [None, "", "no list\n", "\xff\xfe"])
def test_a_folder_without_a_usable_list_is_damaged(tmp_path: Path, checkout: Path, text: str | None) -> None:
    folder = filled(tmp_path, checkout)
    (folder / "contents.sha256").unlink()
    if text is not None:
        (folder / "contents.sha256").write_text(text, encoding="latin-1")
    assert contents.damage(folder) == ["contents.sha256"]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_a_user_can_check_the_folder_with_a_usual_tool(tmp_path: Path, checkout: Path) -> None:
    folder = filled(tmp_path, checkout)
    command = ["sha256sum", "--check", "--strict", "--quiet", "contents.sha256"]
    assert subprocess.run(command, cwd=folder, check=False).returncode == 0
    (folder / "photio.py").write_text("other")
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("lost", ["photio.py", "bridge/__init__.py", "contents.sha256"])
def test_a_folder_of_ours_that_lost_a_file_is_still_ours(tmp_path: Path, checkout: Path, lost: str) -> None:
    folder = filled(tmp_path, checkout)
    (folder / lost).unlink()
    assert contents.is_photio(folder)
    assert contents.version(folder) == ("" if lost == "bridge/__init__.py" else __version__)


def test_a_folder_of_version_0_1_0_is_ours(tmp_path: Path) -> None:
    (tmp_path / "photio").mkdir()
    shutil.copy(OLD_INSTALLATION / "install.json", tmp_path / "photio")
    assert contents.is_photio(tmp_path / "photio")


def test_somebody_elses_folder_is_not_ours(tmp_path: Path, checkout: Path) -> None:
    folder = tmp_path / "photio"
    assert not contents.is_photio(folder)
    (folder / "bridge").mkdir(parents=True)
    (folder / "photio.py").write_text("print('Photio')")
    assert not contents.is_photio(folder)
    (folder / "bridge/__init__.py").write_text('"""A bridge between cameras."""')
    (folder / "install.json").write_text('{"format": 1, "name": "another plug-in"}')
    assert not contents.is_photio(folder)


def test_a_folder_that_is_itself_a_link_is_left_alone(tmp_path: Path, checkout: Path) -> None:
    folder = filled(tmp_path, checkout)
    (tmp_path / "link").symlink_to(folder)
    assert not contents.is_photio(tmp_path / "link")


def test_it_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "bridge/setup/contents.py", tmp_path)
    code = f"import sys; sys.path = [p for p in sys.path if 'site-packages' not in p] + [{str(tmp_path)!r}]; "
    code += "import contents; print(contents.version.__name__)"
    assert subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code], check=False).returncode == 0
