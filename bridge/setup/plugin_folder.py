"""The plug-in's folder: built completely beside `plug-ins`, then swapped in by two renames.

At every moment either the previous or the new folder is complete on the disk. Only between the two renames neither is
in place: an exception at that point is rolled back at once, and `repair` corrects what a killed run left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.setup import contents
from bridge.setup.system import SetupError, remove, remove_if_empty

_STAGED = ".photio-staging"  # what is not complete yet, or not any more
_PREVIOUS = ".photio-previous"


def refuse_foreign(folder: Path) -> None:
    """Raises `SetupError` if there is a folder that is not Photio's."""
    if folder.is_symlink() or (folder.exists() and not contents.is_photio(folder)):
        raise SetupError(f"{folder} is not Photio's; move it away, then run this again.")


@contextmanager
def replaced(folder: Path, checkout: Path, link: bool) -> Iterator[None]:
    """Builds a complete folder, puts it in place, and runs the block.

    If anything raises, the previous folder is put back, and nothing else is left. `repair` must have been called.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = _home(folder) / _STAGED
    staged.mkdir()
    try:
        contents.copy(checkout, staged, link)
        if folder.exists():
            os.replace(folder, _home(folder) / _PREVIOUS)
        os.replace(staged, folder)
        yield
    except BaseException:
        if not staged.exists():
            os.rename(folder, staged)
        repair(folder)
        _tidy(folder)
        raise
    repair(folder)


def repair(folder: Path) -> None:
    """Finishes or undoes what a killed run left."""
    home = _home(folder)
    if (home / _PREVIOUS).exists() and not folder.exists():
        os.rename(home / _PREVIOUS, folder)
    for leftover in home.glob(".photio-*"):
        remove(leftover)


def uninstall(folder: Path) -> bool:
    """Removes the folder. Returns whether there was one. Raises `SetupError` for a folder that is not Photio's."""
    repair(folder)
    refuse_foreign(folder)
    if not folder.exists():
        return False
    # Renamed first, so that GIMP never loads half a plug-in.
    away = _home(folder) / _STAGED
    os.replace(folder, away)
    remove(away)
    _tidy(folder)
    return True


def _tidy(folder: Path) -> None:
    """Removes the directories that were made for the plug-in, or are as empty as if they had been: GIMP makes them."""
    directory = folder.parent.parent
    remove_if_empty(folder.parent, directory, directory.parent)


def _home(folder: Path) -> Path:
    # `plug-ins` may be a link to another file system, and a rename cannot cross file systems.
    return folder.parent.resolve().parent
