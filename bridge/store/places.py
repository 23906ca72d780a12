"""The folders and files that Photio uses. Standard library only, for `install.py`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HOME_VARIABLE = "PHOTIO_HOME"


def _home() -> Path:
    """The user's home; if it is unknown, a path in which nothing can be written, so that every attempt is an error."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def _user_directory(variable: str, unix: str, windows_variable: str) -> Path:
    """One of the platform's usual directories for a user's files, with our name appended."""
    if sys.platform == "win32":
        root = Path(os.environ.get(windows_variable) or _home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = _home() / "Library" / "Application Support"
    else:
        root = Path(os.environ.get(variable) or "")
        if not root.is_absolute():  # the XDG specification: relative values are to be ignored
            root = _home() / unix
    return root / "photio"


def _own_home() -> Path | None:
    value = os.environ.get(HOME_VARIABLE)
    return Path(value).expanduser().absolute() if value else None


def config_directory() -> Path:
    """Settings and, where there is no keyring, the key's file."""
    return _own_home() or _user_directory("XDG_CONFIG_HOME", ".config", "APPDATA")


def data_directory() -> Path:
    """Journal and models."""
    return _own_home() or program_directory()


def program_directory() -> Path:
    """The environments that `install.py` builds for the bridge; `PHOTIO_HOME` does not move it."""
    return _user_directory("XDG_DATA_HOME", ".local/share", "LOCALAPPDATA")


def journal_directory() -> Path:
    """One folder for each job."""
    return data_directory() / "journal"


def model_directory() -> Path:
    """Neural models that `install.py --neural` fetched."""
    return data_directory() / "models"


def log_file() -> Path:
    """The bridge's log."""
    return data_directory() / "log" / "bridge.log"
