"""A client's connection as a file whose time-out counts only the time in which this process runs."""

from __future__ import annotations

import io
import selectors
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.common.deadline import Deadline

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Connection(io.RawIOBase):
    """A raw stream over a socket.

    Args:
        connection: the socket; closing the stream does not close it.
        seconds: how long each read and write waits for the other side before it raises `TimeoutError`.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self._seconds = seconds
        connection.setblocking(False)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read at least one byte; none at the end of the stream."""
        return self._when_ready(lambda: self._socket.recv_into(buffer), selectors.EVENT_READ)

    def write(self, content: ReadableBuffer, /) -> int:
        """Write all bytes."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        while rest:
            sent = self._when_ready(lambda part=rest: self._socket.send(part), selectors.EVENT_WRITE)  # type: ignore[misc]
            rest = rest[sent:]
        return size

    def _when_ready(self, operation: Callable[[], int], event: int) -> int:
        deadline = Deadline(self._seconds)
        while True:
            try:
                return operation()
            except BlockingIOError:
                if deadline.over:
                    raise TimeoutError(f"nothing for {self._seconds:g} s") from None
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, event)
                deadline.wait(selector.select)
