"""Loads a fill model by name. Each import is local because each model needs libraries of its own."""

from __future__ import annotations

from bridge.engine.fill import Fill


def load(name: str) -> Fill:
    """The fill model with this name, one of `parameters.MODELS`. It reads its weights at its first fill.

    Raises:
        ValueError: there is no such model.
        ModelUnavailable: its library is not installed.
    """
    if name == "patchmatch":
        from bridge.engine import patchmatch_model

        return patchmatch_model.fill
    if name == "migan":
        from bridge.engine import migan_model

        return migan_model.fill
    raise ValueError(f"no fill model is called {name!r}")
