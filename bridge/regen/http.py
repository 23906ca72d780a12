"""Sends one request by `requests`: straight to the service, or through whatever proxy the environment names."""

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

from bridge.regen.certificates import trusting

BLOCK = 64 * 1024  # bytes that are received at once, at most

# It quotes header lines that it cannot parse, and the service may have echoed the key in them.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class Body(Protocol):
    """What is sent: a file that knows how long it is."""

    def __len__(self) -> int: ...

    def read(self, amount: int = ..., /) -> bytes: ...


class Post(NamedTuple):
    """What shall be sent where.

    Attributes:
        url: where to, checked by the caller.
        headers: all but `Content-Length` and `Host`.
        body: what is sent.
        opened: gets the socket as soon as the connection stands, TLS included.
        connect_timeout: seconds, for each of the host's addresses.
        trust: TLS certificates, see `certificates.ca_bundle`.
        proxy: the proxy's URL, or its host and port; None: no proxy.
    """

    url: str
    headers: Mapping[str, str]
    body: Body
    opened: Callable[[Any], None]
    connect_timeout: float
    trust: str | Literal[True]
    proxy: str | None


class Received(NamedTuple):
    """An answer whose body is still to come, in `pieces`, each as soon as it is there."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


def proxy_for(url: str) -> str | None:
    """The proxy through which the environment or the system wants a URL to be asked for."""
    if not urllib.request.getproxies():
        return None
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url, no_proxy=None))


@contextlib.contextmanager
def sent(post: Post) -> Iterator[Received]:
    """Sends a request, once, over a connection of its own; redirects are not followed.

    Raises:
        OSError, ValueError: there is no connection, it broke, or what came is no HTTP.
        ConnectionFailedError: the certificates to trust cannot be had.
    """
    if post.trust is not True:
        trusting(post.trust)  # `requests` does not tell of a file without certificates
    adapter = _Adapter(post.opened)
    # No Session: it would follow redirects, keep cookies and read netrc.
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
    """The body as it comes: `read1` holds nothing back, each byte is there when the next one never comes."""
    while raw.length_remaining != 0 and (piece := raw.read1(BLOCK, decode_content=False)):
        yield piece


class _Response(HTTPConnection.response_class):  # type: ignore[misc,valid-type]
    """An answer, without the interim ones before it."""

    def begin(self) -> None:
        """Skips all interim answers (RFC 9110, 15.2); the standard library skips 100 only."""
        super().begin()
        while self.status in (HTTPStatus.PROCESSING, HTTPStatus.EARLY_HINTS):
            self.headers = self.msg = None
            super().begin()


class _Adapter(HTTPAdapter):
    """Tells when the connection stands. Never sends again: `HTTPAdapter` makes no retries by default."""

    def __init__(self, opened: Callable[[Any], None]) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._opened = opened

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """As in `requests`, which has made this method to be overridden."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        plain, opened = pool.ConnectionCls, self._opened

        def connect(connection: Any) -> None:
            plain.connect(connection)
            connection.sock.settimeout(None)
            opened(connection.sock)

        pool.ConnectionCls = type(plain.__name__, (plain,), {"connect": connect, "response_class": _Response})
        return pool
