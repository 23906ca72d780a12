"""One HTTP exchange that another thread can watch and cancel, and that knows whether the request was sent.

The exchange runs in its own thread while the caller waits on a condition. So a cancel takes effect at once in every
stage, even during name look-up. A server that sends one byte a second cannot stretch the deadline: the caller gives up
and shuts the socket.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from bridge.regen.call import Call
from bridge.regen.certificates import ca_bundle
from bridge.regen.errors import RegenError
from bridge.regen.http import Post, Received, proxy_for, send
from bridge.regen.http_content import Content
from bridge.regen.network_errors import timed_out, translated
from bridge.regen.upload import Connection, Upload

LONGEST_ANSWER = 64 * 1024 * 1024  # bytes, unpacked


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds. Time during which this process is suspended does not count.

    Attributes:
        connect: to establish a connection, including name look-up and TLS.
        answer: from the request's last byte to the answer's last byte; also the longest stall of an upload.
    """

    connect: float = 10.0
    answer: float = 300.0


class HttpAnswer(NamedTuple):
    """An answer: headers with lower-case names, and the unpacked body of at most `LONGEST_ANSWER` bytes.

    `broken` is the error that may have cut the body short. It is not raised, because the body may still contain the
    image that was paid for.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    broken: RegenError | None = None


def post(
    url: str, headers: Mapping[str, str], body: bytes, *, call: Call, timeouts: Timeouts, direct: bool
) -> HttpAnswer:
    """Send a POST request once and wait for the answer.

    Uses no redirects, cookies or netrc, and a new connection: when a kept-alive connection breaks, nobody can tell
    whether the request arrived.

    Args:
        url: checked by the caller.
        headers: all except `Content-Length`, `Host` and `Accept-Encoding`.
        body: the request's body.
        call: the request's state.
        timeouts: in seconds.
        direct: ignore the environment's proxies.

    Raises:
        Cancelled, ConnectionFailedError, AnswerTimeout, MalformedResponseError: see `bridge.regen.errors`.
    """
    exchange = _Exchange(url, headers, body, call, timeouts)
    threading.Thread(target=exchange.run, args=(direct,), name="photio-request", daemon=True).start()
    return exchange.wait()


class _Exchange:
    """One attempt. Its own thread calls `run`, the caller's thread calls `wait`."""

    def __init__(self, url: str, headers: Mapping[str, str], body: bytes, call: Call, timeouts: Timeouts) -> None:
        self._url = url
        self._headers = {**headers, "Accept-Encoding": "gzip"}
        self._timeouts = timeouts
        self._connection = Connection(call, timeouts.connect, timeouts.answer)
        self._upload = Upload(body, self._connection)
        self._head: tuple[int, Mapping[str, str]] | None = None
        self._content = Content({}, LONGEST_ANSWER)
        self._outcome: Future[HttpAnswer] = Future()

    def wait(self) -> HttpAnswer:
        """Wait for the answer; raises a typed error."""
        connection, call = self._connection, self._connection.call
        with call.changed:
            try:
                while not self._outcome.done():
                    call.refuse_if_cancelled()
                    if connection.deadline.over:
                        return self._partial_answer(self._timeout_error())
                    connection.deadline.wait(call.changed.wait)
            finally:
                connection.abandon()
        return self._outcome.result()

    def run(self, direct: bool) -> None:
        """Perform the exchange and store its outcome."""
        call = self._connection.call
        try:
            self._connection.report("connecting")
            answer = self._answer(direct)
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(answer)
        with call.changed:
            call.changed.notify_all()

    def _partial_answer(self, error: BaseException) -> HttpAnswer:
        """The part of the answer that arrived; raises `error` if none did."""
        content = bytes(self._content)
        if self._head is None or not content or not isinstance(error, RegenError):
            raise error
        return HttpAnswer(*self._head, content, error)

    def _timeout_error(self) -> RegenError:
        sent, connected, timeouts = self._connection.call.sent, self._connection.established, self._timeouts
        details = f"no connection within {timeouts.connect:g} s"
        if connected:
            details = f"stalled for {timeouts.answer:g} s after {self._upload.position} of {len(self._upload)} bytes"
        return timed_out(sent, connected, timeouts.answer, details)

    def _answer(self, direct: bool) -> HttpAnswer:
        connection = self._connection
        try:
            return self._exchange(direct)
        except BaseException as error:  # noqa: BLE001 - as in `run`
            failure = translated(error, connection.call.sent, connection.established)
        finally:
            with connection.call.changed:
                connection.release()
        # Raise outside the handler: the original error would become the context, and may quote the service.
        return self._partial_answer(failure)

    def _exchange(self, direct: bool) -> HttpAnswer:
        with self._send(direct) as received:
            sink = self._connection.call.sink
            if sink is not None:
                sink.begin()
            self._content = Content(received.headers, LONGEST_ANSWER, sink.write if sink is not None else None)
            self._head = (received.status, received.headers)
            for piece in received.pieces:
                self._content.add(piece)
                self._connection.report("receiving", self._content.received, self._content.total)
            self._content.finish()
            return HttpAnswer(*self._head, bytes(self._content))

    def _send(self, direct: bool) -> AbstractContextManager[Received]:
        per_address = self._timeouts.connect / 2  # an unreachable IPv6 address must leave time to try IPv4
        proxy = None if direct else proxy_for(self._url)
        attach = self._connection.attach
        return send(Post(self._url, self._headers, self._upload, attach, per_address, ca_bundle(), proxy))
