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
from collections.abc import Iterator
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

    def command(self, *arguments: str) -> list[str]:
        """The command line that starts the bridge with these arguments, and leaves no bytecode in its folder."""
        return [self.python, *self.isolated, "-B", self.bridge, *arguments]


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
    if folder.is_symlink() or (folder.exists() and read_manifest(folder) is None):
        raise SetupError(f"{folder} was not made by this installer; move it away, then run this again.")


def missing_directories(gimp: Gimp) -> tuple[str, ...]:
    """The directories down to `plug-ins` that do not exist yet, outermost first."""
    plug_ins = gimp.folder.parent
    return tuple(str(path) for path in reversed([plug_ins, *plug_ins.parents]) if not path.exists())


@contextmanager
def replaced(gimp: Gimp, checkout: Path, manifest: Manifest, runtime: Runtime, report: Report) -> Iterator[None]:
    """Builds a complete folder, puts it in place, and runs the block.

    If anything raises, the previous folder is put back, and nothing else is left. `repair` must have been called.
    """
    gimp.folder.parent.mkdir(parents=True, exist_ok=True)
    staged = _home(gimp) / f"{_STAGING}{os.getpid()}"
    staged.mkdir()
    try:
        _fill(staged, checkout, bool(manifest.linked))
        if runtime.packages is not None:
            shutil.copytree(runtime.packages, staged / "packages")
        _compile_catalogues(checkout, staged, runtime, report)
        _write_manifest(staged, manifest)
        if gimp.folder.exists():
            os.replace(gimp.folder, _home(gimp) / _PREVIOUS)
        os.replace(staged, gimp.folder)
        yield
    except BaseException:
        if not staged.exists():
            os.rename(gimp.folder, staged)
        repair(gimp)
        raise
    repair(gimp)


def repair(gimp: Gimp) -> bool:
    """Finishes or undoes what a killed run left. Returns whether the previous folder had to be put back."""
    home, back = _home(gimp), needs_repair(gimp)
    if back:
        os.rename(home / _PREVIOUS, gimp.folder)
    for leftover in [home / _PREVIOUS, home / _REMOVED, *home.glob(f"{_STAGING}*")]:
        remove(leftover)
    return back


def needs_repair(gimp: Gimp) -> bool:
    return (_home(gimp) / _PREVIOUS).exists() and not gimp.folder.exists()


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
    remove_if_empty(*map(Path, reversed(manifest.made)))
    return True


def damage(folder: Path, manifest: Manifest) -> list[str]:
    """The paths of files in an installed folder that are missing or changed."""
    if manifest.linked:
        return [] if (folder / "photio.py").is_file() and (folder / "bridge").is_dir() else ["photio.py, bridge"]
    return [name for name, digest in manifest.files.items() if _digest(folder / name) != digest]


def _home(gimp: Gimp) -> Path:
    # `plug-ins` may be a link to another file system, and a rename cannot cross file systems.
    return gimp.folder.parent.resolve().parent


def _fill(staged: Path, checkout: Path, linked: bool) -> None:
    for source in (*(checkout / "plugin" / "photio").iterdir(), checkout / "bridge"):
        target = staged / source.name
        if source.name in ("__pycache__", _CATALOGUES):
            continue
        if linked:
            target.symlink_to(source, target_is_directory=source.is_dir())
        elif source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy2(source, target)
    if not linked:
        # GIMP queries a plug-in again only if the date of this file has changed, whatever else is new.
        os.utime(staged / "photio.py")
        # GIMP ignores a plug-in without this bit, which a checkout from an archive may lack.
        os.chmod(staged / "photio.py", 0o755)


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
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
