"""A Regen server that misbehaves on command, over plain and TLS sockets, and counts all that comes.

In a test:

    with FaultServer("reset-after-body") as server:
        … RegenClient(server.origin, "key") …
        assert server.arrived == 1

As a process, `python tests/faults/server.py --fault NAME [--port 0] [--ca FILE]` prints its origin. Then it takes lines
on its standard input, answers each with a line of JSON, and ends when its input does:

    fault NAME …   what the next requests meet, in order; the last one stays
    requests       what came: where, method, path, headers, length, received, complete, sent
    clear          forgets what came
    names          all faults, with what is broken

`--fault good` is a server in order.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":  # also under `python -I`, as the tests inside GIMP start it
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.faults import answer_faults, body_faults, gateway_faults, picture_faults, status_faults, wire_faults
from tests.faults.visit import Fault, Record, Visit, good, http

_SMALL_BUFFER = 32 * 1024  # bytes: a stalled upload then waits in its sender and not in the kernel
_PATIENCE = 180.0  # seconds


def all_faults() -> dict[str, Fault]:
    """Every fault by its name."""
    tables = (
        wire_faults.FAULTS,
        body_faults.FAULTS,
        status_faults.FAULTS,
        gateway_faults.FAULTS,
        answer_faults.FAULTS,
        picture_faults.FAULTS,
    )
    faults = [fault for table in tables for fault in table]
    named = {fault.name: fault for fault in faults}
    assert len(named) == len(faults), "two faults share a name"
    return named


class FaultServer:
    """The server, serving from threads of its own while it is a context.

    Args:
        fault: what the first connection meets, as a fault or its name.
        then: what the next ones meet; the last of all stays.
        port: 0 for one that is free.
        interval: seconds between two bytes of what is dripped.
    """

    def __init__(self, fault: Fault | str, *then: Fault | str, port: int = 0, interval: float = 0.02) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._interval = interval
        self._records: list[Record] = []
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.misbehave(fault, *then)
        first = self._script[0]
        self._listening = _listening(port, first.listens)
        self._elsewhere = _listening(0, "yes")
        self._crowd = fill(self._listening) if first.listens == "deaf" else []
        self.origin = f"http{'s' if first.tls else ''}://localhost:{self._listening.getsockname()[1]}"
        self.elsewhere = f"http://localhost:{self._elsewhere.getsockname()[1]}"

    def __enter__(self) -> FaultServer:
        if self._script[0].listens == "yes":
            self._start(self._accept, self._listening, "service")
        self._start(self._accept, self._elsewhere, "elsewhere")
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for listening in (self._listening, self._elsewhere):
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes `accept`
            listening.close()
        with self._lock:
            connections = [*self._open, *self._crowd]
        for connection in connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)
        for connection in connections:
            connection.close()

    def misbehave(self, fault: Fault | str, *then: Fault | str) -> None:
        """What the next connections meet. Between plain and TLS, or listening and not, nothing can change."""
        named = all_faults()
        script = [named[each] if isinstance(each, str) else each for each in (fault, *then)]
        with self._lock:
            self._script = script

    @property
    def records(self) -> list[Record]:
        """All connections in order of arrival, at the service and elsewhere."""
        with self._lock:
            return list(self._records)

    @property
    def requests(self) -> int:
        """How often a request's headers came to the service."""
        return sum(bool(record.method) and record.where == "service" for record in self.records)

    @property
    def arrived(self) -> int:
        """How many requests came whole."""
        return sum(record.complete for record in self.records)

    def clear(self) -> None:
        """Forget what came."""
        with self._lock:
            self._records.clear()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="fault-server", daemon=True)  # type: ignore[arg-type]
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket, where: str) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with self._lock:
                record = Record(where)
                self._records.append(record)
                fault = self._script.pop(0) if len(self._script) > 1 and where == "service" else self._script[0]
                self._open.add(connection)
            self._start(self._serve, connection, record, fault if where == "service" else _ELSEWHERE)

    def _serve(self, connection: socket.socket, record: Record, fault: Fault) -> None:
        connection.settimeout(_PATIENCE)
        visit = Visit(
            connection,
            record,
            self._stopped,
            interval=self._interval,
            origin=self.origin,
            elsewhere=self.elsewhere,
        )
        with contextlib.suppress(OSError):  # a client that has gone is what half of the tests are about
            if fault.handshake:
                fault.handshake(visit)
            elif fault.tls:
                self._encrypt(visit, fault.tls)
            fault.act(visit)
        visit.close()
        with self._lock:
            self._open -= {connection, visit.connection}

    def _encrypt(self, visit: Visit, kind: str) -> None:
        from tests.faults.certificates import authority

        plain = visit.connection
        visit.connection = (
            authority()
            .context(kind)
            .wrap_socket(plain, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True)
        )
        with self._lock:
            self._open -= {plain}
            self._open.add(visit.connection)
        try:
            visit.connection.do_handshake()  # type: ignore[attr-defined]
        except ssl.SSLError as error:
            raise ConnectionAbortedError from error


def _answer_well(visit: Visit) -> None:
    visit.read_request()
    visit.send(http(good(visit)))


_ELSEWHERE = Fault("elsewhere", "nothing", _answer_well)


def _listening(port: int, listens: str) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    if listens != "no":  # a port that is bound and not listened at refuses, and nobody else can take it
        listening.listen(0 if listens == "deaf" else 64)
    return listening


def fill(listening: socket.socket) -> list[socket.socket]:
    """Connections that take all the places in the queue of a server that accepts none."""
    crowd: list[socket.socket] = []
    while True:
        connection = socket.socket(listening.family)
        connection.settimeout(0.2)
        crowd.append(connection)
        try:
            connection.connect(listening.getsockname())
        except TimeoutError:
            return crowd


def _lines() -> Iterator[list[str]]:
    for line in sys.stdin:
        if words := line.split():
            yield words


def _obey(server: FaultServer, words: list[str]) -> object:
    if words[0] == "fault":
        server.misbehave(*words[1:])
    elif words[0] == "clear":
        server.clear()
    elif words[0] == "names":
        return {name: fault.breaks for name, fault in all_faults().items()}
    elif words[0] == "requests":
        return [record.to_json() for record in server.records]
    else:
        return f"{words[0]} is not known"
    return None


def main() -> None:
    """Serves as a process of its own."""
    parser = argparse.ArgumentParser(description="A Regen server that misbehaves on command.")
    parser.add_argument("--fault", default="good", metavar="NAME")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between dripped bytes")
    parser.add_argument("--ca", type=Path, help="where to write the certificate that clients have to trust")
    options = parser.parse_args()
    if options.ca:
        from tests.faults.certificates import authority

        options.ca.write_bytes(authority().pem)
    with FaultServer(options.fault, port=options.port, interval=options.interval) as server:
        print(server.origin, flush=True)
        for words in _lines():
            print(json.dumps(_obey(server, words)), flush=True)


if __name__ == "__main__":
    main()
