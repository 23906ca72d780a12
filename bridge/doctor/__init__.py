"""Checks whether the bridge can work on this computer. A `Check` is the result of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """What a check found, and what the user should do about it."""

    name: str
    state: State
    found: str
    advice: str = ""


def one_line(error: Exception) -> str:
    """An error's text, short enough for a table."""
    text = getattr(error, "sentence", None) or f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:200]
