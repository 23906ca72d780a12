"""Checks whether the bridge can work on this computer. A `Check` is the result of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge import __version__

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """What a check found, and what the user should do about it."""

    name: str
    state: State
    found: str
    advice: str = ""


def has_problem(checks: Sequence[Check]) -> bool:
    """Whether any check found a problem that keeps the bridge from working."""
    return any(check.state == "problem" for check in checks)


def as_table(checks: Sequence[Check]) -> str:
    """A table for people: one line for each check, with its advice below."""
    width = max(len(check.name) for check in checks)
    lines = [f"Photio for GIMP {__version__}"]
    for check in checks:
        lines.append(f"{check.name:{width}}  {check.state:7}  {check.found}")
        if check.advice:
            lines.append(f"{'':{width}}           → {check.advice}")
    return "\n".join(lines)


def one_line(error: Exception, longest: int = 200) -> str:
    """An error's text, short enough for a table: at most `longest` characters."""
    text = getattr(error, "sentence", None) or f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:longest]
