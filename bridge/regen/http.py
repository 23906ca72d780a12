"""Sends one request with `requests`: directly, or through the HTTP or SOCKS proxy that this computer names."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import re
import ssl
import zlib
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from socket import SOCK_STREAM, getaddrinfo
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy, should_bypass_proxies
from urllib3.connection import HTTPConnection
from urllib3.response import GzipDecoder
from urllib3.util import parse_url
from urllib3.util.connection import create_connection

from bridge.common.i18n import _
from bridge.regen import desktop
from bridge.regen.errors import ConnectionFailedError
from bridge.regen.validation import is_loopback

BLOCK = 64 * 1024  # bytes; the most to receive at once
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

_log = logging.getLogger(__name__)
# Its warnings quote malformed header lines, in which the service may have echoed the key.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class Proxy(NamedTuple):
    """A proxy."""

    url: str  # scheme://[name:password@]host[:port]
    source: str  # what names it, for the user: a variable of the environment, or the system's settings

    @property
    def shown(self) -> str:
        """Its address without the password."""
        return re.sub(r"//[^/]*@", "//", self.url)

    def takes_connections(self, seconds: float) -> bool:
        """Whether it does so within that time."""
        try:
            parts = parse_url(self.url)
            port = parts.port or {"http": 80, "https": 443}.get(str(parts.scheme), 1080)
            create_connection((str(parts.host), port), seconds).close()
        except (OSError, ValueError) as error:  # ValueError: its address is none
            _log.warning("the proxy %s takes no connections: %s", self.shown, type(error).__name__)
            return False
        return True


def proxy_for(url: str, seconds: float) -> Proxy | None:
    """The proxy that the environment sets for a URL, else the system's or the desktop's; none for this computer.

    If the desktop names several, the first that takes connections within a part of `seconds` is used.
    """
    parts = urlsplit(url)
    if is_loopback(parts.hostname or "") or should_bypass_proxies(url, no_proxy=None):
        return None
    chosen = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    names = (f"{parts.scheme}_proxy", "all_proxy")
    variables = (name for name, value in os.environ.items() if name.lower() in names and value == chosen)
    source = next(variables, _("your system's settings"))
    addresses = (chosen,) if chosen else desktop.proxies_for(f"{parts.scheme}://{parts.netloc}")
    first = None
    for address in addresses:
        if address.startswith("direct:"):
            return None
        # Desktops write socks:// and mean version 5, with names looked up by the proxy.
        full = re.sub("^socks://", "socks5h://", address if "://" in address else f"http://{address}")
        proxy = Proxy(full, source)
        if len(addresses) == 1 or proxy.takes_connections(seconds / (len(addresses) + 1)):
            return proxy
        first = first or proxy
    return first


def tls_context() -> ssl.SSLContext:
    """Python's recommended TLS settings, with the certificates of the system and of `certifi`.

    Certificates that the environment names replace both.

    Raises:
        ConnectionFailedError: the environment names something that is unreadable or contains no certificates.
    """
    variable = next((name for name in _CERTIFICATES if os.environ.get(name)), None)
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


@contextlib.contextmanager
def send(
    url: str, headers: Mapping[str, str], sender: Any, connect: float, proxy: Proxy | None
) -> Iterator[requests.Response]:
    """Send a POST request once over its own connection, without following redirects; `connect` is in seconds.

    `sender` is the body, as a file with a length. It hears of its connection: `opened(socket)`, when that is connected
    to the service or its proxy, and `established(has_answered)`, when the request can be sent. `has_answered()` says
    whether an answer came that does not wait for the rest of the body.

    Raises:
        OSError, ValueError, urllib3.exceptions.HTTPError: there was no connection, it broke, or the answer is not HTTP.
        ConnectionFailedError: the certificates to trust are unusable.
    """
    adapter = _Adapter()
    adapter.attributes = {"sender": sender, "trust": tls_context() if url.startswith("https:") else None}
    # Without a Session, which would follow redirects, keep cookies and read netrc.
    request = requests.Request("POST", url, headers=dict(headers), data=sender).prepare()
    proxies = {"all": proxy.url} if proxy else {}
    with (
        contextlib.closing(adapter),
        adapter.send(request, stream=True, timeout=(connect, None), proxies=proxies) as response,
    ):
        yield response


def content(response: requests.Response, longest: int) -> Iterator[bytes]:
    """The content while it arrives, unpacked. It ends after more than `longest` bytes.

    `read1` returns what is there, so a stalled answer loses nothing received so far. urllib3's own unpacking would drop
    what claims to be packed and is not.
    """
    raw: Any = response.raw
    packed = raw.headers.get("content-encoding", "").strip().lower() == "gzip"
    unpacker, room = GzipDecoder() if packed else None, longest + 1
    while room > 0 and raw.length_remaining != 0 and (piece := raw.read1(BLOCK, decode_content=False)):
        if unpacker:
            try:
                piece = unpacker.decompress(piece, room)
            except zlib.error:
                unpacker = None
        room -= len(piece)
        yield piece


class _Adapter(HTTPAdapter):
    """Makes connections of our own kind. `HTTPAdapter` makes no retries by default."""

    attributes: dict[str, Any]  # of all its connections

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Leave it to the context, which has all certificates to trust."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Hook into connecting. `requests` documents this method as one to override."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = type("Connection", (_Connection, pool.ConnectionCls), self.attributes)
        return pool


class _Connection(HTTPConnection):
    """What all connections have in common: plain or TLS, direct or through a proxy."""

    sender: Any
    trust: Any

    def _new_conn(self) -> Any:
        """Connect to the service or its proxy, which may have several addresses."""
        options = getattr(self, "_socks_options", None)  # of urllib3's connections through SOCKS
        host, port = (options["proxy_host"], options["proxy_port"]) if options else (self._dns_host, self.port)
        addresses = getaddrinfo(host.strip("[]"), port, type=SOCK_STREAM)
        if len(addresses) == 1:
            connected = super()._new_conn()
        else:
            connected = _fastest(addresses, self.timeout)
            if options:  # PySocks makes its connections itself: it gets the address that works
                options["proxy_host"], options["proxy_port"] = connected.getpeername()[:2]
                connected.close()
                connected = super()._new_conn()
            for option in self.socket_options or ():
                connected.setsockopt(*option)
            connected.settimeout(self.timeout)
        self.sender.opened(connected)
        return connected

    def connect(self) -> None:
        """Connect, with TLS if need be, and report it."""
        self.ssl_context = self.trust
        if self.proxy_config:
            self.proxy_config = self.proxy_config._replace(ssl_context=self.trust)
        super().connect()
        self.sock.settimeout(None)
        response = _Response(self.sock, method="POST")  # now, because looking for an early answer reads ahead
        self.response_class = lambda *_, **__: response  # type: ignore[assignment]
        self.sender.established(functools.partial(_has_answered, self.sock, response.fp))


class _Response(HTTPConnection.response_class):  # type: ignore[misc,valid-type]
    """An answer without the interim answers before it."""

    def begin(self) -> None:
        """Skip all interim answers (RFC 9110, 15.2). The standard library skips only 100."""
        super().begin()
        while self.status in (HTTPStatus.PROCESSING, HTTPStatus.EARLY_HINTS):
            self.headers = self.msg = None
            super().begin()


def _has_answered(connected: Any, received: Any) -> bool:
    """Whether a final answer has begun to arrive. Nothing of it is lost: `_Response` reads on from `received`."""
    connected.settimeout(0)
    try:
        line = received.peek(12)
    except OSError:  # nothing that TLS could give, or the connection broke, which sending will notice
        return False
    finally:
        connected.settimeout(None)
    return bool(line[:5] == b"HTTP/" and line[9:10].strip(b"1"))


def _fastest(addresses: list[Any], seconds: float | None) -> Any:
    """The first connection that stands. The addresses are tried in turns, without waiting for a dead one (RFC 8305)."""
    import asyncio  # here, as few jobs need it: it takes a while to import

    from aiohappyeyeballs import start_connection

    # From one address to the next: RFC 8305, 5.
    race = asyncio.wait_for(start_connection(addresses, happy_eyeballs_delay=0.25), seconds)
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(race)
