"""The user's files that the bridge writes: settings, key, prompts, history, models, log. Standard library only.

The user may have chosen a folder that also contains other files. So all files of Photio are listed here by name, and
only these are ever removed. A test fails if the bridge writes a file that is not listed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.store import places
from bridge.store.journal import NAME, REMOVED, lock_file

_FILES = ("settings.json", "api-key", "prompts.json")
_DRAFT = "[0-9a-f]" * 12  # see `private_files.write_private`


@dataclass(frozen=True)
class Belongings:
    """A folder, and the paths that Photio made in it or beside it."""

    folder: Path
    made: Sequence[Path]


def of_the_user(config: Path, data: Path) -> list[Belongings]:
    """The user's files in the directories of the settings and of the data, if there are any."""
    patterns = [pattern for name in _FILES for pattern in (name, f".{name}.{_DRAFT}")]
    journal = data / "journal"
    names = {path: path.name.removeprefix(REMOVED) for path in sorted(journal.glob("*"))}
    jobs = [path for path, name in names.items() if NAME.fullmatch(name) and path.is_dir() and not path.is_symlink()]
    log = places.log_file().name
    return [
        Belongings(config, files(config, [*patterns, "settings.json.broken-[0-9]*"])),
        Belongings(journal, (*jobs, *files(data, [lock_file(journal).name]))),
        Belongings(data / "models", files(data / "models", ["migan_pipeline_v2.onnx", ".model-????????"])),
        Belongings(data / "log", files(data / "log", [log, f"{log}.[0-9]"])),
    ]


def files(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """The files and links of these names. Folders of these names are not Photio's."""
    found = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    return [path for path in dict.fromkeys(found) if path.is_symlink() or path.is_file()]


def key_is_in_keyring(config: Path) -> bool:
    """Whether the settings say that there is a key in the system's keyring."""
    try:
        settings = json.loads((config / "settings.json").read_text(encoding="utf-8"))
        return settings.get("key_storage") == "keyring" or settings.get("key_left_in_keyring") is True
    except (OSError, ValueError, AttributeError, RecursionError):
        return False
