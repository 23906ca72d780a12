"""Sends one request with `requests`: directly, or through an HTTP or a SOCKS proxy."""

from __future__ import annotations

import contextlib
import functools
import logging
import zlib
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from socket import SOCK_STREAM, getaddrinfo
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.response import GzipDecoder

from bridge.regen.environment import Proxy, tls_context

BLOCK = 64 * 1024  # bytes; the most to receive at once
_DELAY = 0.25  # seconds; RFC 8305, 5: from one address of a host to the next

# Its warnings quote malformed header lines, in which the service may have echoed the key.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


@contextlib.contextmanager
def send(
    url: str, headers: Mapping[str, str], sender: Any, connect: float, proxy: Proxy | None
) -> Iterator[requests.Response]:
    """Send a POST request once over its own connection, without following redirects.

    Args:
        url: checked by the caller.
        headers: all except `Content-Length` and `Host`.
        sender: the body, as a file with a length. It hears of its connection: `opened(socket)`, when that is connected
            to the service or its proxy, and `established(has_answered)`, when the request can be sent.
            `has_answered()` says whether an answer came that does not wait for the rest of the body.
        connect: seconds to connect.
        proxy: see `proxy_for`.

    Raises:
        OSError, ValueError, urllib3.exceptions.HTTPError: there was no connection, it broke, or the answer is not HTTP.
        ConnectionFailedError: the certificates to trust are unusable.
    """
    adapter = _Adapter(sender, tls_context() if url.startswith("https:") else None)
    # Without a Session, which would follow redirects, keep cookies and read netrc.
    request = requests.Request("POST", url, headers=dict(headers), data=sender).prepare()
    proxies = {"http": proxy.url, "https": proxy.url} if proxy else {}
    try:
        with adapter.send(request, stream=True, timeout=(connect, None), proxies=proxies) as response:
            yield response
    finally:
        adapter.close()


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

    def __init__(self, sender: Any, context: Any) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._attributes = {"sender": sender, "trust": context}

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Leave it to the context, which has all certificates to trust."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Hook into connecting. `requests` documents this method as one to override."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = type("Connection", (_Connection, pool.ConnectionCls), self._attributes)
        return pool


class _Connection(HTTPConnection):
    """What all connections have in common: plain or TLS, direct or through a proxy."""

    sender: Any
    trust: Any

    def _new_conn(self) -> Any:
        """Connect to the service or its proxy, which may have several addresses."""
        options = getattr(self, "_socks_options", None)  # of urllib3's connections through SOCKS
        host, port = (options["proxy_host"], options["proxy_port"]) if options else (self._dns_host, self.port)
        addresses = getaddrinfo(host.strip("[]"), int(port), type=SOCK_STREAM)
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
        ahead = self.sock.makefile("rb")
        self.response_class = functools.partial(_Response, ahead=ahead)  # type: ignore[assignment]
        self.sender.established(functools.partial(_has_answered, self.sock, ahead))


def _fastest(addresses: list[Any], seconds: float | None) -> Any:
    """The first connection that stands. The addresses are tried in turns, without waiting for a dead one (RFC 8305)."""
    import asyncio  # here, as few jobs need it: it takes a while to import

    from aiohappyeyeballs import start_connection

    async def race() -> Any:
        async with asyncio.timeout(seconds):
            return await start_connection(addresses, happy_eyeballs_delay=_DELAY)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(race())


def _has_answered(connected: Any, ahead: Any) -> bool:
    """Whether a final answer has begun to arrive. Nothing of it is lost: `_Response` reads on from `ahead`."""
    connected.settimeout(0)
    try:
        line = ahead.peek(12)
    except OSError:  # nothing that TLS could give, or the connection broke, which sending will notice
        return False
    finally:
        connected.settimeout(None)
    return bool(line[:5] == b"HTTP/" and line[9:10].strip(b"1"))


class _Response(HTTPConnection.response_class):  # type: ignore[misc,valid-type]
    """An answer without the interim answers before it, read from a file that may have read ahead."""

    def __init__(self, *args: Any, ahead: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp: Any
        self.fp.close()
        self.fp = ahead

    def begin(self) -> None:
        """Skip all interim answers (RFC 9110, 15.2). The standard library skips only 100."""
        super().begin()
        while self.status in (HTTPStatus.PROCESSING, HTTPStatus.EARLY_HINTS):
            self.headers = self.msg = None
            super().begin()
