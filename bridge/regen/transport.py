"""One HTTP exchange that another thread can watch and cancel, and that knows whether the request was sent.

The exchange runs in its own thread while the caller waits on a condition. So a cancel takes effect at once in every
stage, even during name look-up. A server that sends one byte a second cannot stretch the deadline: the caller gives up
and shuts the socket down.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import Any, NamedTuple

from urllib3.util.wait import wait_for_read, wait_for_write

from bridge import __version__
from bridge.common.deadline import Deadline
from bridge.common.i18n import _
from bridge.regen import http
from bridge.regen.call import Call, Stage
from bridge.regen.errors import Cancelled, RegenError, malformed
from bridge.regen.failures import failure

PATH = "/v1/inference/regen"
LONGEST_ANSWER = 64 * 1024 * 1024  # bytes, unpacked
_POLL = 0.2  # seconds; from one look at what a service that does not read may have answered to the next


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds. Time during which this process is suspended does not count."""

    connect: float = 10.0  # to establish a connection, including name look-up and TLS
    answer: float = 300.0  # from the request's last byte to the answer's last byte; also the longest stall of an upload


class HttpAnswer(NamedTuple):
    """An answer."""

    status: int
    headers: Mapping[str, str]  # asked for by lower-case names
    content: bytes  # unpacked, at most `LONGEST_ANSWER` bytes
    broken: RegenError | None = None  # what cut the content short; not raised, as the paid image may still be in it
    sent: bool = True  # whether the whole request was sent when the answer came


def post(origin: str, key: str | None, body: bytes, *, call: Call, timeouts: Timeouts) -> HttpAnswer:
    """Send JSON to a service, whose address the caller has checked, once and wait for the answer.

    Uses no redirects, cookies or netrc, and a new connection: when a kept-alive connection breaks, nobody can tell
    whether the request arrived.

    Raises:
        Cancelled, ConnectionFailedError, AnswerTimeout, MalformedResponseError: see `bridge.regen.errors`.
    """
    headers = {"Content-Type": "application/json", "User-Agent": f"photio-for-gimp/{__version__}"}
    headers |= {"X-Photio-Key": key} if key else {}
    exchange = _Exchange(origin + PATH, {**headers, "Accept-Encoding": "gzip"}, body, call, timeouts)
    threading.Thread(target=exchange.run, name="photio-request", daemon=True).start()
    return exchange.wait()


class _Exchange:
    """One attempt, as the file to send. Its own thread calls `run`, the caller's `wait`. The call's lock guards it."""

    def __init__(self, url: str, headers: Mapping[str, str], body: bytes, call: Call, timeouts: Timeouts) -> None:
        self._url = url
        self._headers = headers
        self._body = body
        self._position = 0
        self._call = call
        self._timeouts = timeouts
        self._deadline = Deadline(timeouts.connect)
        self._proxy: http.Proxy | None = None
        self._handle: Any = None  # a duplicate of the socket
        self._connected = False  # including TLS
        self._has_answered: Callable[[], bool] = bool  # it never has
        self._abandoned = False
        self._ended = False
        self._error: BaseException | None = None
        self._answer: HttpAnswer | None = None  # without its content
        self._content = bytearray()

    def wait(self) -> HttpAnswer:
        """Wait for the answer; raises a typed error."""
        call = self._call
        with call.changed:
            try:
                while not self._ended:
                    call.refuse_if_cancelled()
                    if self._deadline.over:
                        self._error = TimeoutError()
                        break
                    self._deadline.wait(call.changed.wait)
            finally:
                self._abandon()
        answer, error, self._error = self._answer, self._error, None  # an error's traceback would keep this alive
        if error is not None:
            stage: Stage = "waiting" if call.sent else "uploading" if self._connected else "connecting"
            broken = failure(error, stage, self._url, self._proxy, self._timeouts.answer)
            del error  # the frames of its traceback can own a socket, and this frame lives as long as `broken`
            if answer is None or not isinstance(broken, RegenError) or not (self._content or answer.status >= 300):
                raise broken
            answer = answer._replace(broken=broken)
        assert answer is not None
        return answer._replace(content=bytes(self._content))

    def run(self) -> None:
        """Perform the exchange."""
        try:
            self._report("connecting")
            self._proxy = http.proxy_for(self._url, self._timeouts.connect)
            self._perform()
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            if not self._abandoned:
                self._error = error
        with self._call.changed:
            self._abandon()
            if self._handle is not None:
                self._handle.close()
            self._handle, self._has_answered = None, bool  # an error that is kept must not keep the socket
            self._ended = True
            self._call.changed.notify_all()

    def opened(self, connected: Any) -> None:
        """Take the socket: another thread cannot shut a TLS socket, but it can shut a duplicate of the one below it."""
        with self._call.changed:
            self._go_on()
            self._handle = connected.dup()

    def established(self, has_answered: Callable[[], bool]) -> None:
        """From now on the request may be sent."""
        with self._call.changed:
            self._connected, self._has_answered = True, has_answered
            self._go_on()

    def __len__(self) -> int:
        """The `Content-Length`, in bytes."""
        return len(self._body)

    def read(self, amount: int, /) -> bytes:
        """The next bytes to send: urllib3 asks for 16 kB at once. Reading the last one marks the request as sent.

        Raises:
            Cancelled: the request was cancelled or abandoned.
            BrokenPipeError: the answer is already there. urllib3 then stops sending and reads it.
        """
        if self._position < len(self._body):
            self._wait_until_writable()
        with self._call.changed:
            self._go_on()
            block = self._body[self._position : self._position + amount]
            self._position += len(block)
            self._call.sent = self._position == len(self._body)
        if block:
            self._report("uploading", self._position, len(self._body))
        else:
            self._report("waiting")
        return block

    def _wait_until_writable(self) -> None:
        """Wait until a good part of the system's send buffer is free.

        Data in that buffer cannot be taken back. A socket without a time-out would fill megabytes of it at once, and
        the upload could no longer be cancelled.
        """
        writable = False
        while not writable and not self._abandoned:
            writable = wait_for_write(self._handle, _POLL)
            if wait_for_read(self._handle, 0) and self._has_answered():
                raise BrokenPipeError

    def _abandon(self) -> None:
        """Stop sending, and wake the thread that waits for the network."""
        self._abandoned = True
        if self._handle is not None:
            with contextlib.suppress(OSError):  # no longer connected
                self._handle.shutdown(SHUT_RDWR)

    def _go_on(self) -> None:
        """Restart the deadline, or raise `Cancelled` if the request was cancelled before it was sent, or abandoned."""
        self._call.refuse_if_cancelled()
        if self._abandoned:
            raise Cancelled(_("The request was given up."))
        if self._connected:
            self._deadline.restart(self._timeouts.answer)
            self._call.changed.notify_all()

    def _report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        if self._call.on_progress is not None and not self._abandoned:
            self._call.on_progress(stage, done, total)

    def _perform(self) -> None:
        with http.send(self._url, self._headers, self, self._timeouts.connect, self._proxy) as response:
            write = self._call.on_answer() if self._call.on_answer else None
            raw, total = response.raw, response.raw.length_remaining or 0
            self._answer = HttpAnswer(response.status_code, response.headers, b"", None, self._call.sent)
            for piece in http.content(response, LONGEST_ANSWER):
                if write:
                    write(piece)  # first, to the disk: memory is lost if this process ends
                self._content += piece
                if max(len(self._content), raw.tell()) > LONGEST_ANSWER:
                    raise malformed(f"more than {LONGEST_ANSWER} bytes")
                self._report("receiving", raw.tell(), total)
