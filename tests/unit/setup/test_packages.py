"""How the bridge gets its packages: the lock files, the sandboxes, and once for real."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.common import environments
from tests.unit.install_world import PYTHON, REPOSITORY, World, make_world, tree


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch)


#: Inside, there is Flatpak's mark, which is a file, and another directory for data.
INSIDE = "import os, runpy, sys; del sys.argv[0]; sys.path.insert(0, os.path.dirname(sys.argv[0])); "
INSIDE += "from bridge.common import systems; systems.sandbox.__defaults__ = (os.environ, '/'); "
INSIDE += "runpy.run_path(sys.argv[0], run_name='__main__')"
FLATPAK = f"""
import os, sys
if sys.argv[1] == "list":
    print("org.kde.krita\\t3.9.9\\norg.gimp.GIMP\\t3.0.4")
else:
    assert sys.argv[1:4] == ["run", "--command=python3", "org.gimp.GIMP"], sys.argv
    rest = [each for each in sys.argv[4:] if each not in ("-I", "-B")]
    if rest[0] != "-c":  # it has GIMP's bindings
        os.environ["XDG_DATA_HOME"] = os.path.expanduser("~/.var/app/org.gimp.GIMP/data")
        os.execv(sys.executable, [sys.executable, "-I", "-B", "-c", {INSIDE!r}, *rest])
"""


def test_a_flatpak_that_shares_gimps_folder_is_set_up_inside_its_sandbox(world: World) -> None:
    world.program("flatpak", FLATPAK)
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert "GIMP 3.0 (Flatpak): " in done.stdout
    inside = world.home / ".var/app/org.gimp.GIMP/data/photio/environments"
    (made,) = inside.iterdir()
    folder = world.home / ".config/GIMP/3.0/plug-ins/photio"
    assert "-flatpak-" in made.name
    assert (made / environments.MARKER).read_text().splitlines() == [str(folder)]
    assert not world.environments.exists()
    done = world.run("--doctor")
    assert done.returncode == 0, done.stdout
    assert "GIMP 3.0 (Flatpak)" in done.stdout
    done = world.run("--uninstall")
    assert done.returncode == 0, done.stdout
    assert not folder.exists()
    assert not inside.exists()


def test_a_native_gimp_and_a_flatpak_on_one_folder_get_an_environment_each(world: World) -> None:
    world.program("flatpak", FLATPAK)
    world.program("gimp-3.0", "print('GNU Image Manipulation Program version 3.0.4')")
    done = world.run()
    assert done.returncode == 0, done.stderr
    inside = world.home / ".var/app/org.gimp.GIMP/data/photio/environments"
    assert len(list(inside.iterdir())) == len(world.present()) == 1
    before = tree(world.home)
    assert world.run().returncode == 0
    assert tree(world.home) == before
    assert world.run("--uninstall").returncode == 0
    assert (inside.exists(), world.present()) == (False, [])


def _packages(name: str) -> dict[str, list[str]]:
    """By package: the markers under which it is locked."""
    text = (REPOSITORY / "bridge" / name).read_text()
    found: dict[str, list[str]] = {}
    for package, marker in re.findall(r"^([a-z0-9_-]+)==\S+(?: ; ([^\\\n]+))?", text, re.MULTILINE):
        found.setdefault(package, []).append(marker.strip())
    return found


@pytest.mark.parametrize("name", environments.LOCKS.values())
def test_the_lock_has_what_the_bridge_imports_with_hashes_and_no_address(name: str) -> None:
    text = (REPOSITORY / "bridge" / name).read_text()
    packages = _packages(name)
    assert {"numpy", "pillow", "requests", "pypatchmatch", "secretstorage", "pywin32-ctypes"} <= set(packages)
    assert "win32" in packages["pywin32-ctypes"][0]
    assert text.count("--hash=sha256:") >= len(packages)
    assert "://" not in text


def test_the_neural_engine_does_not_phone_home() -> None:
    """onnxruntime 1.32 writes a device id for telemetry when it is imported; 1.26 does not."""
    assert "\nonnxruntime==1.26.0 " in (REPOSITORY / "bridge/requirements-neural.lock").read_text()


def _real_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("PATH", f"{world.programs}:{os.defpath}")
    directory = world.gimp()

    def step(*arguments: str) -> str:
        done = world.run("--gimp-dir", str(directory), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return step


def test_with_real_packages_install_doctor_repair_and_uninstall_all_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one test that fetches packages: uv, the lock, and the real bridge's own checks."""
    shutil.copy(REPOSITORY / "bridge/__main__.py", world.checkout / "bridge/__main__.py")
    world.program("python3", PYTHON)
    step = _real_environment(world, monkeypatch)
    assert "to fetch: Photio's packages" in step("--dry-run")
    assert not world.environments.exists()
    assert "fetching the bridge's packages" in step()
    step("--doctor")
    (made,) = world.environments.iterdir()
    imports = [str(made / "bin/python"), "-I", "-c", "import numpy, PIL, requests, urllib3, keyring, patchmatch"]
    assert subprocess.run(imports, check=False).returncode == 0
    assert "fetching" not in step()
    assert "fetch" not in step("--dry-run")
    (numpy,) = made.glob("lib/python*/site-packages/numpy")
    shutil.rmtree(numpy)
    assert "fetching the bridge's packages" in step()
    assert subprocess.run(imports, check=False).returncode == 0
    leftovers = {path.name.split("-")[0] for path in world.environments.parent.iterdir()}
    assert leftovers <= {"environments", "uv", "install.lock", "folders.lock"}
    step("--uninstall")
    assert tree(world.home / ".config") == {}
    assert not (world.home / ".local/share/photio").exists()
