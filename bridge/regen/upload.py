"""The sending side of an exchange: a connection that other threads can close, and the request's body as a file."""

from __future__ import annotations

import contextlib
import selectors
import socket
from typing import Any

from bridge.common.deadline import Deadline
from bridge.common.i18n import _
from bridge.regen.call import Call, Stage
from bridge.regen.errors import Cancelled

BLOCK = 16 * 1024  # bytes; how much the socket gets at once
_POLL = 1.0  # seconds; some systems do not wake a thread that waits for a socket when another thread shuts it


class Connection:
    """The connection of one exchange, shared by the thread that uses it and the one that waits for the answer.

    Args:
        call: the request's state; its lock guards this object, too.
        connect: seconds to establish the connection.
        answer: seconds to wait for the answer, and the longest stall of an upload.

    Attributes:
        deadline: when to give up.
        established: whether there was a connection, including TLS.
        abandoned: whether the waiting thread gave up.
    """

    def __init__(self, call: Call, connect: float, answer: float) -> None:
        self.call = call
        self.deadline = Deadline(connect)
        self.established = False
        self.abandoned = False
        self._answer = answer
        self._handle: socket.socket | None = None  # a duplicate

    def attach(self, connected: Any) -> None:
        """Take the socket of the established connection.

        Another thread cannot shut a TLS socket, but it can shut a duplicate of the socket below it.
        """
        with self.call.changed:
            self.refuse_if_stopped()
            self._handle = socket.socket(fileno=socket.dup(connected.fileno()))
            self.established = True
            self.progressed()

    def progressed(self) -> None:
        """Restart the deadline after progress. The caller holds the lock."""
        self.deadline.restart(self._answer)
        self.call.changed.notify_all()

    def abandon(self) -> None:
        """Stop sending, and wake the thread that waits for the socket. The caller holds the lock."""
        self.abandoned = True
        if self._handle is not None:
            with contextlib.suppress(OSError):  # no longer connected
                self._handle.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Close the duplicate socket. The caller holds the lock."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def refuse_if_stopped(self) -> None:
        """Raise `Cancelled` if the request was cancelled before it was sent, or abandoned."""
        self.call.refuse_if_cancelled()
        if self.abandoned:
            raise Cancelled(_("The request was given up."))

    def wait_until_writable(self) -> None:
        """Wait until a good part of the system's send buffer is free.

        Data in that buffer cannot be taken back. A socket without a time-out would fill megabytes of it at once, and
        the upload could no longer be cancelled.
        """
        if self._handle is not None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._handle, selectors.EVENT_WRITE)
                while not selector.select(_POLL) and not self.abandoned:
                    pass

    def report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Report progress unless abandoned; `done` and `total` in bytes."""
        if not self.abandoned:
            self.call.report(stage, done, total)


class Upload:
    """A request's body as a file with a length. Reading its last byte marks the request as sent."""

    def __init__(self, body: bytes, connection: Connection) -> None:
        self._body = memoryview(body)
        self._connection = connection
        self.position = 0

    def __len__(self) -> int:
        """The `Content-Length`, in bytes."""
        return len(self._body)

    def read(self, amount: int = BLOCK, /) -> bytes:
        """The next bytes for the socket. Raises `Cancelled` if the request was cancelled or abandoned."""
        connection = self._connection
        if self.position < len(self._body):
            connection.wait_until_writable()
        with connection.call.changed:
            connection.refuse_if_stopped()
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
