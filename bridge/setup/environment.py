"""The bridge's third-party packages: a virtual environment, or a folder of packages for a sandbox.

Each environment is at `places.program_directory()/environments/<digest of lock and interpreter>`. It is never changed
once its marker file says that it is complete. So a second run has nothing to build, and an update leaves the old
environment alone.

In Flatpak and Snap, the host's interpreter does not exist, and a snap cannot read hidden directories in the home
directory other than its own. There the packages are put beside the plug-in, for the sandbox's own Python. The host's
pip downloads them.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bridge.setup.gimps import Gimp, inside
from bridge.setup.lockfile import for_linux_python
from bridge.setup.system import SetupError, remove, run
from bridge.store import places
from bridge.store.locks import nobody_shares

RELEASES = ("3.14", "3.13", "3.12", "3.11")
RANGE = "Python 3.11 to 3.14"
#: A file in each complete environment. A bridge that runs in it locks this file for sharing; see `__main__`.
MARKER = ".photio-complete"
_REMOVED = "removed-"
_REQUIREMENTS = "requirements.lock"
_PROBE = "import sys; print(sys.executable, '.'.join(map(str, sys.version_info[:3])), sep='\\n')"


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter: its absolute path, and its version ("3.13.5")."""

    path: str
    version: str

    @property
    def release(self) -> str:
        return ".".join(self.version.split(".")[:2])


@dataclass(frozen=True)
class Runtime:
    """The interpreter and packages that the bridge runs with.

    Attributes:
        python: the interpreter, as the plug-in must start it.
        environment: the folder with the packages.
        packages: the packages to copy beside the plug-in; `None` outside a sandbox.
    """

    python: str
    environment: Path
    packages: Path | None


Report = Callable[[str], None]


def environments() -> Path:
    return places.program_directory() / "environments"


def lock_file(checkout: Path, neural: bool) -> Path:
    return checkout / "bridge" / ("requirements-neural.lock" if neural else "requirements.lock")


def probe(command: Sequence[str]) -> Interpreter | None:
    """The interpreter that a command starts; `None` if it cannot be run."""
    outcome = run([*command, "-I", "-c", _PROBE], 30.0)
    lines = outcome.output.split("\n")
    return Interpreter(lines[0].strip(), lines[1].strip()) if outcome.status == 0 and len(lines) > 1 else None


def choose(named: str | None) -> Interpreter:
    """The interpreter that the user named, else this one, else one in the search path.

    Raises `SetupError` if the locked packages have no wheels for the version of any of them.
    """
    if named is not None:
        found = probe([named])
        if found is None:
            raise SetupError(f"{named} cannot be run as Python; name another interpreter with --python.")
        if found.release not in RELEASES:
            raise SetupError(f"{named} is Python {found.version}; name one of {RANGE} with --python.")
        return found
    names = [*(f"python{release}" for release in RELEASES), "python3", "python"]
    for candidate in [sys.executable, *filter(None, map(shutil.which, names))]:
        found = probe([candidate])
        if found is not None and found.release in RELEASES:
            return found
    raise SetupError(f"Photio needs {RANGE}; install one of them, or name it with --python PATH.")


def prepare(gimp: Gimp, interpreter: Interpreter, lock: Path, report: Report) -> Runtime:
    """Builds the environment for this GIMP, unless it exists already. Raises `SetupError`."""
    if not gimp.sandboxed:
        folder = _complete(lock.read_text(), interpreter, report, partial(_build_venv, interpreter))
        return Runtime(str(venv_python(folder)), folder, None)
    inner = probe(inside(gimp, ["python3"]))
    if inner is None:
        raise SetupError(
            f"{gimp.name} could not be asked for its Python version; "
            f"check that '{' '.join(inside(gimp, ['python3'])[:2])}' works here, then run this again."
        )
    text = for_linux_python(lock.read_text(), inner.version)
    folder = _complete(text, Interpreter(gimp.kind, inner.version), report, partial(_build_target, interpreter, inner))
    return Runtime("python3", folder, folder / "packages")


def planned(interpreter: Interpreter, lock: str) -> Path:
    """The folder of the environment for a lock's text, whether it exists or not."""
    key = json.dumps([lock, interpreter.path, interpreter.version])
    return environments() / hashlib.sha256(key.encode()).hexdigest()[:16]


def is_complete(folder: Path) -> bool:
    return (folder / MARKER).is_file()


def venv_python(folder: Path) -> Path:
    if sys.platform == "win32":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def present() -> list[Path]:
    """All environments, also those that are not complete."""
    return sorted(environments().glob("*"))


def remove_unused(used: Set[str]) -> Iterator[tuple[Path, bool]]:
    """Removes environments with other names, unless a bridge may run in them. Yields each, and whether it is gone."""
    for folder in present():
        if folder.name not in used:
            yield folder, _removed(folder)


def _removed(folder: Path) -> bool:
    """Removes an environment, unless a bridge runs in it. Returns whether it was removed."""
    if is_complete(folder) and not nobody_shares(folder / MARKER):
        return False
    away = folder.with_name(_REMOVED + folder.name.removeprefix(_REMOVED))
    try:
        # Renamed first, so that an interrupted removal leaves nothing that looks complete. Windows refuses to rename
        # it while a program runs in it.
        os.rename(folder, away)
        remove(away)
    except OSError:
        return False
    return True


def _complete(lock: str, interpreter: Interpreter, report: Report, build: Callable[[Path], None]) -> Path:
    folder = planned(interpreter, lock)
    if is_complete(folder):
        report(f"  packages: there already, {folder}")
        return folder
    report("  packages: fetching (about 30 MB the first time)")
    remove(folder)
    folder.mkdir(parents=True)
    (folder / _REQUIREMENTS).write_text(lock)
    build(folder)
    (folder / MARKER).write_text(interpreter.version + "\n")
    report(f"  packages: ready, {folder}")
    return folder


def _build_venv(interpreter: Interpreter, folder: Path) -> None:
    pip = [str(venv_python(folder)), "-I", "-m", "pip"]
    if run([interpreter.path, "-I", "-m", "venv", str(folder)], 300.0).status != 0:
        # On Debian, ensurepip is in the package python3-venv; pip from python3-pip can install into it instead.
        bare = run([interpreter.path, "-I", "-m", "venv", "--without-pip", str(folder)], 300.0)
        pip = [interpreter.path, "-I", "-m", "pip", "--python", str(venv_python(folder))]
        if bare.status != 0 or run([*pip, "--version"]).status != 0:
            raise SetupError(
                f"{interpreter.path} cannot make virtual environments; on Debian and Ubuntu 'apt install python3-venv' "
                f"(or python{interpreter.release}-venv) adds that, then run this again."
            )
    _fetch(folder, pip)


def _build_target(host: Interpreter, inner: Interpreter, folder: Path) -> None:
    pip = [host.path, "-I", "-m", "pip"]
    if run([*pip, "--version"]).status != 0:
        raise SetupError(
            f"{host.path} has no pip, which is needed to fetch packages for the sandbox's Python; "
            "on Debian and Ubuntu 'apt install python3-pip' adds it, then run this again."
        )
    # pip would check the packages' requirements against the host's Python; the lock has resolved them already.
    target = ["--no-deps", "--ignore-requires-python", "--target", str(folder / "packages")]
    # The sandbox's glibc is 2.39 (Ubuntu 24.04, freedesktop 24.08) or newer.
    tags = ["manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, 40))]
    platforms = [f"--platform={tag}_{platform.machine()}" for tag in reversed(tags)]
    _fetch(folder, pip, *target, "--python-version", inner.release, "--implementation", "cp", *platforms)


def _fetch(folder: Path, pip: Sequence[str], *target: str) -> None:
    options = ["--quiet", "--no-input", "--require-hashes", "--only-binary=:all:", "-r", str(folder / _REQUIREMENTS)]
    outcome = run([*pip, "install", *options, *target], 1800.0)
    if outcome.status != 0:
        raise SetupError(
            "The packages could not be installed; check the network connection and the free disk space, "
            "then run this again.",
            outcome.last_lines(),
        )
