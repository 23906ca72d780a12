"""A client's connection as a file. Its time-out counts only the time in which this process runs."""

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
    """To read from and to write to.

    Args:
        connection: the socket; it is not closed with this file.
        seconds: so long each read and each write waits for the other side; then there is a `TimeoutError`.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self._seconds = seconds
        connection.setblocking(False)

    def readable(self) -> bool:
        """It is."""
        return True

    def writable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """At least one byte, or none when the other side has ended."""
        return self._as_soon_as_it_can(lambda: self._socket.recv_into(buffer), selectors.EVENT_READ)

    def write(self, content: ReadableBuffer, /) -> int:
        """All of it."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        while rest:
            sent = self._as_soon_as_it_can(lambda part=rest: self._socket.send(part), selectors.EVENT_WRITE)  # type: ignore[misc]
            rest = rest[sent:]
        return size

    def _as_soon_as_it_can(self, do: Callable[[], int], event: int) -> int:
        deadline = Deadline(self._seconds)
        while True:
            try:
                return do()
            except BlockingIOError:
                if deadline.over:
                    raise TimeoutError(f"nothing for {self._seconds:g} s") from None
            with selectors.DefaultSelector() as selector:
                selector.register(self._socket, event)
                deadline.wait(selector.select)
