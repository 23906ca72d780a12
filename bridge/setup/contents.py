"""What the plug-in's folder `photio` holds, and what can be told about such a folder. Standard library only."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

#: The list of a folder's files, as `sha256sum --check` reads it.
LIST = "contents.sha256"

_PLUGIN = "photio.py"
_NAMED = (_PLUGIN, "bridge/__init__.py")  # files of every folder of ours: they name Photio
_LEFT_OUT = ("__pycache__", ".pyc")


def copy(checkout: Path, folder: Path, link: bool = False) -> None:
    """Puts everything that the plug-in needs into an existing folder, and the list; with `link`, links to the checkout.

    `locale` is always a real folder: the compiled catalogues come into it, and not into the checkout.
    """
    for source, name in _sources(checkout, whole_folders=link):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if link:
            target.symlink_to(source.absolute(), target_is_directory=source.is_dir())
        else:
            # The file's date is new: GIMP queries a plug-in again only if the date of photio.py has changed.
            # Its permissions are the usual ones: a read-only checkout makes no folder that nobody can remove.
            shutil.copyfile(source, target)
    if not link:
        # GIMP ignores a plug-in without this bit, which a checkout from an archive may lack.
        os.chmod(folder / _PLUGIN, 0o755)
        write_list(folder)


def write_list(folder: Path) -> None:
    """Writes `contents.sha256`: every file but itself and the compiled catalogues."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    names = [name for name in sorted(paths) if name != LIST and not name.endswith((".mo", *_LEFT_OUT))]
    lines = "".join(f"{_digest(paths[name])}  {name}\n" for name in names)
    (folder / LIST).write_bytes(lines.encode())


def damage(folder: Path) -> list[str]:
    """The files that are missing or changed; the list itself if it is missing or no list."""
    if linked(folder):
        return [name for name in (_PLUGIN, "bridge") if not (folder / name).exists()]
    digests = _listed(folder)
    return [name for name, digest in digests.items() if _digest(folder / name) != digest] if digests else [LIST]


def is_photio(folder: Path) -> bool:
    """Whether Photio's installer or a release made this folder, even if parts of it are missing by now."""
    named = all("Photio" in text(folder / name) for name in _NAMED)
    old = re.match(r'\{\s*"format": 1,\s*"version": ', text(folder / "install.json"))  # of version 0.1.0
    ours = named or linked(folder) or old or all(name in _listed(folder) for name in _NAMED)
    return bool(ours) and not folder.is_symlink()


def version(folder: Path) -> str:
    """The version in a folder or a checkout; "" if it is unknown."""
    found = re.search(r'^__version__ = "([^"]+)"', text(folder / "bridge" / "__init__.py"), re.MULTILINE)
    return found[1] if found else ""


def linked(folder: Path) -> str:
    """The checkout that the folder links to, even if it is gone; or ""."""
    try:
        bridge, plugin = (Path(os.readlink(folder / name)) for name in ("bridge", _PLUGIN))
    except OSError:
        return ""
    return str(bridge.parent) if plugin == bridge.parent / "plugin" / "photio" / _PLUGIN else ""


def text(path: Path) -> str:
    """A file's text; "" if there is none that can be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _sources(checkout: Path, whole_folders: bool) -> Iterator[tuple[Path, str]]:
    """Each file and its name in the plug-in's folder, or, with `whole_folders`, folders other than `locale` whole."""
    plugin = checkout / "plugin" / "photio"
    for path in [*plugin.iterdir(), checkout / "bridge", checkout / "LICENSE"]:
        files: Iterable[Path] = [path]
        if path.name == "locale":
            files = path.glob("*.po")
        elif path.is_dir() and not whole_folders:
            files = (each for each in path.rglob("*") if each.is_file())
        for file in files:
            name = file.relative_to(path.parent)
            if file.exists() and not any(part.endswith(_LEFT_OUT) for part in name.parts):
                yield file, name.as_posix()


def _listed(folder: Path) -> dict[str, str]:
    return {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (.+)$", text(folder / LIST), re.MULTILINE)}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
