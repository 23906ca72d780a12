"""The proxies that the desktop's settings name. Only the plug-in can ask for them, so it tells the bridge."""

from __future__ import annotations

from collections.abc import Iterable

_proxies: dict[str, tuple[str, ...]] = {}


def learn(origin: str, proxies: Iterable[str]) -> None:
    """Take the desktop's proxies for a service: URLs in the order of preference; `direct://` is none.

    Like the environment's variables, the answer holds for this whole process.
    """
    _proxies[origin] = tuple(proxies)


def proxies_for(origin: str) -> tuple[str, ...]:
    """What was learned last for a service; empty if nothing was."""
    return _proxies.get(origin, ())
