"""Proxies on this computer: HTTP with CONNECT, and SOCKS 4, 4a and 5. Each notes what it is asked for."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.server import FaultServer

#: What SOCKS 5 says when its rules forbid a connection (RFC 1928, 6).
NOT_ALLOWED = 2


class Proxy:
    """Passes every connection on to one server, whatever name is asked for.

    Args:
        port: the server's.
        says: the status that CONNECT is refused with; empty: it is not.
        account: “name:password”, without which nothing is passed on.
        stalls: whether it takes connections and never answers.

    Attributes:
        origin: http://host:port.
        asked: the addresses that were asked for, as host:port.
        heard: everything that clients said before the proxy passed it on.
    """

    scheme = "http"

    def __init__(self, port: int, says: str = "", account: str = "", stalls: bool = False) -> None:
        self._port, self._says, self._account, self._stalls = port, says, account, stalls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.origin = f"{self.scheme}://127.0.0.1:{self.port}"
        self.asked: list[str] = []
        self.heard = b""
        self.connected = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Refuses connections from now on."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(connection,), daemon=True).start()

    def _pass(self, connection: socket.socket) -> None:
        self.connected.set()
        with connection, contextlib.suppress(OSError, EOFError):
            if self._stalls:
                while connection.recv(4096):
                    pass
            elif self.agree(connection):
                with socket.create_connection(("127.0.0.1", self._port)) as other:
                    back = threading.Thread(target=_pump, args=(other, connection), daemon=True)
                    back.start()
                    _pump(connection, other)
                    back.join(60)

    def agree(self, connection: socket.socket) -> bool:
        """Speaks the proxy's protocol; whether the connection is to be passed on."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.read(connection, 1)
        lines = head.decode("latin-1").split("\r\n")
        self.asked.append(lines[0].split(" ")[1])
        says, wanted = self._says, base64.b64encode(self._account.encode()).decode()
        if self._account and f"Proxy-Authorization: Basic {wanted}" not in lines:
            says = "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=office"
        connection.sendall(f"HTTP/1.1 {says or '200 Connection established'}\r\n\r\n".encode())
        return not says

    def read(self, connection: socket.socket, length: int) -> bytes:
        """So many bytes, and no more.

        Raises:
            EOFError: they do not come.
        """
        received = b""
        while len(received) < length:
            block = connection.recv(length - len(received))
            if not block:
                raise EOFError
            received += block
        self.heard += received
        return received


class Socks(Proxy):
    """All versions at one port. `says`: the number that SOCKS 5 refuses with."""

    scheme = "socks5h"

    def agree(self, connection: socket.socket) -> bool:
        """As RFC 1928, RFC 1929 and the older specifications of SOCKS have it."""
        if self.read(connection, 1) == b"\4":
            return self._version_4(connection)
        methods = self.read(connection, self.read(connection, 1)[0])
        method = 2 if self._account else 0
        connection.sendall(bytes([5, method if method in methods else 0xFF]))
        if method not in methods:
            return False
        if method == 2:
            self.read(connection, 1)
            given = [self.read(connection, self.read(connection, 1)[0]).decode() for _part in range(2)]
            connection.sendall(bytes([1, ":".join(given) != self._account]))
            if ":".join(given) != self._account:
                return False
        kind = self.read(connection, 4)[3]
        length = {1: 4, 4: 16}.get(kind) or self.read(connection, 1)[0]
        address = self.read(connection, length)
        self._note(str(ipaddress.ip_address(address)) if kind in (1, 4) else address.decode(), connection)
        connection.sendall(bytes([5, int(self._says or 0), 0, 1]) + bytes(6))
        return not self._says

    def _version_4(self, connection: socket.socket) -> bool:
        self.read(connection, 1)
        port = self.read(connection, 2)
        address = self.read(connection, 4)
        self._text(connection)
        name = self._text(connection) if address[:3] == b"\0\0\0" else str(ipaddress.ip_address(address))
        self.asked.append(f"{name}:{struct.unpack('>H', port)[0]}")
        connection.sendall(b"\0\x5a" + bytes(6))
        return True

    def _text(self, connection: socket.socket) -> str:
        text = b""
        while (letter := self.read(connection, 1)) != b"\0":
            text += letter
        return text.decode()

    def _note(self, host: str, connection: socket.socket) -> None:
        self.asked.append(f"{host}:{struct.unpack('>H', self.read(connection, 2))[0]}")


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxied(kind: type[Proxy] = Proxy, **how: object) -> Iterator[tuple[FaultServer, Proxy]]:
    """A server that says it is photio.example, and a proxy that finds it."""
    with FaultServer("tls-wrong-host") as server:
        proxy = kind(int(server.origin.rpartition(":")[2]), **how)  # type: ignore[arg-type]
        yield server, proxy
        proxy.close()
