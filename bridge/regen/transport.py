"""One HTTP exchange that another thread can watch and cancel, and that knows whether it was sent.

The exchange runs in a thread of its own while the caller waits on a condition. So a cancel is prompt in every stage,
even while a host's name is looked up. A server that sends one byte a second cannot stretch the deadline: the caller
gives up and shuts the socket.
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
from bridge.regen.http import Post, Received, proxy_for, sent
from bridge.regen.http_content import Content
from bridge.regen.network_errors import timed_out, typed
from bridge.regen.upload import Connection, Upload

LONGEST_ANSWER = 64 * 1024 * 1024  # bytes, unpacked


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
    exchange = _Exchange(url, headers, body, call, timeouts)
    threading.Thread(target=exchange.run, args=(direct,), name="photio-request", daemon=True).start()
    return exchange.wait()


class _Exchange:
    """One attempt. `run` is for the thread that does it, `wait` for the one that wants its outcome."""

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
        """The answer, or the typed error."""
        connection, call = self._connection, self._connection.call
        with call.changed:
            try:
                while not self._outcome.done():
                    call.refuse_if_cancelled()
                    if connection.deadline.over:
                        return self._as_far_as_it_came(self._too_late())
                    connection.deadline.wait(call.changed.wait)
            finally:
                connection.abandon()
        return self._outcome.result()

    def run(self, direct: bool) -> None:
        """Do the exchange and leave its outcome."""
        call = self._connection.call
        try:
            self._connection.report("connecting")
            answer = self._answer(direct)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(answer)
        with call.changed:
            call.changed.notify_all()

    def _as_far_as_it_came(self, error: BaseException) -> HttpAnswer:
        """What there is of the answer; raises the error when that is nothing."""
        content = bytes(self._content)
        if self._head is None or not content or not isinstance(error, RegenError):
            raise error
        return HttpAnswer(*self._head, content, error)

    def _too_late(self) -> RegenError:
        sent, connected, timeouts = self._connection.call.sent, self._connection.stands, self._timeouts
        details = f"no connection within {timeouts.connect:g} s"
        if connected:
            details = f"stalled for {timeouts.answer:g} s after {self._upload.position} of {len(self._upload)} bytes"
        return timed_out(sent, connected, timeouts.answer, details)

    def _answer(self, direct: bool) -> HttpAnswer:
        connection = self._connection
        try:
            return self._exchange(direct)
        except BaseException as error:  # noqa: BLE001 - as in `run`
            failure = typed(error, connection.call.sent, connection.stands)
        finally:
            with connection.call.changed:
                connection.release()
        # Outside the handler, or the original would be its context, and its text may repeat what the service sent.
        return self._as_far_as_it_came(failure)

    def _exchange(self, direct: bool) -> HttpAnswer:
        with self._sent(direct) as received:
            self._content = self._empty_content(received.headers)
            self._head = (received.status, received.headers)
            for piece in received.pieces:
                self._content.add(piece)
                self._connection.report("receiving", self._content.received, self._content.total)
            self._content.finish()
            return HttpAnswer(*self._head, bytes(self._content))

    def _sent(self, direct: bool) -> AbstractContextManager[Received]:
        # Half of the time for each address: a dead IPv6 address must leave time to try IPv4.
        each, opened = self._timeouts.connect / 2, self._connection.opened
        proxy = None if direct else proxy_for(self._url)
        return sent(Post(self._url, self._headers, self._upload, opened, each, ca_bundle(), proxy))

    def _empty_content(self, headers: Mapping[str, str]) -> Content:
        sink = self._connection.call.sink
        if sink is None:
            return Content(headers, LONGEST_ANSWER)
        sink.begin()
        return Content(headers, LONGEST_ANSWER, sink.write)
