"""What else a computer may have wrong: its clock, its models, its certificates and its way to the network."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.engine.models import MODEL_NAME, MODEL_SIZE
from bridge.protocol import DesktopProxies
from tests.faults.bridge_rows import BridgeRow
from tests.faults.server import FaultServer
from tests.faults.world import Ended, World

_DECADE = 10 * 365.25 * 86400


def _clock(*under: str) -> Callable[[World], Ended]:
    def act(world: World) -> Ended:
        bridge = world.start(*under)
        ended = world.job(bridge)
        bridge.leave()
        return ended

    return act


def _offline(*under: str, prepare: Callable[[World], None] = lambda world: None, **settings: str):
    """The job is given to the engine on this computer."""

    def act(world: World) -> Ended:
        world.configure(engine="offline", **settings)
        prepare(world)
        return world.job(world.start(*under), engine="offline", feather=0)

    return act


def _model(size: int) -> Callable[[World], None]:
    """A file that is not the model, of some size."""

    def prepare(world: World) -> None:
        folder = world.home / "models"
        folder.mkdir(mode=0o700)
        with (folder / MODEL_NAME).open("wb") as file:
            file.truncate(size)
        (folder / MODEL_NAME).chmod(0o600)

    return prepare


CLOCKS = (
    BridgeRow("clock-jumps-ten-years-on", "clock", _clock("clock", str(_DECADE)), kept="whole"),
    BridgeRow("clock-jumps-ten-years-back", "clock", _clock("clock", str(-_DECADE)), kept="whole"),
    BridgeRow("clock-in-1970", "clock", _clock("year", "1970"), kept="whole"),
    BridgeRow("clock-in-2099", "clock", _clock("year", "2099"), kept="whole"),
)

MODELS = (
    BridgeRow("patchmatch-is-not-installed", "model", _offline("without", "patchmatch"), "service"),
    BridgeRow("neural-model-absent", "model", _offline(offline_model="migan"), "service"),
    BridgeRow("neural-model-cut-off", "model", _offline(prepare=_model(1000), offline_model="migan"), "service"),
    BridgeRow("neural-model-spoilt", "model", _offline(prepare=_model(MODEL_SIZE), offline_model="migan"), "service"),
    BridgeRow("neural-runtime-is-not-installed", "model",
              _offline("without", "onnxruntime", prepare=_model(MODEL_SIZE), offline_model="migan"), "service"),
)  # fmt: skip


@pytest.mark.parametrize("row", [*CLOCKS, *MODELS], ids=lambda row: row.name)
def test_a_computer_in_disorder_costs_a_sentence_and_no_answer(row: BridgeRow, world: World, reference: str) -> None:
    assert row.broken_promises(row.run(world, reference)) == []


class Proxy:
    """Passes CONNECT on to one server, whatever name was asked for; `asked` are the names."""

    def __init__(self, port: int, refuses: bool = False) -> None:
        self._port, self._refuses = port, refuses
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.asked: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Refuses connections from now on."""
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(connection,), daemon=True).start()

    def _pass(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (block := connection.recv(4096)):
                return connection.close()
            head += block
        self.asked.append(head.split(b"\r\n")[0].decode())
        if self._refuses:
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return connection.close()
        other = socket.create_connection(("127.0.0.1", self._port))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(other, connection), daemon=True).start()
        return _pump(connection, other)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()


@contextmanager
def _proxied(refuses: bool) -> Iterator[tuple[FaultServer, Proxy]]:
    """A server that says it is photio.example, and a proxy that finds it."""
    with FaultServer("tls-wrong-host") as server:
        proxy = Proxy(int(server.origin.rpartition(":")[2]), refuses)
        yield server, proxy
        proxy.close()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_ones_own_is_trusted_where_the_environment_names_it(
    variable: str, make_world: Callable[[object], World], surroundings: Path, reference: str
) -> None:
    row = BridgeRow(f"authority-in-{variable}", "network", lambda world: world.job(
        world.start(**{variable: str(surroundings)})), kept="whole")  # fmt: skip
    with FaultServer("tls-good") as server:
        assert row.broken_promises(row.run(make_world(server), reference)) == []


@pytest.mark.parametrize(("name", "variables"), [
    ("authority-unknown", {}),
    ("authority-file-missing", {"SSL_CERT_FILE": "/nowhere/authority.pem"}),
])  # fmt: skip
def test_an_authority_that_nobody_named_gets_nothing(
    name: str, variables: dict[str, str], make_world: Callable[[object], World], reference: str
) -> None:
    row = BridgeRow(name, "network", lambda world: world.job(world.start(**variables)), "connection")
    with FaultServer("tls-good") as server:
        world = make_world(server)
        assert row.broken_promises(row.run(world, reference)) == []
        assert all(record.method == "" for record in server.records)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_the_environment_names_is_used(
    name: str, make_world: Callable[[object], World], surroundings: Path, reference: str
) -> None:
    with _proxied(refuses=False) as (server, proxy):
        world = make_world(server)
        world.configure(origin="https://photio.example")
        variables = {name: proxy.origin, "SSL_CERT_FILE": str(surroundings)}
        row = BridgeRow(f"proxy-in-{name}", "network", lambda world: world.job(world.start(**variables)), kept="whole")
        assert row.broken_promises(row.run(world, reference)) == []
    assert [line.rpartition(" ")[0] for line in proxy.asked] == ["CONNECT photio.example:443"]


@pytest.mark.parametrize(
    ("name", "variables"), [("", {}), ("-and-NO_PROXY", {"NO_PROXY": "elsewhere.example"})], ids=["alone", "no proxy"]
)
def test_a_proxy_that_the_desktop_names_is_used(
    name: str,
    variables: dict[str, str],
    make_world: Callable[[object], World],
    surroundings: Path,
    reference: str,
) -> None:
    with _proxied(refuses=False) as (server, proxy):
        world = make_world(server)
        world.configure(origin="https://photio.example")
        said = DesktopProxies("https://photio.example", (proxy.origin, "direct://"))
        row = BridgeRow(f"proxy-in-the-desktop's-settings{name}", "network", _told(said, surroundings, **variables),
                        kept="whole")  # fmt: skip
        assert row.broken_promises(row.run(world, reference)) == []
    assert [line.rpartition(" ")[0] for line in proxy.asked] == ["CONNECT photio.example:443"]


def test_no_proxy_excepts_a_service_from_the_desktops_proxy(
    make_world: Callable[[object], World], surroundings: Path, reference: str
) -> None:
    with _proxied(refuses=False) as (server, proxy):
        world = make_world(server)
        world.configure(origin="https://photio.example")
        said = DesktopProxies("https://photio.example", (proxy.origin,))
        act = _told(said, surroundings, NO_PROXY=".example")
        row = BridgeRow("proxy-in-the-desktop's-settings-that-NO_PROXY-forbids", "network", act, "connection",
                        repeated=2)  # fmt: skip
        assert row.broken_promises(row.run(world, reference)) == []
    assert proxy.asked == []


def _told(said: DesktopProxies, authority: Path, **variables: str) -> Callable[[World], Ended]:
    """The plug-in says what the desktop has answered, before it runs the job."""

    def act(world: World) -> Ended:
        bridge = world.start(SSL_CERT_FILE=str(authority), **variables)
        return world.job(bridge, at=lambda step: bridge.say(said) if step == "exported" else None)

    return act


def test_a_proxy_that_refuses_is_told_and_sees_no_key(
    make_world: Callable[[object], World], surroundings: Path, reference: str
) -> None:
    with _proxied(refuses=True) as (server, proxy):
        world = make_world(server)
        world.configure(origin="https://photio.example")
        variables = {"HTTPS_PROXY": proxy.origin, "SSL_CERT_FILE": str(surroundings)}
        row = BridgeRow("proxy-refuses", "network", lambda world: world.job(world.start(**variables)), "connection",
                        repeated=2)  # fmt: skip
        assert row.broken_promises(row.run(world, reference)) == []
    assert server.records == []


def test_a_service_on_this_computer_is_never_asked_for_through_a_proxy(world: World, reference: str) -> None:
    proxy = Proxy(1, refuses=True)
    variables = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), proxy.origin)
    row = BridgeRow("proxy-for-this-computer", "network", lambda world: world.job(world.start(**variables)),
                    kept="whole")  # fmt: skip
    assert row.broken_promises(row.run(world, reference)) == []
    proxy.close()
    assert proxy.asked == []


@pytest.mark.parametrize("origin", ["http://192.0.2.1", "http://api.photio.io", "http://127.0.0.1.photio.example"])
def test_plain_http_to_another_computer_is_refused(origin: str, world: World, reference: str) -> None:
    row = BridgeRow(f"plain-http-to-{origin[7:]}", "network", lambda world: world.job(
        world.start(PHOTIO_ORIGIN=origin)), "settings", says="nobody on the way")  # fmt: skip
    assert row.broken_promises(row.run(world, reference)) == []
