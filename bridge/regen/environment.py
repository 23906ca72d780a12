"""What this computer says of the way to a service: the proxy, and the TLS certificates to trust."""

from __future__ import annotations

import os
import re
import ssl
import urllib.request
from typing import NamedTuple
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy
from urllib3.util import parse_url

from bridge.common.i18n import _
from bridge.regen import desktop_proxies
from bridge.regen.errors import ConnectionFailedError
from bridge.regen.validation import is_loopback

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_UNUSABLE = _("{source} names {proxy}, which is not a usable proxy: correct or unset it.")


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        url: `scheme://[name:password@]host[:port]`, with one of the schemes http, https, socks4, socks4a, socks5 and
            socks5h.
        source: what names it, for the user: a variable of the environment, or the system's settings.
    """

    url: str
    source: str

    @property
    def shown(self) -> str:
        """Its address without the password."""
        return re.sub(r"//[^/]*@", "//", self.url)


def proxy_for(url: str) -> Proxy | None:
    """The proxy that the environment sets for a URL, else the system's or the desktop's; none for this computer.

    Raises:
        ConnectionFailedError: it is not usable.
    """
    if is_loopback(urlsplit(url).hostname or ""):
        return None
    environment = get_environ_proxies(url, no_proxy=None) if urllib.request.getproxies() else {}
    chosen = select_proxy(url, environment) or desktop_proxies.first(url)
    if not chosen:
        return None
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    named = (name for name, value in os.environ.items() if name.lower() in names and value == chosen)
    source = next(named, _("your system's settings"))
    try:
        # Desktops write socks:// and mean version 5, with names looked up by the proxy.
        proxy = Proxy(re.sub("^socks://", "socks5h://", chosen if "://" in chosen else f"http://{chosen}"), source)
        parts = parse_url(proxy.url)
        usable = parts.scheme in _SCHEMES and parts.host
    except ValueError:  # urllib3's errors are such
        proxy, usable = Proxy("//" + chosen, source), None
    if not usable:
        raise ConnectionFailedError(_UNUSABLE.format(proxy=proxy.shown, source=source))
    return proxy


def tls_context() -> ssl.SSLContext:
    """Python's recommended TLS settings, with the certificates of the system and of `certifi`.

    Certificates that the environment names replace both.

    Raises:
        ConnectionFailedError: the environment names something that is unreadable or contains no certificates.
    """
    variable = next((name for name in _VARIABLES if os.environ.get(name)), None)
    if variable is None:
        import certifi
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(certifi.where())
        return context
    path = os.environ[variable]
    try:
        folder = os.path.isdir(path)
        return ssl.create_default_context(capath=path if folder else None, cafile=None if folder else path)
    except OSError as error:
        sentence = _("{variable} must name a file with TLS certificates: correct or unset it.")
        raise ConnectionFailedError(sentence.format(variable=variable), f"{path}: {error}") from error
