"""The sending half of an exchange: the socket, which another thread can shut, and the request's body as a file."""

from __future__ import annotations

import contextlib
import selectors
import socket
from typing import Any

from bridge.common.deadline import Deadline
from bridge.common.i18n import _
from bridge.regen.call import Call, Stage
from bridge.regen.errors import Cancelled

BLOCK = 16 * 1024  # bytes that are handed to the socket at once
_LOOK = 1.0  # seconds: not every system wakes a thread that waits for a socket which another one shuts


class Connection:
    """The connection of one exchange, shared by the thread that uses it and the one that may give it up.

    Args:
        call: the request's state; its lock guards this object, too.
        connect: seconds until the connection must stand.
        answer: seconds until an answer must come, and the longest stall of an upload.

    Attributes:
        deadline: the time that is left.
        stands: whether there was a connection, TLS included.
        abandoned: whether the waiting thread has given up.
    """

    def __init__(self, call: Call, connect: float, answer: float) -> None:
        self.call = call
        self.deadline = Deadline(connect)
        self.stands = False
        self.abandoned = False
        self._answer = answer
        self._handle: socket.socket | None = None  # a duplicate

    def opened(self, connected: Any) -> None:
        """The connection stands, TLS included. TLS cannot be shut from another thread, but the socket below it can."""
        with self.call.changed:
            self.refuse_if_over()
            self._handle = socket.socket(fileno=socket.dup(connected.fileno()))
            self.stands = True
            self.progressed()

    def progressed(self) -> None:
        """Something moved: the time to wait begins anew. The caller holds the lock."""
        self.deadline.restart(self._answer)
        self.call.changed.notify_all()

    def abandon(self) -> None:
        """Nobody waits any longer: no more bytes leave, and the thread that is blocked in the socket wakes."""
        self.abandoned = True
        if self._handle is not None:
            with contextlib.suppress(OSError):  # it may no longer be connected
                self._handle.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Closes the duplicate. The caller holds the lock."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def refuse_if_over(self) -> None:
        """Raises `Cancelled` when the request was cancelled before it was sent, or given up."""
        self.call.refuse_if_cancelled()
        if self.abandoned:
            raise Cancelled(_("The request was given up."))

    def wait_until_writable(self) -> None:
        """Returns when a good part of the system's send buffer is free.

        Nobody can take back what is in that buffer. A socket without a time-out would fill megabytes of it at once, and
        the upload could no longer be cancelled.
        """
        if self._handle is not None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._handle, selectors.EVENT_WRITE)
                while not selector.select(_LOOK) and not self.abandoned:
                    pass

    def report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Tells the watcher, as long as somebody waits; `done` and `total` in bytes."""
        if not self.abandoned:
            self.call.report(stage, done, total)


class Upload:
    """A request's body as a file that knows its length, and marks the request as sent with its last byte."""

    def __init__(self, body: bytes, connection: Connection) -> None:
        self._body = memoryview(body)
        self._connection = connection
        self.position = 0

    def __len__(self) -> int:
        """The `Content-Length`, in bytes."""
        return len(self._body)

    def read(self, amount: int = BLOCK, /) -> bytes:
        """What the socket gets next. Raises `Cancelled` when nobody wants it sent any more."""
        connection = self._connection
        if self.position < len(self._body):
            connection.wait_until_writable()
        with connection.call.changed:
            connection.refuse_if_over()
            block = bytes(self._body[self.position : self.position + amount])
            self.position += len(block)
            if self.position == len(self._body):
                connection.call.mark_sent()
            connection.progressed()
        if block:
            connection.report("uploading", self.position, len(self._body))
        else:
            connection.report("waiting")
        return block
