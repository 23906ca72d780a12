"""The list of plug-in folders that this user installed. It says which environments are in use.

If the list is damaged, other GIMPs may use the environments that exist. So these are noted in the new list, and never
removed automatically.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from bridge.setup import gimps, plugin_folder
from bridge.setup.environment import is_complete, present
from bridge.setup.gimps import Computer
from bridge.store import places


@dataclass(frozen=True)
class Installations:
    """The list.

    Attributes:
        folders: the plug-in folders.
        spared: names of environments that a plug-in folder outside the list may use.
        lost: the list was damaged, and this one was made from what was found.
    """

    folders: tuple[Path, ...] = ()
    spared: frozenset[str] = frozenset()
    lost: bool = False


def list_file() -> Path:
    """The file that the list is in."""
    return places.program_directory() / "installations.json"


def recall(computer: Computer) -> Installations:
    """The list; if it is damaged, one of the folders in the usual places. Changes nothing."""
    try:
        content = json.loads(list_file().read_text(encoding="utf-8"))
        folders, spared = (content["folders"], content["spared"]) if isinstance(content, dict) else (content, ())
        return Installations(tuple(map(Path, folders)), frozenset(spared))
    except FileNotFoundError:
        if not any(map(is_complete, present())):
            return Installations()  # the first installation, or one that was killed
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass  # handled below, like a missing list
    found = [gimp.folder for gimp in gimps.configured(computer) if plugin_folder.uses(gimp.folder)]
    return Installations(tuple(found), frozenset(path.name for path in present()), lost=True)


def save(known: Installations) -> None:
    """Replaces the list. An empty list is saved, too: without it, all existing environments would be spared."""
    folders = [str(folder) for folder in known.folders]
    spared = sorted(known.spared & {path.name for path in present()})
    content = {"folders": folders, "spared": spared} if spared else folders
    list_file().parent.mkdir(parents=True, exist_ok=True)
    fresh = list_file().with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(fresh, list_file())
