"""How `install.py` gets the bridge's packages: the lock files, the sandboxes, and once for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.setup import commands, environment, plugin_folder
from bridge.setup.lockfile import for_linux_python
from bridge.setup.system import Outcome, SetupError
from tests.unit.install_world import PLACES, REPOSITORY, World, make_world, tree


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


FLATPAK = """
import os, sys
if sys.argv[1] == "list":
    print("org.kde.krita\\t3.9.9\\norg.gimp.GIMP\\t3.0.4")
else:
    assert sys.argv[1:4] == ["run", "--command=python3", "org.gimp.GIMP"], sys.argv
    os.execv(sys.executable, [sys.executable, *sys.argv[4:]])
"""


def test_flatpak_gets_its_packages_beside_the_plug_in(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.program("flatpak", FLATPAK)
    asked: list[list[str]] = []
    really_run = environment.run

    def run(command: list[str], seconds: float = 60.0) -> Outcome:
        if "pip" not in command:
            return really_run(command, seconds)
        asked.append(list(command))
        if "--target" in command:
            packages = Path(command[command.index("--target") + 1])
            packages.mkdir()
            (packages / "numpy.py").write_text("")
        return Outcome(0, "", "")

    monkeypatch.setattr(environment, "run", run)
    assert commands.install(commands.Options(world.checkout), world.computer) == 0
    folder = world.home / PLACES["flatpak"] / "3.0/plug-ins/photio"
    manifest = plugin_folder.read_manifest(folder)
    assert manifest is not None
    assert (manifest.python, manifest.python_path) == ("python3", (str(folder / "packages"),))
    assert (folder / "packages/numpy.py").is_file()
    version = ".".join(map(str, sys.version_info[:2]))
    assert ["--python-version", version] == asked[-1][asked[-1].index("--python-version") :][:2]
    assert {"--only-binary=:all:", "--require-hashes", "--no-deps", "--ignore-requires-python"} <= set(asked[-1])


@pytest.mark.parametrize(
    ("refuses", "sentence"),
    [("venv", "cannot make virtual environments"), ("pip", "The packages could not be installed")],
)
def test_when_packages_cannot_be_had_the_reason_and_a_sentence_are_shown(
    world: World, refuses: str, sentence: str
) -> None:
    world.gimp()
    text = f"""
import os, sys
if "-c" in sys.argv: print(__file__, "3.13.0", sep=chr(10)), sys.exit()
if "{refuses}" in sys.argv: sys.exit("it is broken here")
if "venv" in sys.argv:
    os.makedirs(sys.argv[-1] + "/bin", exist_ok=True)
    os.symlink(__file__, sys.argv[-1] + "/bin/python")
else:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
    world.program("python", text)
    done = world.run("--python", str(world.programs / "python"))
    assert done.returncode == 1
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert ("it is broken here" in done.stderr) == (refuses == "pip")
    assert not (world.gimp() / "plug-ins").exists()


@pytest.mark.parametrize(
    ("marker", "true"),
    [
        ("python_full_version < '3.9'", False),
        ("python_full_version >= '3.13' and sys_platform == 'linux'", True),
        ("python_full_version < '3.13' and sys_platform == 'linux'", False),
        ("sys_platform == 'win32' or (sys_platform == 'linux' and implementation_name != 'PyPy')", True),
    ],
)
def test_the_sandboxes_python_decides_what_it_gets(marker: str, true: bool) -> None:
    narrowed = for_linux_python(f"six==1.17.0 ; {marker} \\\n    --hash=sha256:00", "3.13")
    assert narrowed.split() == (["six==1.17.0", "\\", "--hash=sha256:00"] if true else [])


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("name", ["requirements.lock", "requirements-neural.lock"])
def test_the_lock_gives_each_python_one_version_of_each_package(name: str, version: str) -> None:
    text = (REPOSITORY / "bridge" / name).read_text()
    narrowed = for_linux_python(text, version)
    packages = [line.split("==")[0] for line in narrowed.splitlines() if "==" in line]
    assert len(packages) == len(set(packages))
    assert {"numpy", "pillow", "requests", "pypatchmatch", "secretstorage"} <= set(packages)
    assert "pywin32-ctypes" not in packages
    assert ("importlib-metadata" in packages) == (version == "3.11")
    assert narrowed.count("--hash") >= len(packages)
    assert "://" not in text


def test_the_neural_engine_does_not_phone_home() -> None:
    """onnxruntime 1.32 writes a device id for telemetry when it is imported; 1.26 does not."""
    assert "\nonnxruntime==1.26.0 " in (REPOSITORY / "bridge/requirements-neural.lock").read_text()


def test_an_unknown_python_is_refused_with_a_sentence(world: World) -> None:
    with pytest.raises(SetupError, match="cannot be run as Python"):
        environment.choose(str(world.home / "nothing"))


def _real_environment(world: World, monkeypatch: pytest.MonkeyPatch, path: str) -> Callable[..., None]:
    monkeypatch.setenv("PATH", path)
    directory = world.gimp()

    def step(*arguments: str) -> None:
        done = world.run("--gimp-dir", str(directory), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    return step


def test_with_real_packages_install_doctor_and_uninstall_all_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one test that fetches packages: the lock, pip, and the real bridge's own checks."""
    shutil.copy(REPOSITORY / "bridge/__main__.py", world.checkout / "bridge/__main__.py")
    step = _real_environment(world, monkeypatch, os.defpath)
    step()
    step("--doctor")
    manifest = plugin_folder.read_manifest(world.gimp() / "plug-ins/photio")
    assert manifest is not None
    imports = "import numpy, PIL, requests, urllib3, keyring, patchmatch"
    assert subprocess.run([manifest.python, "-I", "-c", imports], check=False).returncode == 0
    step()
    step("--uninstall")
    assert tree(world.gimp()) == {}
    assert not (world.home / ".local/share/photio").exists()
