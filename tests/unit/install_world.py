"""A made-up checkout and home directory for the tests of `install.py`."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.common import environments
from bridge.setup import commands

REPOSITORY = Path(__file__).resolve().parents[2]
PLACES = {"native": ".config/GIMP", "snap": "snap/gimp/current/.config/GIMP"}

#: The real set-up, but for what needs a network: an environment is an interpreter alone. Its marker, its name, who uses
#: it and when it goes are as they are in the real one. Files beside it say what fails.
STUB_BRIDGE = f"""
import json, os, sys
from pathlib import Path
here = Path(__file__).absolute().parent
sys.path[0] = str(here.parent)
if sys.argv[1] == "doctor":
    if (here / "broken.py").exists():
        sys.exit("the bridge is broken")
    check = {{"name": "packages", "state": "ok", "found": "all", "advice": ""}}
    print(json.dumps({{"version": "1", "checks": [check]}}))
else:
    from bridge.engine import models
    from bridge.setup import environment, process
    def make(folder, bridge, neural, report):
        report("packages", 1, 2)
        environment.remove(folder)
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to({os.path.realpath(sys.executable)!r})
        return environment._proof(folder, bridge)
    real_fetch = models.fetch_model
    def fetch(source, report, **more):
        if (here / "no-network").exists():
            models.UPSTREAM = "http://127.0.0.1:1/"
            return real_fetch(source, report, **more)
        models.model_path().parent.mkdir(parents=True, exist_ok=True)
        models.model_path().write_text(str(source))
    environment._make, models.fetch_model = make, fetch
    sys.exit(process.main(sys.argv[2:]))
"""

#: Python with GIMP's bindings, as far as `install.py` looks at them.
PYTHON = f"""
import os, sys
if "import gi" in sys.argv[-1]:
    sys.exit(0)
os.execv({os.path.realpath(sys.executable)!r}, [{os.path.realpath(sys.executable)!r}, *sys.argv[1:]])
"""


@dataclasses.dataclass
class World:
    """A checkout with a made-up bridge, and a home directory with nothing in it."""

    home: Path
    checkout: Path
    programs: Path

    @property
    def environments(self) -> Path:
        return self.home / ".local/share/photio/environments"

    def gimp(self, release: str = "3.0", kind: str = "native") -> Path:
        directory = self.home / PLACES[kind] / release
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def install(self, **options: object) -> int:
        return commands.install(commands.Options(self.checkout, **options))

    def uninstall(self, **options: object) -> int:
        return commands.uninstall(commands.Options(self.checkout, **options))

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(self.checkout / "install.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})

    def present(self) -> list[str]:
        """The names of all environments."""
        return sorted(path.name for path in self.environments.glob("*"))

    def environment(self, lock: str = "", kind: str = "native") -> str:
        """The name of the environment that a checkout's content leads to; with `lock`, of one with other packages."""
        name = environments.LOCKS[False]
        packages = environments.packages(str(self.checkout / "bridge" / name))
        return next(each for each in self.present() if each.startswith(f"{lock or packages}-{kind}-"))

    def put_environment(self, packages: str = "0123abcd", used_by: str = "") -> Path:
        """A complete environment, a real one but for the packages, that another version of Photio made."""
        folder = self.environments / f"{packages}-native-89abcdef"
        subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], check=True)
        (folder / environments.MARKER).write_text(used_by)
        return folder


def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world in `tmp_path`, with the environment variables that lead install.py into it."""
    made = World(tmp_path / "home", tmp_path / "checkout", tmp_path / "programs")
    made.home.mkdir()
    made.programs.mkdir()
    made.program("python3", PYTHON)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "bridge", made.checkout / "bridge", ignore=ignore)
    shutil.copy(REPOSITORY / "install.py", made.checkout)
    (made.checkout / "bridge" / "__main__.py").write_text(STUB_BRIDGE)
    (made.checkout / "plugin" / "photio").mkdir(parents=True)
    (made.checkout / "plugin" / "photio" / "photio.py").write_text('"""Photio for GIMP"""\nprint("plug-in")\n')
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "PHOTIO_HOME", "GIMP3_DIRECTORY", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.setenv("PATH", str(made.programs))
    return made


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file's content and every link's target below the folder, but for bytecode, which has dates in it."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
        if "bytecode" not in path.relative_to(folder).parts
    }
