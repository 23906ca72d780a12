"""A made-up checkout and home directory for the tests of `install.py`."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.setup import commands, environment
from bridge.setup.environment import Interpreter, Runtime
from bridge.setup.gimps import Computer, Gimp

REPOSITORY = Path(__file__).resolve().parents[2]
PLACES = {
    "native": ".config/GIMP",
    "flatpak": ".var/app/org.gimp.GIMP/config/GIMP",
    "snap": "snap/gimp/current/.config/GIMP",
}
STUB_BRIDGE = """
import json, sys
from pathlib import Path
here = Path(__file__).parent
if (here / "broken.py").exists():
    sys.exit("the bridge is broken")
if sys.argv[1] == "doctor":
    check = {"name": "packages", "state": "ok", "found": "all", "advice": ""}
    print(json.dumps({"version": "1", "checks": [check]}))
"""


@dataclasses.dataclass
class World:
    """A checkout with a made-up bridge, and a home directory with nothing in it."""

    home: Path
    checkout: Path
    programs: Path

    @property
    def computer(self) -> Computer:
        return Computer("linux", self.home, os.environ)

    def gimp(self, release: str = "3.0", kind: str = "native") -> Path:
        directory = self.home / PLACES[kind] / release
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def install(self, **options: object) -> int:
        return commands.install(commands.Options(self.checkout, **options), self.computer, self.prepare)

    def uninstall(self, **options: object) -> int:
        return commands.uninstall(commands.Options(self.checkout, **options), self.computer)

    def prepare(self, gimp: Gimp, interpreter: Interpreter, lock: Path, report: environment.Report) -> Runtime:
        folder = environment.environments() / ("made-up-neural" if "neural" in lock.name else "made-up")
        folder.mkdir(parents=True, exist_ok=True)
        return Runtime(sys.executable, folder, None)

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(self.checkout / "install.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def make_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world in `tmp_path`, with the environment variables that lead install.py into it."""
    made = World(tmp_path / "home", tmp_path / "checkout", tmp_path / "programs")
    made.home.mkdir()
    made.programs.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "bridge", made.checkout / "bridge", ignore=ignore)
    shutil.copy(REPOSITORY / "install.py", made.checkout)
    (made.checkout / "bridge" / "__main__.py").write_text(STUB_BRIDGE)
    (made.checkout / "plugin" / "photio").mkdir(parents=True)
    (made.checkout / "plugin" / "photio" / "photio.py").write_text("print('plug-in')\n")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "PHOTIO_HOME", "GIMP3_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.setenv("PATH", str(made.programs))
    return made


def tree(folder: Path) -> dict[str, bytes | str]:
    """Every file's content and every link's target below the folder."""
    return {
        str(path.relative_to(folder)): os.readlink(path)
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else ""
        for path in sorted(folder.rglob("*"))
    }
