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
from bridge.setup.gimps import Gimp
from bridge.setup.system import SetupError, remove, remove_if_empty

_STAGING = ".photio-staging-"
_PREVIOUS = ".photio-previous"
_REMOVED = ".photio-removed"


def refuse_foreign(folder: Path) -> None:
    """Raises `SetupError` if there is a folder that is not Photio's."""
    if folder.is_symlink() or (folder.exists() and not contents.is_photio(folder)):
        raise SetupError(f"{folder} is not Photio's; move it away, then run this again.")


@contextmanager
def replaced(gimp: Gimp, checkout: Path, link: bool) -> Iterator[None]:
    """Builds a complete folder, puts it in place, and runs the block.

    If anything raises, the previous folder is put back, and nothing else is left. `repair` must have been called.
    """
    gimp.folder.parent.mkdir(parents=True, exist_ok=True)
    staged = _home(gimp) / f"{_STAGING}{os.getpid()}"
    staged.mkdir()
    try:
        contents.copy(checkout, staged, link)
        contents.write_list(staged)
        if gimp.folder.exists():
            os.replace(gimp.folder, _home(gimp) / _PREVIOUS)
        os.replace(staged, gimp.folder)
        yield
    except BaseException:
        if not staged.exists():
            os.rename(gimp.folder, staged)
        repair(gimp)
        _tidy(gimp)
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
    """Removes the folder. Returns whether there was one. Raises `SetupError` for a folder that is not Photio's."""
    repair(gimp)
    refuse_foreign(gimp.folder)
    if not gimp.folder.exists():
        return False
    # Renamed first, so that GIMP never loads half a plug-in.
    away = _home(gimp) / _REMOVED
    os.replace(gimp.folder, away)
    remove(away)
    _tidy(gimp)
    return True


def _tidy(gimp: Gimp) -> None:
    """Removes the directories that were made for the plug-in, or are as empty as if they had been: GIMP makes them."""
    remove_if_empty(gimp.folder.parent, gimp.directory, gimp.directory.parent)


def _home(gimp: Gimp) -> Path:
    # `plug-ins` may be a link to another file system, and a rename cannot cross file systems.
    return gimp.folder.parent.resolve().parent
