"""Finds every GIMP 3 of this user: its configuration directories and its programs."""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.common import systems
from bridge.setup.system import run

Kind = Literal["native", "flatpak", "snap"]
_FLATPAK = "org.gimp.GIMP"
_SYSTEM_PYTHON = "/usr/bin/python3"
_RELEASE = re.compile(r"3\.\d+")
_VERSION = r"(?m)^{}.*?\b((3\.\d+)\.\d+\S*)"
_NAMES = ("gimp", "gimp-3", *(f"gimp-3.{minor}" for minor in range(0, 12, 2)))


@dataclass(frozen=True)
class Gimp:
    """One GIMP 3: its configuration directory and the kind of its package; an AppImage counts as native.

    `program` and `version` ("3.0.4") are empty if no program was found for the directory.
    """

    directory: Path
    kind: Kind
    program: str = ""
    version: str = ""

    @property
    def name(self) -> str:
        suffix = "" if self.kind == "native" else f" ({self.kind.capitalize()})"
        return f"GIMP {self.directory.name}{suffix}"

    @property
    def folder(self) -> Path:
        """The plug-in's folder, which may not exist."""
        return plug_in(self.directory)

    @property
    def python(self) -> str:
        """The Python that this GIMP runs plug-ins with, as far as it can be known from outside.

        On Windows and macOS GIMP brings it along. Elsewhere the plug-in's first line asks for `python3` in the search
        path.
        """
        if self.kind != "native":
            return "python3"
        return systems.python_of_gimp(self.program, sys.platform) or shutil.which("python3") or _SYSTEM_PYTHON

    @property
    def setup_python(self) -> str:
        """The Python to set up: behind conda's or pyenv's, the system's, which GIMP's menu entry finds."""
        replaceable = self.kind == "native" and not self.has_bindings(self.python)
        return _SYSTEM_PYTHON if replaceable and self.has_bindings(_SYSTEM_PYTHON) else self.python

    def has_bindings(self, python: str) -> bool:
        """Whether a Python has GIMP 3's bindings, without which its plug-ins do not appear in the menu."""
        program = "import gi; gi.require_version('Gimp', '3.0')"
        return run(self.inside([python, "-c", program]), 30.0).returncode == 0

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command line that runs `command` in this GIMP's sandbox, if it has one."""
        if self.kind == "flatpak":
            return ["flatpak", "run", f"--command={command[0]}", _FLATPAK, *command[1:]]
        if self.kind == "snap":
            return ["snap", "run", "--shell", "gimp", "-c", shlex.join(command)]
        return list(command)


def plug_in(directory: Path) -> Path:
    """The plug-in's folder in a configuration directory."""
    return directory / "plug-ins" / "photio"


def configured() -> list[Path]:
    """All configuration directories that exist, and the one in `GIMP3_DIRECTORY`."""
    found: list[Path] = []
    for root in _roots():
        found += sorted(path for path in root.glob("*") if _RELEASE.fullmatch(path.name) and path.is_dir())
    if own := os.environ.get("GIMP3_DIRECTORY"):
        found.append(Path.home() / own)  # GIMP takes a relative path as relative to the home directory
    return list(dict.fromkeys(found))


def find(named: Sequence[Path] = ()) -> list[Gimp]:
    """All GIMP 3, also those that were never started; or only those with the named configuration directories."""
    programs = _programs()
    native, snap = _roots()
    directories = list(named) or configured()
    for kind, release in programs if not named else ():
        # snapd makes the link `current` at the first start: the installer must not make a directory of that name.
        if kind != "snap" or snap.parent.parent.exists():
            directories.append((snap if kind == "snap" else native) / release)
    found = []
    for directory in dict.fromkeys(directories):
        kinds: list[Kind] = ["snap"] if snap in directory.parents else ["native", "flatpak"]  # which may share it
        present = [kind for kind in kinds if (kind, directory.name) in programs]
        found += [Gimp(directory, kind, *programs.get((kind, directory.name), ())) for kind in present or kinds[:1]]
    return found


def sandbox_homes() -> list[tuple[Path, Path]]:
    """The sandboxes' own directories for (settings, data) of the bridge, where there are any."""
    flatpak = Path.home() / ".var" / "app" / _FLATPAK
    snap = _roots()[1].parent.parent
    homes = [(flatpak / "config", flatpak / "data"), (snap / ".config", snap / ".local" / "share")]
    return [(config / "photio", data / "photio") for config, data in homes if data.is_dir() or config.is_dir()]


def _roots() -> tuple[Path, Path]:
    """The directories with GIMP's configuration directories: a native GIMP's and the Snap's.

    Flathub's GIMP uses the native one: its manifest says `--filesystem=xdg-config/GIMP:create`, and that mount hides
    `~/.var/app/org.gimp.GIMP/config/GIMP`. GNOME's snap extension sets XDG_CONFIG_HOME to the Snap's.
    """
    native = Path(systems.user_directory("config", sys.platform), "GIMP")
    return native, Path.home() / "snap" / "gimp" / "current" / ".config" / "GIMP"


def _programs() -> dict[tuple[Kind, str], tuple[str, str]]:
    """By kind and release ("3.0"): the path and the version ("3.0.4") of each GIMP 3 that says its version."""
    found: dict[tuple[Kind, str], tuple[str, str]] = {}
    for kind, command in _candidates():
        outcome = run(command, 30.0)
        # `flatpak` lists all applications.
        match = re.search(_VERSION.format(re.escape(_FLATPAK) if kind == "flatpak" else ""), outcome.stdout)
        if match and outcome.returncode == 0:
            found.setdefault((kind, match[2]), (command[0], match[1]))
    return found


def _candidates() -> Iterator[tuple[Kind, list[str]]]:
    """The commands that print the version of a GIMP, if it is there. Each begins with a program's path."""
    bundles = [path for pattern in systems.bundles(sys.platform) for path in sorted(glob.glob(pattern))]
    for path in map(Path, [*filter(None, map(shutil.which, _NAMES)), *bundles]):
        if "snap" not in (path.parent.parent.name, path.resolve().name):
            yield "native", [str(path), "--version"]
    if flatpak := shutil.which("flatpak"):
        yield "flatpak", [flatpak, "list", "--app", "--columns=application,version"]
    if snap := shutil.which("snap"):
        yield "snap", [snap, "list", "gimp"]
