"""Asks the desktop for its proxy settings, automatic ones (PAC) included, and tells the bridge."""

from __future__ import annotations

import os

from gi.repository import Gio, GLib

from bridge.protocol import DesktopProxies
from bridge_process import Bridge

#: ms until the desktop has to have answered. It may have to download and run a script first.
_LONGEST = 5000


def tell(bridge: Bridge, origin: str) -> None:
    """Tells the bridge which proxy the desktop names for a service. Runs the main loop until the desktop has answered.

    If it does not answer in time or has no settings, the bridge hears of no proxy.

    Args:
        origin: of the service; empty: it is on this computer, and nobody is asked.
    """
    if origin:
        bridge.notify(DesktopProxies(origin, _ask(origin)))


def variables(host: str) -> dict[str, str]:
    """The environment variables for a program that is to reach a host in the internet. Runs the main loop likewise.

    None are needed where some are set already, or where the desktop names no HTTP proxy.
    """
    if any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")):
        return {}
    first = next(iter(_ask(f"https://{host}")), "")
    return {"https_proxy": first} if first.startswith(("http://", "https://")) else {}


def _ask(origin: str) -> tuple[str, ...]:
    answers: list[tuple[str, ...]] = []
    cancellable = Gio.Cancellable()

    def on_answer(resolver: Gio.ProxyResolver, result: Gio.AsyncResult) -> None:
        try:
            answers.append(tuple(resolver.lookup_finish(result)))
        except GLib.Error:  # a broken script, for example
            answers.append(())

    def on_time_out() -> bool:
        answers.append(())
        cancellable.cancel()
        return bool(GLib.SOURCE_CONTINUE)

    Gio.ProxyResolver.get_default().lookup_async(f"{origin}/", cancellable, on_answer)
    timer = GLib.timeout_add(_LONGEST, on_time_out)
    while not answers:
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(timer)
    return answers[0]
