"""The plug-in's folder: built completely beside `plug-ins`, then swapped in by two renames.

At every moment either the previous or the new folder is complete on the disk. Only between the two renames neither is
in place: an exception at that point is rolled back at once, and `repair` corrects what a killed run left.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bridge.setup.environment import Report, Runtime
from bridge.setup.gimps import Gimp
from bridge.setup.system import SetupError, remove, remove_if_empty, run

MANIFEST = "install.json"
FORMAT = 1
_STAGING = ".photio-staging-"
_PREVIOUS = ".photio-previous"
_REMOVED = ".photio-removed"
_CATALOGUES = "locale"


@dataclass(frozen=True)
class Manifest:
    """`install.json`, for the plug-in and later runs of the installer.

    Attributes:
        version: of what is installed.
        python, isolated, bridge: the bridge is started as `[python, *isolated, bridge, …]`.
        python_path: further directories for the bridge's `sys.path`.
        environment: name of the packages' folder below `environments`.
        neural: whether the neural engine's packages are in it.
        linked: the checkout that the folder links to, or "".
        made: directories made for this install, outermost first.
        files: sha256 of each file, by its path in the folder; empty when linked.
    """

    version: str
    python: str
    bridge: str
    isolated: tuple[str, ...] = ("-I",)
    python_path: tuple[str, ...] = ()
    environment: str = ""
    neural: bool = False
    linked: str = ""
    made: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an installed folder; `None` when the folder is absent or not ours."""
    try:
        fields = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if fields.pop("format") != FORMAT:
            return None
        for name in ("isolated", "python_path", "made"):
            fields[name] = tuple(fields.get(name, ()))
        return Manifest(**fields)
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None


def uses(folder: Path) -> frozenset[str] | None:
    """The names of the environments that an installed folder uses; empty if there is no folder.

    After an interrupted swap, those of the previous folder, which `repair` puts back. `None`: there is a folder, but it
    is unknown what it uses.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        try:
            folder.lstat()
            return None
        except (FileNotFoundError, NotADirectoryError):
            manifest = read_manifest(folder.parent.resolve().parent / _PREVIOUS)
        except OSError:
            return None
    return frozenset([manifest.environment] if manifest else [])


def refuse_foreign(folder: Path) -> None:
    """Raises `SetupError` if there is a folder that this installer did not make."""
    if (folder.exists() or folder.is_symlink()) and (folder.is_symlink() or read_manifest(folder) is None):
        raise SetupError(f"{folder} was not made by this installer; move it away, then run this again.")


def missing_directories(gimp: Gimp) -> tuple[str, ...]:
    """The directories down to `plug-ins` that do not exist yet, outermost first."""
    plug_ins = gimp.folder.parent
    return tuple(str(path) for path in reversed([plug_ins, *plug_ins.parents]) if not path.exists())


def stage(gimp: Gimp, checkout: Path, manifest: Manifest, runtime: Runtime, report: Report) -> Staged:
    """Builds a complete folder, ready to be swapped in. Raises `OSError`; then nothing is left behind."""
    gimp.folder.parent.mkdir(parents=True, exist_ok=True)
    folder = _home(gimp) / f"{_STAGING}{os.getpid()}"
    try:
        remove(folder)
        folder.mkdir()
        if manifest.linked:
            _link(checkout, folder)
        else:
            _copy(checkout, folder)
        if runtime.packages is not None:
            shutil.copytree(runtime.packages, folder / "packages")
        _compile_catalogues(checkout, folder, runtime, report)
        _write_manifest(folder, manifest)
    except BaseException:
        remove(folder)
        raise
    return Staged(gimp, folder)


@dataclass(frozen=True)
class Staged:
    """A complete folder that is not in place yet."""

    gimp: Gimp
    path: Path

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Puts the folder in place, and runs the block. If the block raises, the previous folder is put back."""
        folder, previous = self.gimp.folder, _home(self.gimp) / _PREVIOUS
        try:
            if folder.exists():
                os.replace(folder, previous)
            os.replace(self.path, folder)
            yield
        except BaseException:
            self._roll_back(folder, previous)
            raise
        remove(previous)

    def _roll_back(self, folder: Path, previous: Path) -> None:
        staged_is_in = not self.path.exists()
        if staged_is_in and folder.exists():
            os.rename(folder, self.path)
        if previous.exists() and not folder.exists():
            os.rename(previous, folder)
        remove(self.path)


def repair(gimp: Gimp) -> bool:
    """Finishes or undoes what a killed run left. Returns whether the previous folder had to be put back."""
    home, folder = _home(gimp), gimp.folder
    if not home.is_dir():
        return False
    previous = home / _PREVIOUS
    back = previous.exists() and not folder.exists()
    if back:
        os.rename(previous, folder)
    for leftover in [previous, home / _REMOVED, *home.glob(f"{_STAGING}*")]:
        remove(leftover)
    return back


def needs_repair(gimp: Gimp) -> bool:
    home = _home(gimp)
    return (home / _PREVIOUS).exists() and not gimp.folder.exists()


def uninstall(gimp: Gimp) -> bool:
    """Removes the folder and the directories that were made for it. Returns whether there was one.

    Raises `SetupError` for a folder that this installer did not make.
    """
    repair(gimp)
    refuse_foreign(gimp.folder)
    manifest = read_manifest(gimp.folder)
    if manifest is None:
        return False
    # Renamed first, so that GIMP never loads half a plug-in.
    away = _home(gimp) / _REMOVED
    os.replace(gimp.folder, away)
    remove(away)
    for directory in reversed(manifest.made):
        remove_if_empty(Path(directory))
    return True


def damage(folder: Path, manifest: Manifest) -> list[str]:
    """The paths of files in an installed folder that are missing or changed."""
    if manifest.linked:
        return [] if (folder / "photio.py").is_file() and (folder / "bridge").is_dir() else ["photio.py, bridge"]
    return [
        name
        for name, digest in manifest.files.items()
        if not (folder / name).is_file() or _digest(folder / name) != digest
    ]


def _home(gimp: Gimp) -> Path:
    # `plug-ins` may be a link to another file system, and a rename cannot cross file systems.
    return gimp.folder.parent.resolve().parent


def _sources(checkout: Path) -> Iterator[tuple[str, Path]]:
    """The content of the folder: (name in the folder, file or directory in the checkout)."""
    for path in sorted((checkout / "plugin" / "photio").iterdir()):
        if path.name not in ("__pycache__", _CATALOGUES):
            yield path.name, path
    yield "bridge", checkout / "bridge"


def _copy(checkout: Path, stage: Path) -> None:
    ignore: Callable[[str, list[str]], set[str]] = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name, source in _sources(checkout):
        if source.is_dir():
            shutil.copytree(source, stage / name, ignore=ignore)
        else:
            shutil.copy2(source, stage / name)
    # GIMP queries a plug-in again only if the date of this file has changed, whatever else is new.
    os.utime(stage / "photio.py")
    # GIMP ignores a plug-in without this bit, which a checkout from an archive may lack.
    os.chmod(stage / "photio.py", 0o755)


def _link(checkout: Path, stage: Path) -> None:
    for name, source in _sources(checkout):
        (stage / name).symlink_to(source, target_is_directory=source.is_dir())


def _compile_catalogues(checkout: Path, stage: Path, runtime: Runtime, report: Report) -> None:
    """Compiles the catalogues. A language that fails is reported; the plug-in is in English then."""
    source = checkout / "plugin" / "photio" / _CATALOGUES
    # For a sandbox, this interpreter uses the sandbox's pure-Python packages: the sandbox may not see the checkout.
    python = sys.executable if runtime.packages else runtime.python
    program = checkout / "bridge" / "setup" / "compile_catalogues.py"
    command = [python, "-I", "-B", str(program), str(source), str(stage / _CATALOGUES), str(runtime.packages or "")]
    outcome = run(command)
    for line in outcome.output.splitlines():
        report(f"  language left out: {line}")
    if outcome.status != 0:
        report(f"  languages left out, all but English: {outcome.last_lines(1)}")


def _write_manifest(stage: Path, manifest: Manifest) -> None:
    fields = {"format": FORMAT, **asdict(manifest)}
    if not manifest.linked:
        files = {path.relative_to(stage).as_posix(): path for path in sorted(stage.rglob("*")) if path.is_file()}
        fields["files"] = {name: _digest(path) for name, path in files.items() if not name.startswith("packages/")}
    (stage / MANIFEST).write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
