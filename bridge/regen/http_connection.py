"""A request straight to the service, by the standard library.

`requests` and `urllib3` would be a quarter of what a job has to load before its first request can leave. What they know
better, proxies, is in `bridge.regen.http_proxy`, for those who have one.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import selectors
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from bridge.common.deadline import Deadline
from bridge.regen.certificates import trusting

BLOCK = 64 * 1024  # bytes that are received at once, at most
_SENT_BLOCK = 16 * 1024


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
        begun: gets each socket before it is connected; whoever keeps a duplicate of it can shut the connection at any
            moment, for the sockets have no time-outs of their own.
        opened: hears of the connection as soon as it stands, TLS and all.
        connect_timeout: seconds, for each of the host's addresses.
        trust: TLS certificates, see `bridge.certificates.ca_bundle`.
    """

    url: str
    headers: Mapping[str, str]
    body: Body
    begun: Callable[[socket.socket], None]
    opened: Callable[[Any], None]
    connect_timeout: float
    trust: str | Literal[True]


class Received(NamedTuple):
    """An answer whose body is still to come, in `pieces`, each as soon as it is there."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class Response(http.client.HTTPResponse):
    """An answer, without the interim ones before it."""

    def begin(self) -> None:
        """Passes over all interim answers (RFC 9110, 15.2); http.client does so for 100 only."""
        super().begin()
        while self.status in (http.client.PROCESSING, http.client.EARLY_HINTS):
            self.headers = self.msg = None  # type: ignore[assignment]  # it begins but once
            super().begin()


@contextlib.contextmanager
def sent_directly(post: Post) -> Iterator[Received]:
    """Sends a request, once, over a connection of its own, and gives its answer; redirects are not followed.

    Raises:
        OSError, http.client.HTTPException, ValueError: there is no connection, it broke, or what came is no HTTP.
        ConnectionFailedError: the certificates to trust cannot be had.
    """
    connection = _connection(post)
    try:
        _connect(connection, post)
        post.opened(connection.sock)
        headers = {**post.headers, "Content-Length": str(len(post.body))}
        try:
            connection.request("POST", urlsplit(post.url).path, post.body, headers)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the other side has closed already; what it had said before may well be there
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:  # how macOS says the same at times
                raise
        with connection.getresponse() as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            yield Received(response.status, found, _pieces(response))
    finally:
        connection.close()


def _connection(post: Post) -> http.client.HTTPConnection:
    parts = urlsplit(post.url)
    host = (parts.hostname or "").removesuffix(".")  # of a name's end, which no certificate has
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, parts.port or 443, context=trusting(post.trust), blocksize=_SENT_BLOCK
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port or 80, blocksize=_SENT_BLOCK)
    connection.response_class = Response
    return connection


def _connect(connection: http.client.HTTPConnection, post: Post) -> None:
    """What its own `connect` does, but for the time-outs."""
    plain = connection.sock = reach(connection.host, connection.port, post)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if isinstance(connection, http.client.HTTPSConnection):
        connection.sock = trusting(post.trust).wrap_socket(plain, server_hostname=connection.host)


def reach(host: str, port: int, post: Post) -> socket.socket:
    """A connection, without a time-out, to the first of a host's addresses that takes one.

    Raises:
        OSError: none does; what the last one said. A `TimeoutError`: nothing within the `connect_timeout`.
    """
    failure = OSError("no address")
    for family, kind, protocol, _name, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        connecting = socket.socket(family, kind, protocol)
        try:
            post.begun(connecting)
            _reach(connecting, address, post.connect_timeout)
        except OSError as error:
            connecting.close()
            failure = error
        except BaseException:
            connecting.close()
            raise
        else:
            return connecting
    raise failure


def _reach(connecting: socket.socket, address: Any, seconds: float) -> None:
    """Connects one socket: a time-out of its own would count the time in which this process stood still."""
    connecting.setblocking(False)
    error = connecting.connect_ex(address)
    if error in (errno.EINPROGRESS, errno.EWOULDBLOCK):
        deadline, settled = Deadline(seconds), list[object]()
        with selectors.DefaultSelector() as selector:
            selector.register(connecting, selectors.EVENT_WRITE)
            while not settled:
                if deadline.over:
                    raise TimeoutError(f"no answer within {seconds:g} s")
                deadline.wait(lambda step: settled.extend(selector.select(step)))
        error = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))
    connecting.setblocking(True)


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as it comes: `read1` holds nothing back, each byte is there when the next one never comes."""
    lengths = {length.strip() for said in response.headers.get_all("Content-Length", ()) for length in said.split(",")}
    if len(lengths) > 1 and not response.chunked:  # no end of it can be trusted (RFC 9112, 6.3)
        raise http.client.HTTPException("Content-Length")
    left = response.length  # bytes; None: chunked, or until the connection ends
    if left is None and not response.chunked and len(lengths) == 1 and (told := lengths.pop()).isdecimal():
        left = int(told)  # "42, 42", in one line
    while left != 0 and (piece := response.read1(BLOCK if left is None else min(BLOCK, left))):
        if left is not None:
            left -= len(piece)
        yield piece
    if left:
        raise http.client.IncompleteRead(b"", left)
