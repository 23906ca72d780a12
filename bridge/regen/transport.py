"""One HTTP exchange that another thread can watch and cancel, and that knows whether it was sent.

The exchange runs in a thread of its own while the caller waits on a condition. That is the one arrangement
in which a cancel is prompt in every stage, a name look-up included, and in which a server that drips one
byte a second, in its headers or its body, cannot stretch the deadline: whoever gives up shuts the socket.
"""

from __future__ import annotations

import contextlib
import http.client
import selectors
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from bridge.common.deadline import Patience
from bridge.common.i18n import _
from bridge.regen.call import Call, Stage
from bridge.regen.certificates import ca_bundle
from bridge.regen.errors import (
    AnswerTimeout,
    Cancelled,
    ConnectionFailedError,
    MalformedResponseError,
    RegenError,
)
from bridge.regen.http_connection import BLOCK, Post, Received, sent_directly
from bridge.regen.http_content import Content, ContentError
from bridge.regen.http_proxy import proxy_for, sent_through

LONGEST_ANSWER = 64 * 1024 * 1024  # bytes, unpacked
_LOOK = 1.0  # seconds: not every system wakes who waits for a socket that is shut


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds in which this process runs.

    Attributes:
        connect: until a connection stands, name look-up and TLS included.
        answer: from the request's last byte to the answer's last one; also the longest stall of an upload.
    """

    connect: float = 10.0
    answer: float = 300.0


class HttpAnswer(NamedTuple):
    """What came back: headers with lower-case names, the body unpacked, at most `LONGEST_ANSWER` bytes.

    `broken` says why the body may not be whole. It is not raised: what was paid for may be in what did come.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    broken: RegenError | None = None


def post(
    url: str, headers: Mapping[str, str], body: bytes, *, call: Call, timeouts: Timeouts, direct: bool
) -> HttpAnswer:
    """Send one POST request over a connection of its own, once, and wait for the answer.

    Redirects are not followed; no cookies, no netrc. A kept-alive connection is never used: when one of
    those breaks, nobody can tell whether the request had arrived.

    Args:
        url: where to, checked by the caller.
        headers: all but `Content-Length`, `Host` and `Accept-Encoding`.
        body: the request's body.
        call: the request's state.
        timeouts: in seconds.
        direct: ignore the environment's proxies.

    Raises:
        Cancelled, ConnectionFailedError, AnswerTimeout, MalformedResponseError: see there.
    """
    exchange = _Exchange(url, headers, body, call, timeouts, direct)
    threading.Thread(target=exchange.run, name="photio-request", daemon=True).start()
    return exchange.wait()


class _Exchange:
    """One attempt. `run` is for the thread that does it, `wait` for the one that wants it."""

    def __init__(
        self, url: str, headers: Mapping[str, str], body: bytes, call: Call, timeouts: Timeouts, direct: bool
    ) -> None:
        self._url = url
        self._headers = {**headers, "Accept-Encoding": "gzip"}
        self._body = memoryview(body)
        self._call = call
        self._timeouts = timeouts
        self._direct = direct
        self._position = 0
        self._socket: socket.socket | None = None  # once the connection stands
        self._handle: socket.socket | None = None  # a second one on the connection that we have, or try to get
        self._head: tuple[int, Mapping[str, str]] | None = None
        self._content = Content({}, LONGEST_ANSWER)
        self._abandoned = False
        self._patience = Patience(timeouts.connect)
        self._outcome: Future[HttpAnswer] = Future()

    # For the thread that waits

    def wait(self) -> HttpAnswer:
        """The answer, or the typed error."""
        call = self._call
        with call.changed:
            try:
                while not self._outcome.done():
                    call.refuse_if_cancelled()
                    if self._patience.over:
                        return self._as_far_as_it_came(self._too_late())
                    self._patience.spend(call.changed.wait)
            finally:
                self._abandon()
        return self._outcome.result()

    def _as_far_as_it_came(self, error: BaseException) -> HttpAnswer:
        """What there is of the answer; raises the error when that is nothing."""
        content = bytes(self._content)
        if self._head is None or not content or not isinstance(error, RegenError):
            raise error
        return HttpAnswer(*self._head, content, error)

    def _too_late(self) -> AnswerTimeout | ConnectionFailedError:
        if self._call.sent:
            return AnswerTimeout(
                _(
                    "No answer came within {seconds} seconds, but the request may have been billed: "
                    "try again only if you accept that it may be billed twice."
                ).format(seconds=f"{self._timeouts.answer:g}")
            )
        if self._socket is None:
            return ConnectionFailedError(
                _("The service could not be reached in time: check the internet connection, then try again."),
                f"no connection within {self._timeouts.connect:g} s",
                never_connected=True,
            )
        return ConnectionFailedError(
            _("The upload came to a halt, and nothing was billed: check the internet connection and try again."),
            f"stalled for {self._timeouts.answer:g} s after {self._position} of {len(self._body)} bytes",
        )

    def _abandon(self) -> None:
        """Nobody waits any more: let no byte leave, and wake the thread that is blocked in the socket."""
        self._abandoned = True
        if self._handle is not None:
            with contextlib.suppress(OSError):  # it may not stand, or no longer
                self._handle.shutdown(socket.SHUT_RDWR)

    # For the thread that does it

    def run(self) -> None:
        """Do the exchange and leave its outcome."""
        try:
            self._report("connecting")
            answer = self._answer()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(answer)
        with self._call.changed:
            self._call.changed.notify_all()

    def begun(self, connecting: socket.socket) -> None:
        """A socket is about to be connected. TLS takes it for itself, but leaves a duplicate alone."""
        with self._call.changed:
            self._refuse_if_over()
            self._drop_handle()
            self._handle = connecting.dup()

    def opened(self, connected: Any) -> None:
        """The connection stands, TLS and all."""
        with self._call.changed:
            self._refuse_if_over()
            self._socket = connected
            self._patience.restart(self._timeouts.answer)
            self._call.changed.notify_all()

    def __len__(self) -> int:
        """What is sent as Content-Length, in bytes."""
        return len(self._body)

    def read(self, amount: int = BLOCK, /) -> bytes:
        """The body as a file: what the socket gets next, unless nobody wants it sent any more."""
        if self._position < len(self._body):
            self._wait_for_room()
        with self._call.changed:
            self._refuse_if_over()
            block = bytes(self._body[self._position : self._position + amount])
            self._position += len(block)
            if self._position == len(self._body):
                self._call.mark_sent()
            self._patience.restart(self._timeouts.answer)
            self._call.changed.notify_all()
        if block:
            self._report("uploading", self._position, len(self._body))
        else:
            self._report("waiting")
        return block

    def _wait_for_room(self) -> None:
        """Returns when a good part of the system's buffer is free; what is in there, nobody can take back.

        A socket without a time-out would fill megabytes of it at once, and an upload could not be cancelled any more.
        """
        if self._handle is not None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._handle, selectors.EVENT_WRITE)
                while not selector.select(_LOOK) and not self._abandoned:
                    pass

    def _refuse_if_over(self) -> None:
        self._call.refuse_if_cancelled()
        if self._abandoned:
            raise Cancelled(_("The request was given up."))

    def _report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        if not self._abandoned:
            self._call.report(stage, done, total)

    def _answer(self) -> HttpAnswer:
        try:
            return self._exchange()
        except BaseException as error:  # noqa: BLE001 - as in `run`
            typed = self._typed(error)
        finally:
            with self._call.changed:
                self._drop_handle()
        # Out here, or the original would be its context: its text may repeat what the service sent.
        return self._as_far_as_it_came(typed)

    def _drop_handle(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _exchange(self) -> HttpAnswer:
        with self._sent() as received:
            self._content = self._empty_content(received.headers)
            self._head = (received.status, received.headers)
            for piece in received.pieces:
                self._content.add(piece)
                self._report("receiving", self._content.received, self._content.total)
            self._content.finish()
            return HttpAnswer(*self._head, bytes(self._content))

    def _sent(self) -> AbstractContextManager[Received]:
        # Half, for each address: a dead IPv6 address must leave time to try IPv4.
        each = self._timeouts.connect / 2
        post = Post(self._url, self._headers, self, self.begun, self.opened, each, ca_bundle())
        proxy = None if self._direct else proxy_for(self._url)
        if proxy is None:
            return sent_directly(post)
        return sent_through(proxy, post)

    def _empty_content(self, headers: Mapping[str, str]) -> Content:
        sink = self._call.sink
        if sink is None:
            return Content(headers, LONGEST_ANSWER)
        sink.begin()
        return Content(headers, LONGEST_ANSWER, sink.write)

    def _typed(self, error: BaseException) -> BaseException:
        if isinstance(error, ContentError):
            return MalformedResponseError(
                _(
                    "The service's answer could not be read, but the request may have been billed: try again later, "
                    "and tell whoever runs the service."
                ),
                str(error),
            )
        # ValueError is what http.client's own parsing ends in where nobody thought of it, as at a negative chunk.
        if not isinstance(error, OSError | http.client.HTTPException | ValueError):
            return error  # one of ours already, or a bug
        # Once something was sent, without the text and the cause: they may quote the service, and it the key.
        details = f"{type(error).__name__}: {error}" if self._socket is None else _kinds(error)
        if self._call.sent:
            return ConnectionFailedError(
                _(
                    "The connection broke before the answer had come, but the request may have been billed: "
                    "try again only if you accept that it may be billed twice."
                ),
                details,
                may_be_billed=True,
            )
        if self._socket is not None:
            return ConnectionFailedError(
                _("The connection broke during the upload, and nothing was billed: try again."), details
            )
        return _unconnected(error, details)


def _unconnected(error: BaseException, details: str) -> ConnectionFailedError:
    """There was never a connection that could have taken a request."""
    if isinstance(error, ssl.SSLError) and "CERTIFICATE_VERIFY_FAILED" not in details:
        return ConnectionFailedError(
            _(
                "The service does not speak TLS as it should, so nothing was sent: check the service's address, "
                "and ask whoever runs your network."
            ),
            details,
        )
    if isinstance(error, ssl.SSLError):
        return ConnectionFailedError(
            _(
                "The service's TLS certificate is not trusted, so nothing was sent: check the computer's "
                "clock and the service's address, and ask whoever runs your network."
            ),
            details,
        )
    return ConnectionFailedError(
        _("The service could not be reached: check the internet connection and the service's address, then try again."),
        details,
        never_connected=True,
    )


def _kinds(error: BaseException | None) -> str:
    """An error and what led to it, by their types and the system's numbers only."""
    kinds: list[str] = []
    while error is not None and len(kinds) < 5:
        number = getattr(error, "errno", None)
        kinds.append(type(error).__name__ + (f" {number}" if number is not None else ""))
        error = error.__cause__ or error.__context__
    return " < ".join(kinds)
