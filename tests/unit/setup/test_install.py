"""What a user notices of `install.py`, on made-up home directories."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.setup import commands, environment, gimps, plugin_folder
from bridge.setup.gimps import Computer
from tests.unit.install_world import REPOSITORY, STUB_BRIDGE, World, make_world, tree


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("platform", "root", "kind"),
    [
        ("linux", ".config/GIMP", "native"),
        ("linux", ".var/app/org.gimp.GIMP/config/GIMP", "flatpak"),
        ("linux", "snap/gimp/current/.config/GIMP", "snap"),
        ("darwin", "Library/Application Support/GIMP", "native"),
        ("win32", "AppData/Roaming/GIMP", "native"),
    ],
)
def test_every_gimp_3_is_found_and_no_older_one(tmp_path: Path, platform: str, root: str, kind: str) -> None:
    for release in ("2.10", "2.99", "3.0", "3.2", "tmp"):
        (tmp_path / root / release).mkdir(parents=True)
    computer = Computer(platform, tmp_path, {"APPDATA": str(tmp_path / "AppData/Roaming")})
    found = gimps.find(computer, [])
    assert [(gimp.directory.name, gimp.kind) for gimp in found] == [("3.0", kind), ("3.2", kind)]
    assert found[0].directory.parent == tmp_path / root


def test_directories_that_the_user_moved_are_found(tmp_path: Path) -> None:
    (tmp_path / "moved/GIMP/3.0").mkdir(parents=True)
    variables = {"XDG_CONFIG_HOME": str(tmp_path / "moved"), "GIMP3_DIRECTORY": "own"}
    found = gimps.find(Computer("linux", tmp_path, variables), [])
    assert [gimp.directory for gimp in found] == [tmp_path / "moved/GIMP/3.0", tmp_path / "own"]


def test_a_gimp_that_never_ran_gets_the_plug_in_and_uninstall_leaves_no_directory(world: World) -> None:
    world.program("gimp-3.2", "print('GNU Image Manipulation Program version 3.2.6')")
    before = tree(world.home)
    assert world.install() == 0
    assert (world.home / ".config/GIMP/3.2/plug-ins/photio/photio.py").is_file()
    assert world.uninstall() == 0
    assert {path for path in tree(world.home) if "photio" in path or "GIMP" in path} == set(before)


def test_without_any_gimp_one_sentence_says_what_to_do(world: World) -> None:
    done = world.run()
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("No GIMP 3 was found; install GIMP 3.0 or later")
    assert done.stderr.count("\n") == 1


def test_the_installed_folder_has_all_the_plug_in_needs(world: World) -> None:
    (world.checkout / "plugin/photio/photio.py").chmod(0o644)
    (world.checkout / "bridge/__pycache__").mkdir()
    folder = world.gimp() / "plug-ins/photio"
    assert world.install() == 0
    described = json.loads((folder / "install.json").read_text())
    assert described["format"] == 1
    assert (described["python"], described["isolated"], described["python_path"]) == (
        sys.executable,
        ["-I"],
        [],
    )
    assert described["bridge"] == str(folder / "bridge")
    assert os.access(folder / "photio.py", os.X_OK)
    assert (folder / "bridge/__main__.py").read_text() == STUB_BRIDGE
    assert not list(folder.rglob("__pycache__"))


def test_running_install_twice_changes_nothing(world: World) -> None:
    world.gimp()
    assert world.install() == 0
    before = tree(world.home)
    assert world.install() == 0
    assert tree(world.home) == before


def test_an_update_keeps_the_neural_engine(world: World) -> None:
    folder = world.gimp() / "plug-ins/photio"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "_fetch_model", lambda *_: None)
        assert world.install(neural=True) == 0
    assert world.install() == 0
    manifest = plugin_folder.read_manifest(folder)
    assert manifest is not None
    assert (manifest.neural, manifest.environment) == (True, "made-up-neural")


def test_linked_install_follows_the_checkout(world: World) -> None:
    folder = world.gimp() / "plug-ins/photio"
    assert world.install(link=True) == 0
    (world.checkout / "plugin/photio/photio.py").write_text("print('edited')\n")
    assert (folder / "photio.py").read_text() == "print('edited')\n"
    assert not (folder / "install.json").is_symlink()
    assert not (world.checkout / "plugin/photio/install.json").exists()
    assert world.uninstall() == 0
    assert (world.checkout / "plugin/photio/photio.py").is_file()
    assert (world.checkout / "bridge/__main__.py").is_file()


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--dry-run", "--uninstall"], ["--doctor"]])
def test_looking_changes_nothing(world: World, arguments: list[str]) -> None:
    world.gimp()
    world.gimp(kind="flatpak")
    if arguments[-1] != "--dry-run":
        world.install(gimp_dirs=(world.gimp(),))
    before = tree(world.home.parent)
    done = world.run(*arguments)
    assert "Traceback" not in done.stderr
    assert str(world.gimp()) in done.stdout
    assert tree(world.home.parent) == before


def test_uninstall_removes_all_it_made_and_nothing_else(world: World, tmp_path: Path) -> None:
    for directory in (world.gimp(), world.gimp("3.2")):
        (directory / "plug-ins/other").mkdir(parents=True)
        (directory / "gimprc").write_text("(theme)\n")
    (world.home / ".config/photio").mkdir()
    (world.home / ".config/photio/settings.json").write_text("{}")
    before = tree(world.home)
    elsewhere = tmp_path / "elsewhere/3.0"
    assert world.install() == 0
    assert world.install(gimp_dirs=(elsewhere,)) == 0
    assert world.uninstall() == 0
    assert {path: text for path, text in tree(world.home).items() if path != ".local"} == {
        **before,
        ".local/share": "",
    }
    assert not elsewhere.exists()
    assert world.uninstall() == 0


def test_uninstall_says_what_it_keeps_and_purge_removes_that_too(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    journal = world.home / ".local/share/photio/journal"
    job = journal / "20261123-104501-3fa9c1"
    job.mkdir(parents=True)
    (job / "answer-1-1.png").write_text("paid for")
    assert world.uninstall() == 0
    assert (job / "answer-1-1.png").read_text() == "paid for"
    assert str(journal) in capsys.readouterr().out
    assert world.uninstall(purge=True) == 0
    assert not journal.parent.exists()


def test_somebody_elses_folder_is_refused_and_not_touched(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    folder = world.gimp() / "plug-ins/photio"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text("mine")
    for act in (world.install, world.uninstall):
        assert act() == 1
        assert (folder / "mine.py").read_text() == "mine"
        assert "was not made by this installer" in capsys.readouterr().err


def test_packages_that_another_gimp_still_uses_are_kept(world: World, tmp_path: Path) -> None:
    world.gimp()
    world.install()
    (environment.environments() / "older").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "_fetch_model", lambda *_: None)
        world.install(gimp_dirs=(tmp_path / "elsewhere/3.0",), neural=True)
    assert sorted(path.name for path in environment.environments().iterdir()) == ["made-up", "made-up-neural"]
    world.uninstall(gimp_dirs=(tmp_path / "elsewhere/3.0",))
    assert [path.name for path in environment.environments().iterdir()] == ["made-up"]


def test_the_doctor_finds_a_changed_file_and_says_what_to_do(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.program("gimp", "print('GNU Image Manipulation Program version 3.0.4')")
    folder = world.gimp() / "plug-ins/photio"
    world.install()
    options = commands.Options(world.checkout)
    capsys.readouterr()
    assert commands.examine(options, world.computer) == 0
    out = capsys.readouterr().out
    assert [line.split("  ")[0] for line in out.splitlines()[1:]] == [
        "GIMP 3.0",
        "plug-in folder",
        "interpreter",
        "packages",
    ]
    assert "3.0.4" in out
    (folder / "photio.py").write_text("cut sh")
    assert commands.examine(options, world.computer) == 1
    assert "missing or changed: photio.py" in capsys.readouterr().out


def _fail_at(step: int, patch: pytest.MonkeyPatch, error: BaseException) -> None:
    replace, count = os.replace, iter(range(1, 100))

    def replacing(source: Path, target: Path) -> None:
        if Path(target).name == "installations.json":
            return replace(source, target)
        if next(count) == step:
            raise error
        return replace(source, target)

    patch.setattr(os, "replace", replacing)


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_install_leaves_the_previous_one_whole(world: World, step: int, error: BaseException) -> None:
    world.gimp()
    world.install()
    before = tree(world.home)
    (world.checkout / "plugin/photio/new.py").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        _fail_at(step, patch, error)
        with pytest.raises(type(error)):
            world.install()
    assert tree(world.home) == before


def test_a_new_version_whose_bridge_does_not_run_leaves_the_previous_one(world: World) -> None:
    world.gimp()
    world.install()
    before = tree(world.home)
    (world.checkout / "bridge/broken.py").write_text("")
    assert world.install() == 1
    assert tree(world.home) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from bridge.setup import commands, environment, plugin_folder
from bridge.setup.gimps import Computer
moment, checkout, python = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
replace = os.replace
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def replacing(source, target):
    if moment == "away" and Path(target).name == "photio": die()
    replace(source, target)
    if moment == "in" and Path(target).name == "photio": die()
os.replace = replacing
if moment == "staging": plugin_folder._write_manifest = die
if moment == "proving": commands.doctor.prove = die
runtime = environment.Runtime(python, environment.environments() / "made-up", None)
commands.install(commands.Options(checkout), Computer.this(), lambda *_: runtime)
"""


@pytest.mark.parametrize("moment", ["staging", "away", "in", "proving"])
def test_the_next_run_repairs_what_a_killed_one_left(world: World, moment: str) -> None:
    directory = world.gimp()
    world.install()
    before = tree(world.home)
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", KILLED, moment, str(world.checkout), sys.executable]
    done = subprocess.run(command, env=environ, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    whole = [
        folder
        for folder in (directory / "plug-ins/photio", directory / ".photio-previous")
        if (manifest := plugin_folder.read_manifest(folder)) and not plugin_folder.damage(folder, manifest)
    ]
    assert whole, "neither the previous nor the new install survived"
    assert world.install() == 0
    assert tree(world.home) == before
