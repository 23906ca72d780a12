"""Loads a fill model by its name. Each has libraries of its own, which nobody else needs."""

from __future__ import annotations

from bridge.engine.fill import Fill


def load(name: str) -> Fill:
    """The model called `name`, one of `parameters.MODELS`; its weights are read at its first fill.

    Raises:
        ValueError: there is no such model.
        ModelUnavailable: the library that runs it is not here.
    """
    if name == "patchmatch":
        from bridge.engine import patchmatch_model

        return patchmatch_model.fill
    if name == "migan":
        from bridge.engine import migan_model

        return migan_model.fill
    raise ValueError(f"no fill model is called {name!r}")
