"""The proxies that the desktop's settings name, automatic ones (PAC) included.

Only the plug-in can ask the desktop. Like the environment's variables, its answer then holds for this whole process.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

_DIRECT = "direct"
_named: dict[str, tuple[str, ...]] = {}


def learn(origin: str, proxies: Sequence[str]) -> None:
    """Takes the desktop's answer for a service: URLs in the order of preference; `direct://` is no proxy."""
    _named[origin] = tuple(proxies)


def first(url: str) -> str | None:
    """The proxy that the desktop prefers for a URL, with its scheme (http, https, socks, socks4, socks5, …).

    None: it names none or prefers none, was not asked, or `NO_PROXY` has the host.
    """
    from requests.utils import should_bypass_proxies  # slow to import: `learn` does not need it

    parts = urlsplit(url)
    proxies = _named.get(f"{parts.scheme}://{parts.netloc}", ())
    if not proxies or urlsplit(proxies[0]).scheme == _DIRECT or should_bypass_proxies(url, no_proxy=None):
        return None
    return proxies[0]
