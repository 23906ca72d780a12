"""Sends one request with `requests`, directly or through the proxy that the environment names."""

from __future__ import annotations

import contextlib
import logging
import ssl
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal, NamedTuple, Protocol

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

from bridge.regen import desktop_proxies
from bridge.regen.certificates import tls_context

BLOCK = 64 * 1024  # bytes; the most to receive at once

# Its warnings quote malformed header lines, in which the service may have echoed the key.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class Body(Protocol):
    """A request's body: a file with a length."""

    def __len__(self) -> int: ...

    def read(self, amount: int = ..., /) -> bytes: ...


class Post(NamedTuple):
    """A POST request.

    Attributes:
        url: checked by the caller.
        headers: all except `Content-Length` and `Host`.
        body: the content to send.
        on_connect: called with the socket once the connection is established, including TLS.
        connect_timeout: seconds for each of the host's addresses.
        trust: TLS certificates, see `certificates.ca_bundle`.
        proxy: the proxy's URL, or its host and port; None for no proxy.
    """

    url: str
    headers: Mapping[str, str]
    body: Body
    on_connect: Callable[[Any], None]
    connect_timeout: float
    trust: str | Literal[True]
    proxy: str | None


class Received(NamedTuple):
    """An answer whose body is still arriving. Iterate over `pieces` to receive it."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


def proxy_for(url: str) -> str | None:
    """The proxy that the environment or the system sets for a URL, or else the desktop, if any."""
    if not urllib.request.getproxies():
        return desktop_proxies.first(url)
    environment = requests.utils.get_environ_proxies(url, no_proxy=None)
    return requests.utils.select_proxy(url, environment) or desktop_proxies.first(url)


@contextlib.contextmanager
def send(post: Post) -> Iterator[Received]:
    """Send a request once over its own connection, without following redirects.

    Raises:
        OSError, ValueError: there was no connection, it broke, or the answer is not HTTP.
        ConnectionFailedError: the certificates to trust are unusable.
    """
    if post.trust is not True and post.url.startswith("https:"):  # reading an authority's file takes 30 ms
        tls_context(post.trust)  # checks it: `requests` does not report a file without certificates
    adapter = _Adapter(post.on_connect)
    # Without a Session, which would follow redirects, keep cookies and read netrc.
    request = requests.Request("POST", post.url, headers=dict(post.headers), data=post.body).prepare()
    proxies = {"https": post.proxy, "http": post.proxy} if post.proxy else {}
    try:
        response = adapter.send(
            request, stream=True, timeout=(post.connect_timeout, None), verify=post.trust, proxies=proxies
        )
        with response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield Received(response.status_code, headers, _pieces(response.raw))
    except requests.exceptions.SSLError as error:
        raise ssl.SSLError(str(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise OSError(str(error)) from error
    finally:
        adapter.close()


def _pieces(raw: Any) -> Iterator[bytes]:
    """The body while it arrives. `read1` returns what is there, so a stalled answer loses nothing received so far."""
    while raw.length_remaining != 0 and (piece := raw.read1(BLOCK, decode_content=False)):
        yield piece


class _Response(HTTPConnection.response_class):  # type: ignore[misc,valid-type]
    """An answer without the interim answers before it."""

    def begin(self) -> None:
        """Skip all interim answers (RFC 9110, 15.2). The standard library skips only 100."""
        super().begin()
        while self.status in (HTTPStatus.PROCESSING, HTTPStatus.EARLY_HINTS):
            self.headers = self.msg = None
            super().begin()


class _Adapter(HTTPAdapter):
    """Reports an established connection. `HTTPAdapter` makes no retries by default."""

    def __init__(self, on_connect: Callable[[Any], None]) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._on_connect = on_connect

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Hook into connecting. `requests` documents this method as one to override."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        plain, on_connect = pool.ConnectionCls, self._on_connect

        def connect(connection: Any) -> None:
            plain.connect(connection)
            connection.sock.settimeout(None)
            on_connect(connection.sock)

        pool.ConnectionCls = type(plain.__name__, (plain,), {"connect": connect, "response_class": _Response})
        return pool
