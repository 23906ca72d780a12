"""The list of plug-in folders that this user installed: it says which environments are in use.

When the list is damaged, nobody knows who else uses the environments that are there. So these are never removed by
themselves: the list that is made anew names them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.setup import gimps, plugin_folder
from bridge.setup.environment import environments, is_complete
from bridge.setup.gimps import Computer
from bridge.setup.system import remove
from bridge.store import places


@dataclass(frozen=True)
class Installations:
    """What the list says.

    Attributes:
        folders: the plug-in folders.
        spared: names of environments that somebody may use who is not in the list.
        lost: the list was damaged, and this is what could be found without it.
    """

    folders: tuple[Path, ...] = ()
    spared: frozenset[str] = frozenset()
    lost: bool = False

    def adding(self, folders: Iterable[Path]) -> Installations:
        """The list with these folders, each once."""
        return replace(self, folders=tuple(dict.fromkeys((*self.folders, *folders))))


def list_file() -> Path:
    """Where the list is."""
    return places.program_directory() / "installations.json"


def recall(computer: Computer) -> Installations:
    """The list; when it is damaged, the folders that are found in the usual places. Changes nothing."""
    try:
        return _understood(json.loads(list_file().read_text(encoding="utf-8")))
    except FileNotFoundError:
        if not any(map(is_complete, _present())):
            return Installations()  # the first time, or one that was killed
    except (OSError, ValueError, TypeError, RecursionError):
        pass  # handled below, as a list that is gone
    found = [gimp.folder for gimp in gimps.configured(computer) if plugin_folder.uses(gimp.folder)]
    return Installations(tuple(found), frozenset(path.name for path in _present()), lost=True)


def save(known: Installations) -> None:
    """Replace the list. An empty one is kept as well: without it, the environments that are there would be spared."""
    folders = [str(folder) for folder in known.folders]
    spared = sorted(known.spared & {path.name for path in _present()})
    content = {"folders": folders, "spared": spared} if spared else folders
    list_file().parent.mkdir(parents=True, exist_ok=True)
    fresh = list_file().with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(fresh, list_file())


def forget() -> None:
    """Remove the list, when there is no environment any more."""
    remove(list_file())


def _understood(told: object) -> Installations:
    """Raises `ValueError` for anything but a list of folders, or such a list and another one of environments."""
    parts = [told.get("folders"), told.get("spared")] if isinstance(told, dict) else [told, []]
    texts = [part for part in parts if isinstance(part, list) and all(isinstance(text, str) for text in part)]
    if len(texts) != len(parts):
        raise ValueError("not a list of folders")
    return Installations(tuple(map(Path, texts[0])), frozenset(texts[1]))


def _present() -> list[Path]:
    return sorted(environments().iterdir()) if environments().is_dir() else []
