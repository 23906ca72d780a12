"""The list of plug-in folders that `install.py` made. With those in the usual places, it says which packages are used.

A damaged or missing list costs nothing: a plug-in whose packages were removed sets itself up again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from bridge.store import places


def list_file() -> Path:
    """The file that the list is in."""
    return places.program_directory() / "installations.json"


def recall() -> dict[Path, list[Path]]:
    """Each folder, with the directories that were made for it, outermost first."""
    try:
        content = json.loads(list_file().read_text(encoding="utf-8"))
        if isinstance(content, list) or "folders" in content:  # of version 0.1.0
            content = dict.fromkeys(content if isinstance(content, list) else content["folders"], ())
        return {Path(folder): [Path(each) for each in made] for folder, made in content.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def folders() -> list[Path]:
    """The folders of the list that still exist."""
    return [folder for folder in recall() if folder.exists()]


def save(known: Mapping[Path, list[Path]]) -> None:
    """Replaces the list. Raises `OSError`."""
    list_file().parent.mkdir(parents=True, exist_ok=True)
    fresh = list_file().with_suffix(".new")
    fresh.write_text(json.dumps({str(folder): list(map(str, made)) for folder, made in known.items()}, indent=1))
    os.replace(fresh, list_file())
