"""One client's connection to the server that misbehaves, and the steps that a fault is made of."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import io
import json
import select
import socket
import struct
import termios
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

BLOCK = 64 * 1024
LONGEST_HEAD = 1024 * 1024  # bytes
_POLL = 0.05  # seconds


@dataclass
class Record:
    """What came over one connection.

    Attributes:
        where: "service", or "elsewhere" for the place that redirects point to.
        headers: with lower-case names.
        length: the body's declared length in bytes, −1 where the headers did not come.
        body: as much of it as was read.
        sent: bytes of the answer that the kernel took.
        picture: the image file in the answer, when there was one.
    """

    where: str
    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    length: int = -1
    body: bytearray = field(default_factory=bytearray)
    sent: int = 0
    picture: bytes = b""

    @property
    def complete(self) -> bool:
        """Whether the whole request came: then it may be billed."""
        return 0 <= self.length <= len(self.body)

    def to_json(self) -> dict[str, Any]:
        """For another process, without the body's megabytes."""
        return {
            "where": self.where,
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "length": self.length,
            "received": len(self.body),
            "complete": self.complete,
            "sent": self.sent,
        }


class Visit:
    """One connection. Every method may raise `OSError` when the client has gone; the server expects that.

    Args:
        connection: plain or TLS.
        record: where to note what comes.
        stopped: set when the server ends.
        interval: seconds between two bytes of what is dripped.
        origin: the server's own address.
        elsewhere: another origin, where no request should ever come.
    """

    def __init__(
        self,
        connection: socket.socket,
        record: Record,
        stopped: threading.Event,
        *,
        interval: float,
        origin: str,
        elsewhere: str,
    ) -> None:
        self.connection = connection
        self.record = record
        self.interval = interval
        self.origin = origin
        self.elsewhere = elsewhere
        self._stopped = stopped

    def read_head(self) -> None:
        """Reads up to the empty line."""
        received = b""
        while b"\r\n\r\n" not in received:
            block = self.connection.recv(BLOCK)
            if not block or len(received) > LONGEST_HEAD:
                raise ConnectionAbortedError
            received += block
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        record = self.record
        record.method, record.path, *_ = first.split(" ")
        record.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        record.body += rest
        record.length = int(record.headers.get("content-length", 0))

    def read_body(self, part: float = 1.0) -> None:
        """Reads the body until that part of it (0–1) is there."""
        while len(self.record.body) < part * self.record.length:
            block = self.connection.recv(BLOCK)
            if not block:
                raise ConnectionAbortedError
            self.record.body += block

    def read_request(self) -> None:
        """Reads all of it."""
        self.read_head()
        self.read_body()

    def base(self) -> Image.Image:
        """The base image that came."""
        encoded = base64.b64decode(json.loads(bytes(self.record.body))["base_image"])
        return Image.open(io.BytesIO(encoded)).convert("RGB")

    def send(self, data: bytes) -> None:
        """Sends all of it, noting how much went."""
        for start in range(0, len(data), BLOCK):
            block = data[start : start + BLOCK]
            self.connection.sendall(block)
            self.record.sent += len(block)

    def send_forever(self, blocks: Iterable[bytes]) -> None:
        """Sends until nobody listens; the blocks are never held."""
        for block in blocks:
            if self._stopped.is_set():
                return
            self.send(block)

    def drip(self, data: bytes) -> None:
        """A byte at a time."""
        for start in range(len(data)):
            self.send(data[start : start + 1])
            if self._stopped.wait(self.interval):
                return

    def stall(self) -> None:
        """Does nothing until the client goes or the server ends."""
        watched = select.poll()
        watched.register(self.connection, select.POLLRDHUP)
        while not self._stopped.is_set() and not watched.poll(_POLL * 1000):
            pass

    def reset(self) -> None:
        """Ends the connection with RST instead of FIN, as a crash does; only when all that was sent has come."""
        for _look in range(2000):
            (waiting,) = struct.unpack("i", fcntl.ioctl(self.connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))
            if not waiting or self._stopped.wait(0.001):
                break
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # below TLS, which would say good-bye first
        socket.socket.close(self.connection)

    def hang_up(self) -> None:
        """FIN, without TLS's “close notify”."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.connection, socket.SHUT_WR)

    def close(self) -> None:
        """As a server in good order does."""
        with contextlib.suppress(OSError, ValueError):
            self.connection.settimeout(1.0)
            if hasattr(self.connection, "unwrap"):
                self.connection.unwrap()
            else:
                self.connection.shutdown(socket.SHUT_WR)
        self.connection.close()


Step = Callable[[Visit], object]


def then(*steps: Step) -> Step:
    """One step after the other."""

    def run(visit: Visit) -> None:
        for step in steps:
            step(visit)

    return run


def part_of_body(part: float) -> Step:
    """Reads the headers and a part (0–1) of the body."""
    return then(Visit.read_head, lambda visit: visit.read_body(part))


def say(data: bytes) -> Step:
    """Sends these bytes."""
    return lambda visit: visit.send(data)


def repeat(block: bytes) -> Iterator[bytes]:
    """The same, without end."""
    while True:
        yield block


def say_forever(block: bytes) -> Step:
    """Sends these bytes again and again."""
    return lambda visit: visit.send_forever(repeat(block))


def http(content: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def wrapped(picture: bytes, prefix: str = "", **members: Any) -> bytes:
    """The documented answer with this picture in it."""
    return json.dumps({"status_code": 200, "body": prefix + base64.b64encode(picture).decode(), **members}).encode()


def good(visit: Visit) -> bytes:
    """The content of the right answer: the base image itself."""
    visit.record.picture = file(visit.base())
    return wrapped(visit.record.picture)


@dataclass(frozen=True)
class Fault:
    """One way to misbehave.

    Attributes:
        name: short, unique.
        breaks: what is broken, for people.
        act: what the server does once the connection stands.
        delivers: whether all bytes of a picture reach the client: it must not get lost then.
        tls: a kind of certificate (`certificates.KINDS`), or "" for plain HTTP.
        handshake: instead of TLS's; for those faults that break it.
        listens: "yes", "no" (connections are refused) or "deaf" (they are neither refused nor taken).
    """

    name: str
    breaks: str
    act: Step
    delivers: bool = False
    tls: str = ""
    handshake: Step | None = None
    listens: str = "yes"
