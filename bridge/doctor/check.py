"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """What was found, and what to do about it."""

    name: str
    state: State
    found: str
    advice: str = ""


def one_line(error: Exception) -> str:
    """An error's text, short enough for a table."""
    sentence = getattr(error, "sentence", None)
    text = sentence if sentence else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:200]
