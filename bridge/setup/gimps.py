"""Finds every GIMP 3 of this user: its configuration directories and its programs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from bridge.common import systems
from bridge.setup.system import run

Kind = Literal["native", "flatpak", "snap"]
FLATPAK = "org.gimp.GIMP"
_SYSTEM_PYTHON = "/usr/bin/python3"
_RELEASE = re.compile(r"3\.\d+")
_VERSION = re.compile(r"\b(3\.\d+)\.\d+\S*")
_NAMES = tuple(
    stem + suffix
    for suffix in ("", "-3", *(f"-3.{minor}" for minor in range(0, 12, 2)))
    for stem in ("gimp", "gimp-console")
)


@dataclass(frozen=True)
class Computer:
    """Where to look for GIMP: `sys.platform`, the home directory, and the environment variables."""

    platform: str
    home: Path
    variables: Mapping[str, str]

    @staticmethod
    def this() -> Computer:
        return Computer(sys.platform, Path.home(), os.environ)


@dataclass(frozen=True)
class Gimp:
    """One configuration directory of GIMP 3 and the kind of package that reads it."""

    directory: Path
    kind: Kind

    @property
    def name(self) -> str:
        suffix = "" if self.kind == "native" else f" ({self.kind.capitalize()})"
        return f"GIMP {self.directory.name}{suffix}"

    @property
    def folder(self) -> Path:
        """The plug-in's folder, which may not exist."""
        return self.directory / "plug-ins" / "photio"


@dataclass(frozen=True)
class Program:
    """A GIMP program, and its version ("3.0.4")."""

    kind: Kind
    path: str
    version: str

    @property
    def release(self) -> str:
        return ".".join(self.version.split(".")[:2])


def roots(computer: Computer) -> dict[Kind, Path]:
    """For each kind of package, the directory with GIMP's configuration directories. An AppImage counts as native.

    Flathub's GIMP uses the native one: its manifest says `--filesystem=xdg-config/GIMP:create`, and that mount hides
    `~/.var/app/org.gimp.GIMP/config/GIMP`.
    """
    home = computer.home
    config = Path(systems.user_directory("config", computer.platform, computer.variables, str(home)))
    if not computer.platform.startswith("linux"):
        return {"native": config / "GIMP"}
    # GNOME's snap extension sets XDG_CONFIG_HOME to this .config.
    return {"native": config / "GIMP", "snap": home / "snap" / "gimp" / "current" / ".config" / "GIMP"}


def classify(directory: Path, computer: Computer) -> Gimp:
    """The GIMP that uses this configuration directory."""
    directory = Path(os.path.abspath(directory.expanduser()))
    snap = roots(computer).get("snap")
    return Gimp(directory, "snap" if snap in directory.parents else "native")


def configured(computer: Computer) -> list[Gimp]:
    """All configuration directories that exist, and the one in `GIMP3_DIRECTORY`. For a Flatpak, see `sharing`."""
    found = [
        Gimp(directory, kind)
        for kind, root in roots(computer).items()
        for directory in sorted(root.glob("*"))
        if _RELEASE.fullmatch(directory.name) and directory.is_dir()
    ]
    if own := computer.variables.get("GIMP3_DIRECTORY"):
        # GIMP takes a relative path as relative to the home directory.
        found.append(classify(computer.home / own, computer))
    return list(dict.fromkeys(found))


def find(computer: Computer, started: Sequence[Program]) -> list[Gimp]:
    """All GIMP 3: those with a configuration directory, and the given programs that were never started."""
    found = configured(computer)
    for program in started:
        root = roots(computer)["snap" if program.kind == "snap" else "native"]
        # snapd makes the link `current` at the first start: the installer must not make a directory of that name.
        if program.kind != "snap" or root.parent.parent.exists():
            found.append(Gimp(root / program.release, "snap" if program.kind == "snap" else "native"))
    return list(dict.fromkeys(found))


def sharing(gimp: Gimp, started: Sequence[Program]) -> list[Gimp]:
    """The GIMPs that use this directory: a native one and Flathub's may share it."""
    kinds = [program.kind for program in started if program.release == gimp.directory.name]
    if gimp.kind == "snap" or "flatpak" not in kinds:
        return [gimp]
    flatpak = Gimp(gimp.directory, "flatpak")
    return [gimp, flatpak] if "native" in kinds else [flatpak]


def programs(computer: Computer) -> list[Program]:
    """All GIMP 3 programs that report their version."""
    found: dict[tuple[Kind, str], Program] = {}
    for kind, command in _candidates(computer):
        outcome = run(command, 30.0)
        output = outcome.output
        if kind == "flatpak":  # it lists all applications
            output = "\n".join(line for line in output.splitlines() if line.split()[:1] == [FLATPAK])
        match = _VERSION.search(output)
        if match and outcome.status == 0:
            found.setdefault((kind, match[1]), Program(kind, command[0], match[0]))
    return list(found.values())


def inside(gimp: Gimp, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` in this GIMP's sandbox, if it has one."""
    if gimp.kind == "flatpak":
        return ["flatpak", "run", f"--command={command[0]}", FLATPAK, *command[1:]]
    if gimp.kind == "snap":
        return ["snap", "run", "--shell", "gimp", "-c", shlex.join(command)]
    return list(command)


def sandbox_homes(computer: Computer) -> list[tuple[Path, Path]]:
    """The sandboxes' own directories for (settings, data) of the bridge, where there are any."""
    flatpak = computer.home / ".var" / "app" / FLATPAK
    snap = computer.home / "snap" / "gimp" / "current"
    homes = [(flatpak / "config", flatpak / "data"), (snap / ".config", snap / ".local" / "share")]
    return [(config / "photio", data / "photio") for config, data in homes if data.is_dir() or config.is_dir()]


def plug_in_python(gimp: Gimp, started: Sequence[Program]) -> str:
    """The Python that this GIMP runs plug-ins with, as far as it can be known from outside.

    On Windows and macOS GIMP brings it along. Elsewhere the plug-in's first line asks for `python3` in the search path.
    """
    for program in started:
        if program.kind == "native" and program.release == gimp.directory.name and sys.platform in ("win32", "darwin"):
            return str(Path(program.path).with_name("python.exe" if sys.platform == "win32" else "python3"))
    return "python3" if gimp.kind != "native" else shutil.which("python3") or _SYSTEM_PYTHON


def setup_python(gimp: Gimp, started: Sequence[Program]) -> str:
    """The Python to set up for this GIMP: behind conda's or pyenv's, the system's, which GIMP's menu entry finds."""
    python = plug_in_python(gimp, started)
    if gimp.kind == "native" and not has_bindings(gimp, python) and has_bindings(gimp, _SYSTEM_PYTHON):
        return _SYSTEM_PYTHON
    return python


def has_bindings(gimp: Gimp, python: str) -> bool:
    """Whether a Python has GIMP 3's bindings, without which its plug-ins do not appear in the menu."""
    program = "import gi; gi.require_version('Gimp', '3.0')"
    return run(inside(gimp, [python, "-c", program]), 30.0).status == 0


def _candidates(computer: Computer) -> Iterator[tuple[Kind, list[str]]]:
    """The commands that print the version of a GIMP, if it is there. Each begins with a program's path."""
    which = partial(shutil.which, path=computer.variables.get("PATH"))
    seen: set[Path] = set()
    for path in [*map(Path, filter(None, map(which, _NAMES))), *_bundles(computer)]:
        if path.resolve() not in seen and "snap" not in (path.parent.parent.name, path.resolve().name):
            seen.add(path.resolve())
            yield "native", [str(path), "--version"]
    if computer.platform.startswith("linux"):
        if flatpak := which("flatpak"):
            yield "flatpak", [flatpak, "list", "--app", "--columns=application,version"]
        if snap := which("snap"):
            yield "snap", [snap, "list", "gimp"]


def _bundles(computer: Computer) -> list[Path]:
    """GIMP in the application folders of macOS and Windows, which are not in the search path."""
    if computer.platform == "darwin":
        places = [Path("/Applications"), computer.home / "Applications"]
        pattern = "GIMP*.app/Contents/MacOS/gimp-console*"
    elif computer.platform == "win32":
        names = ("ProgramFiles", "LOCALAPPDATA")
        places = [Path(value) for name in names if (value := computer.variables.get(name))]
        places += [place / "Programs" for place in places]
        pattern = "GIMP 3*/bin/gimp-console-3*.exe"
    else:
        return []
    return [path for place in places for path in sorted(place.glob(pattern))]
