"""What a user notices of `install.py`, on made-up home directories."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.common import environments
from bridge.engine import models
from bridge.setup import commands, contents, gimps
from tests.unit.install_world import PYTHON, REPOSITORY, STUB_BRIDGE, World, make_world, tree


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("platform", "root", "kind"),
    [
        ("linux", ".config/GIMP", "native"),
        ("linux", "snap/gimp/current/.config/GIMP", "snap"),
        ("darwin", "Library/Application Support/GIMP", "native"),
        ("win32", "AppData/Roaming/GIMP", "native"),
    ],
)
def test_every_gimp_3_is_found_and_no_older_one(
    world: World, monkeypatch: pytest.MonkeyPatch, platform: str, root: str, kind: str
) -> None:
    for release in ("2.10", "2.99", "3.0", "3.2", "tmp"):
        (world.home / root / release).mkdir(parents=True)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(gimps, "_programs", dict)  # which could not look for programs as another system does
    monkeypatch.setenv("APPDATA", str(world.home / "AppData/Roaming"))
    found = gimps.find()
    assert [(gimp.directory.name, gimp.kind) for gimp in found] == [("3.0", kind), ("3.2", kind)]
    assert found[0].directory.parent == world.home / root


def test_directories_that_the_user_moved_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = world.home / "moved/GIMP/3.0"
    moved.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(world.home / "moved"))
    monkeypatch.setenv("GIMP3_DIRECTORY", "own")
    assert [gimp.directory for gimp in gimps.find()] == [moved, world.home / "own"]


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


def test_after_installing_the_plug_in_and_its_bridge_are_ready(world: World) -> None:
    (world.checkout / "plugin/photio/photio.py").chmod(0o644)
    (world.checkout / "bridge/__pycache__").mkdir()
    folder = world.gimp() / "plug-ins/photio"
    assert world.install() == 0
    assert os.access(folder / "photio.py", os.X_OK)
    assert (folder / "bridge/__main__.py").read_text() == STUB_BRIDGE
    assert not list(folder.rglob("__pycache__"))
    assert contents.damage(folder) == []
    marker = world.environments / world.environment() / environments.MARKER
    assert marker.read_text().splitlines() == [str(folder)]


def test_nothing_in_the_folder_says_where_it_is(world: World) -> None:
    folder = world.gimp() / "plug-ins/photio"
    assert world.install() == 0
    at = os.fsencode(world.home.parent)
    assert [name for name, content in tree(folder).items() if isinstance(content, bytes) and at in content] == []


def test_running_install_twice_changes_nothing(world: World) -> None:
    world.gimp()
    assert world.install() == 0
    before = tree(world.home)
    assert world.install() == 0
    assert tree(world.home) == before


def test_an_update_keeps_the_neural_engine(world: World) -> None:
    world.gimp()
    assert world.install(neural=True) == 0
    assert models.model_path().read_text() == "None"
    neural = world.environment(environments.packages(str(world.checkout / "bridge" / environments.LOCKS[True])))
    assert world.install() == 0
    assert world.present() == [neural]
    (world.checkout / "bridge" / environments.LOCKS[True]).write_text("newer packages\n")
    assert world.install() == 0
    assert world.present() != [neural]
    assert world.environment(environments.packages(str(world.checkout / "bridge" / environments.LOCKS[True])))


def test_the_model_comes_from_a_file_where_there_is_no_network(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gimp()
    (tmp_path / "model.onnx").write_text("the model")
    monkeypatch.chdir(tmp_path)
    done = world.run("--model-file", "model.onnx")
    assert done.returncode == 0, done.stderr
    assert "fetching MI-GAN's model" in done.stdout
    assert models.model_path().read_text() == str(tmp_path / "model.onnx")


def test_a_model_that_cannot_be_fetched_names_an_option_in_the_terminal_and_none_in_the_window(world: World) -> None:
    world.gimp()
    (world.checkout / "bridge/no-network").touch()
    done = world.run("--neural")
    assert done.returncode == 1
    sentence = "MI-GAN's model could not be fetched: check the internet connection and try again, or use PatchMatch."
    assert done.stderr.splitlines()[-1] == f"{sentence} --model-file takes a copy that is on this computer."
    command = [sys.executable, "-I", "-B", str(world.checkout / "bridge"), "setup", "--neural"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdin is not None
        assert window.stdout is not None
        window.stdin.write("go\n")
        window.stdin.flush()
        said = json.loads(window.stdout.readlines()[-1])
    assert (said["kind"], said["code"], said["sentence"]) == ("failed", "network", sentence)


def test_linked_install_follows_the_checkout(world: World) -> None:
    folder = world.gimp() / "plug-ins/photio"
    assert world.install(link=True) == 0
    (world.checkout / "plugin/photio/photio.py").write_text("print('edited')\n")
    assert (folder / "photio.py").read_text() == "print('edited')\n"
    before = tree(world.checkout)
    assert world.install(link=True) == 0, "it is there already"
    assert world.uninstall() == 0
    assert tree(world.checkout) == before
    assert not folder.exists()


def test_sudo_is_refused_with_a_sentence(world: World) -> None:
    world.gimp()
    before = tree(world.home)
    done = world.run(SUDO_USER="me")
    refused = os.geteuid() == 0
    assert (done.returncode, "Run this without sudo" in done.stderr) == (int(refused), refused)
    assert not refused or tree(world.home) == before


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--dry-run", "--uninstall"], ["--doctor"]])
def test_looking_changes_nothing(world: World, arguments: list[str]) -> None:
    world.gimp()
    world.gimp(kind="snap")
    if arguments[-1] != "--dry-run":
        world.install(gimp_dir=(world.gimp(),))
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
    assert world.install(gimp_dir=(elsewhere,)) == 0
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
    assert world.install() == 0
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
        assert "is not Photio's; move it away" in capsys.readouterr().err


def test_packages_that_another_gimp_still_uses_are_kept(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere/3.0"
    world.gimp()
    assert world.install() == 0
    theirs = world.environment()
    (world.checkout / "bridge" / environments.LOCKS[False]).write_text("newer packages\n")
    assert world.install(gimp_dir=(elsewhere,)) == 0
    newer = world.environment()
    assert world.present() == sorted([theirs, newer])
    assert world.uninstall(gimp_dir=(elsewhere,)) == 0
    assert world.present() == [theirs]
    assert world.install() == 0
    assert world.present() == [newer]


def test_the_doctor_finds_a_changed_file_and_says_what_to_do(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.program("gimp", "print('GNU Image Manipulation Program version 3.0.4')")
    folder = world.gimp() / "plug-ins/photio"
    world.install()
    options = commands.Options(world.checkout)
    capsys.readouterr()
    assert commands.examine(options) == 0
    out = capsys.readouterr().out
    assert [line.split("  ")[0] for line in out.splitlines()[1:]] == [
        "GIMP 3.0",
        "plug-in folder",
        "GIMP's Python",
        "packages",
    ]
    assert "3.0.4" in out
    (folder / "photio.py").write_text("cut sh")
    assert commands.examine(options) == 1
    assert "missing or changed: photio.py" in capsys.readouterr().out


def _told_about(name: str, table: str) -> tuple[str, str]:
    """The doctor's line about something, and the one below."""
    lines = table.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith(name)]
    return lines[at], lines[at + 1]


def test_where_python3_lacks_gimps_bindings_the_doctor_says_that_no_menu_appears_and_what_to_do(world: World) -> None:
    world.gimp()
    world.program("python3", PYTHON.replace("sys.exit(0)", "sys.exit('No module named gi')"))  # as conda's
    done = world.run()
    assert done.returncode == 0, done.stderr
    python = str(world.programs / "python3")
    assert f"{python} has no GIMP 3 bindings" in done.stdout
    done = world.run("--doctor")
    said, advice = _told_about("GIMP's Python", done.stdout)
    assert f"{python} has no GIMP 3 bindings (gi): no menu appears" in said
    assert "the system's python3 comes first, without conda or pyenv" in advice
    assert done.returncode == 1


def test_behind_condas_python_the_systems_is_set_up_which_gimps_menu_entry_finds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gimp()
    world.program("python3", "import sys\nsys.exit('conda')")
    world.program("of-the-system", PYTHON)
    monkeypatch.setattr(gimps, "_SYSTEM_PYTHON", str(world.programs / "of-the-system"))
    assert world.install() == 0
    assert len(world.present()) == 1


def test_what_a_sandbox_prints_of_its_own_does_not_disturb_the_installer(world: World) -> None:
    world.gimp()
    world.program("python3", "print('F: a remark of the sandbox', flush=True)\n" + PYTHON)
    assert world.install(dry_run=True) == 0
    assert world.install() == 0
    assert len(world.present()) == 1


def test_where_nothing_is_set_up_the_doctor_says_how(world: World) -> None:
    contents_only = world.gimp() / "plug-ins/photio"
    contents_only.mkdir(parents=True)
    contents.copy(world.checkout, contents_only)  # as whoever unzips a release has it
    contents.write_list(contents_only)
    done = world.run("--doctor")
    assert done.returncode == 1
    said, advice = _told_about("bridge", done.stdout)
    assert "not set up" in said
    assert "choose anything in Filters > Photio, or run install.py" in advice


def _fail_at(step: int, patch: pytest.MonkeyPatch, error: BaseException) -> None:
    replace, count = os.replace, iter(range(1, 100))

    def replacing(source: Path, target: Path) -> None:
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


def test_a_new_version_whose_bridge_does_not_run_leaves_the_previous_one(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    before = tree(world.home)
    (world.checkout / "bridge/broken.py").write_text("")
    (world.checkout / "bridge" / environments.LOCKS[False]).write_text("newer packages\n")
    assert world.install() == 1
    assert "do not work here: “the bridge is broken”" in capfd.readouterr().err
    assert tree(world.home) == before


def test_a_set_up_that_dies_leaves_the_previous_one_and_a_sentence(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.gimp()
    world.install()
    before = tree(world.home)
    (world.checkout / "bridge/__main__.py").write_text("raise SystemExit('killed')")
    assert world.install() == 1
    assert "could not set up the bridge; run this again" in capsys.readouterr().err
    assert tree(world.home) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from bridge.setup import commands, contents
moment, checkout = sys.argv[1], Path(sys.argv[2])
replace = os.replace
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def replacing(source, target):
    if moment == "away" and Path(target).name == "photio": die()
    replace(source, target)
    if moment == "in" and Path(target).name == "photio": die()
os.replace = replacing
if moment == "staging": contents.write_list = die
if moment == "setting up": commands._set_up = die
commands.install(commands.Options(checkout))
"""


@pytest.mark.parametrize("moment", ["staging", "away", "in", "setting up"])
def test_the_next_run_repairs_what_a_killed_one_left(world: World, moment: str) -> None:
    directory = world.gimp()
    world.install()
    before = tree(world.home)
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", KILLED, moment, str(world.checkout)]
    done = subprocess.run(command, env=environ, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    folders = [directory / "plug-ins/photio", directory / ".photio-previous"]
    whole = [folder for folder in folders if contents.is_photio(folder) and not contents.damage(folder)]
    assert whole, "neither the previous nor the new install survived"
    assert world.install() == 0
    assert tree(world.home) == before
