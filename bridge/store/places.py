"""The folders and files that Photio uses. Standard library only, for the set-up."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.common.systems import user_directory

HOME_VARIABLE = "PHOTIO_HOME"
JOURNAL_VARIABLE = "PHOTIO_JOURNAL"


def _named_by(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else None


def _own_home() -> Path | None:
    return _named_by(HOME_VARIABLE)


def config_directory() -> Path:
    """Settings and, where there is no keyring, the key's file."""
    return _own_home() or Path(user_directory("config"), "photio")


def data_directory() -> Path:
    """Journal and models."""
    return _own_home() or program_directory()


def program_directory() -> Path:
    """What the set-up makes for the bridge, environments above all; `PHOTIO_HOME` does not move it."""
    return Path(user_directory("data"), "photio")


def journal_directory() -> Path:
    """One folder for each job. `PHOTIO_JOURNAL` names another one, which several computers can share."""
    return _named_by(JOURNAL_VARIABLE) or data_directory() / "journal"


def journal_is_shared() -> bool:
    """Whether the journal is of somebody who repeats jobs by themselves, as a batch does."""
    return _named_by(JOURNAL_VARIABLE) is not None


def model_directory() -> Path:
    """Neural models that the set-up fetched."""
    return data_directory() / "models"


def log_file() -> Path:
    """The bridge's log."""
    return data_directory() / "log" / "bridge.log"
