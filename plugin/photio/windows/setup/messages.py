"""What the process that sets up says: a JSON object in each line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fetch:
    """Something to be fetched.

    Attributes:
        what: its name.
        source: the host or folder that it comes from.
        size: bytes, about.
    """

    what: str
    source: str
    size: int


@dataclass(frozen=True)
class Plan:
    """What would be done. The process waits until it may go on.

    Attributes:
        reason: "missing" or "damaged".
        folder: where everything is kept.
        licence: of what is added; empty where that needs no mention.
    """

    reason: str
    fetches: tuple[Fetch, ...]
    folder: str
    licence: str


@dataclass(frozen=True)
class Step:
    """What is being done. `done` and `total` are bytes; a total of 0 is not known."""

    name: str
    done: int
    total: int


@dataclass(frozen=True)
class Done:
    """Everything is in place."""


@dataclass(frozen=True)
class Failed:
    """It did not work.

    Attributes:
        code: "network", "proxy", "disk", "permission", or another one.
        sentence: for the user, in the user's language.
        details: for who wants to know more; perhaps many lines.
    """

    code: str
    sentence: str
    details: str


@dataclass(frozen=True)
class Stopped:
    """The process has ended after it was cancelled."""


Message = Plan | Step | Done | Failed | Stopped


def decode(line: str) -> Message | None:
    """The message in a line; None: it is none, but something that a program printed."""
    try:
        return _message(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _message(said: dict[str, Any]) -> Message | None:
    kind = said["kind"]
    if kind == "plan":
        fetches = tuple(Fetch(str(each["what"]), str(each["source"]), int(each["bytes"])) for each in said["fetches"])
        return Plan(str(said["reason"]), fetches, str(said["folder"]), str(said["licence"]))
    if kind == "progress":
        return Step(str(said["step"]), int(said["done"]), int(said["total"]))
    if kind == "failed":
        return Failed(str(said["code"]), str(said["sentence"]), str(said["details"]))
    return Done() if kind == "done" else None
