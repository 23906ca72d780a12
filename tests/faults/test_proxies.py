"""The way through proxies: HTTP and SOCKS work, a refusal names who refuses, and no key goes astray."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.protocol import DesktopProxies
from tests.faults.bridge_rows import BridgeRow
from tests.faults.outcome import KEY
from tests.faults.proxies import NOT_ALLOWED, Proxy, Socks, proxied
from tests.faults.server import FaultServer, fill
from tests.faults.world import Ended, World

_ORIGIN = "https://photio.example"

#: For those proxies that do not look up names, so that the bridge has to.
_NAMES = json.dumps({"photio.example": [["192.0.2.7", 0]]})

MakeWorld = Callable[[object], World]


class _EnoughError(Exception):
    """The job need not go on."""


def _job(certificate: Path, *under: str, **variables: str) -> Callable[[World], Ended]:
    def act(world: World) -> Ended:
        world.configure(origin=_ORIGIN, connect_timeout=10)
        return world.job(world.start(*under, SSL_CERT_FILE=str(certificate), **variables))

    return act


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_the_environment_names_is_used_and_sees_no_key(
    name: str, make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with proxied() as (server, proxy):
        row = BridgeRow(f"proxy-in-{name}", "network", _job(surroundings, **{name: proxy.origin}), kept="whole")
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    assert proxy.asked == ["photio.example:443"]
    assert KEY.encode() not in proxy.heard


def _said(proxies: tuple[str, ...], certificate: Path, *under: str, **variables: str) -> Callable[[World], Ended]:
    """The plug-in says what the desktop has answered, before it runs the job."""

    def act(world: World) -> Ended:
        world.configure(origin=_ORIGIN, connect_timeout=10)
        bridge = world.start(*under, SSL_CERT_FILE=str(certificate), **variables)
        message = DesktopProxies(_ORIGIN, proxies)
        return world.job(bridge, at=lambda step: bridge.say(message) if step == "exported" else None)

    return act


@pytest.mark.parametrize(
    ("name", "variables"), [("", {}), ("-and-NO_PROXY", {"NO_PROXY": "elsewhere.example"})], ids=["alone", "no proxy"]
)
def test_a_proxy_that_the_desktop_names_is_used(
    name: str, variables: dict[str, str], make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with proxied() as (server, proxy):
        act = _said((proxy.origin, "direct://"), surroundings, **variables)
        row = BridgeRow(f"proxy-in-the-desktop's-settings{name}", "network", act, kept="whole")
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    assert proxy.asked == ["photio.example:443"]


def test_a_socks_proxy_that_the_desktop_names_is_used(
    make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with proxied(Socks) as (server, proxy):
        act = _said((f"socks://127.0.0.1:{proxy.port}",), surroundings)
        row = BridgeRow("socks-proxy-in-the-desktop's-settings", "network", act, kept="whole")
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    assert proxy.asked == ["photio.example:443"]


@pytest.mark.parametrize("dead", ["refuses", "does not answer"])
@pytest.mark.parametrize("next_way", ["a proxy", "direct"])
def test_if_the_desktops_first_proxy_takes_no_connection_the_next_way_is_used(
    next_way: str, dead: str, make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with socket.socket() as refusing, proxied() as (server, proxy):
        refusing.bind(("127.0.0.1", 0))
        deaf, crowd = _deaf("127.0.0.1")
        first = refusing if dead == "refuses" else deaf
        ways = (f"http://127.0.0.1:{first.getsockname()[1]}", proxy.origin if next_way == "a proxy" else "direct://")
        names = json.dumps({"photio.example": [["127.0.0.1", int(server.origin.rpartition(":")[2])]]})
        act = _said(ways, surroundings, "names", names)
        name = f"first-proxy-of-the-desktop-{dead}-then-{next_way}".replace(" ", "-")
        row = BridgeRow(name, "network", act, kept="whole")
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    for each in (deaf, *crowd):
        each.close()
    assert proxy.asked == (["photio.example:443"] if next_way == "a proxy" else [])


def test_if_no_proxy_of_the_desktop_takes_a_connection_the_first_one_is_named(
    make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with socket.socket() as one, socket.socket() as other, FaultServer("good") as server:
        addresses = []
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
            addresses.append(f"http://127.0.0.1:{each.getsockname()[1]}")
        sentence = f"The proxy {addresses[0]}, which your system's settings names, could not be reached"
        row = BridgeRow("no-proxy-of-the-desktop-takes-connections", "network",
                        _said(tuple(addresses), surroundings), "connection", says=sentence, repeated=2)  # fmt: skip
        assert row.broken_promises(row.run(make_world(server), reference)) == []


def test_a_proxy_of_the_desktop_that_refuses_is_named_with_its_source(
    make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with proxied(says="403 Forbidden") as (server, proxy):
        act = _said((proxy.origin,), surroundings)
        row = BridgeRow("proxy-in-the-desktop's-settings-refuses", "network", act, "connection",
                        says="your system's settings")  # fmt: skip
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    assert server.records == []


def test_no_proxy_excepts_a_service_from_the_desktops_proxy(
    make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with proxied() as (server, proxy):
        act = _said((proxy.origin,), surroundings, NO_PROXY=".example")
        row = BridgeRow("proxy-in-the-desktop's-settings-that-NO_PROXY-forbids", "network", act, "connection",
                        repeated=2)  # fmt: skip
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("scheme", "asked"),
    [
        ("socks5h", "photio.example:443"),
        ("socks", "photio.example:443"),
        ("socks5", "192.0.2.7:443"),
        ("socks4a", "photio.example:443"),
        ("socks4", "192.0.2.7:443"),
    ],
)
def test_a_socks_proxy_is_used_and_sees_no_key(
    scheme: str, asked: str, make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with proxied(Socks) as (server, proxy):
        variables = {"ALL_PROXY": f"{scheme}://127.0.0.1:{proxy.port}"}
        act = _job(surroundings, "names", _NAMES, **variables)
        row = BridgeRow(f"{scheme}-proxy-in-ALL_PROXY", "network", act, kept="whole")
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    assert proxy.asked == [asked]
    assert KEY.encode() not in proxy.heard


@pytest.mark.parametrize("kind", [Proxy, Socks])
def test_a_proxy_gets_its_own_name_and_password(
    kind: type[Proxy], make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with proxied(kind, account="me:p@ss") as (server, proxy):
        variables = {"HTTPS_PROXY": proxy.origin.replace("//", "//me:p%40ss@")}
        row = BridgeRow(
            f"{kind.scheme}-proxy-with-a-password", "network", _job(surroundings, **variables), kept="whole"
        )
        assert row.broken_promises(row.run(make_world(server), reference)) == []
    assert proxy.asked == ["photio.example:443"]


_REFUSALS = {
    "wants a user name and a password": (Proxy, {"account": "me:secret"}, 0),
    "does not let requests through to photio.example (403)": (Proxy, {"says": "403 Forbidden"}, 0),
    "did not get through to photio.example (502)": (Proxy, {"says": "502 Bad Gateway"}, 2),
    "did not get through to photio.example (504)": (Proxy, {"says": "504 Gateway Timeout"}, 2),
    "wants a user name and a password: ": (Socks, {"account": "me:secret"}, 0),
    "does not let requests through to photio.example:": (Socks, {"says": str(NOT_ALLOWED)}, 0),
    "did not get through to photio.example: ": (Socks, {"says": "4"}, 2),
}


@pytest.mark.parametrize("says", _REFUSALS)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_refuses_is_named_with_what_it_wants_and_where_its_address_comes_from(
    variable: str, says: str, make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    kind, how, repeated = _REFUSALS[says]
    with proxied(kind, **how) as (server, proxy):
        world = make_world(server)
        variables = {variable: proxy.origin.replace("//", "//me:hidden@")}
        name = f"{kind.scheme}-proxy-in-{variable}-{'-'.join(how.values())}"
        sentence = f"The proxy {proxy.origin}, which {variable} names, {says}"
        row = BridgeRow(
            name, "network", _job(surroundings, **variables), "connection", says=sentence, repeated=repeated
        )
        outcome = row.run(world, reference)
        assert row.broken_promises(outcome) == []
        assert "hidden" not in outcome.sentence
        assert all(b"hidden" not in file.read_bytes() for file in (world.home / "log").glob("*"))
    assert server.records == []
    assert KEY.encode() not in proxy.heard


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_is_not_there_is_named(
    scheme: str, make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    with socket.socket() as bound, FaultServer("good") as server:
        bound.bind(("127.0.0.1", 0))
        address = f"{scheme}://127.0.0.1:{bound.getsockname()[1]}"
        sentence = f"The proxy {address}, which https_proxy names, could not be reached"
        act = _job(surroundings, https_proxy=address)
        row = BridgeRow(f"{scheme}-proxy-refuses-connections", "network", act, "connection", says=sentence, repeated=2)
        assert row.broken_promises(row.run(make_world(server), reference)) == []


@pytest.mark.parametrize("value", ["ftp://proxy.example:21", "http://", "http://proxy.example:many"])
def test_a_proxy_that_is_none_is_named(value: str, world: World, surroundings: Path, reference: str) -> None:
    sentence = "which is not a usable proxy"
    act = _job(surroundings, HTTPS_PROXY=value)
    row = BridgeRow(f"proxy-{value}", "network", act, "connection", says=sentence)
    assert row.broken_promises(row.run(world, reference)) == []


@pytest.mark.parametrize("kind", [Proxy, Socks])
def test_a_cancel_is_heard_while_a_proxy_does_not_answer(
    kind: type[Proxy], make_world: MakeWorld, surroundings: Path
) -> None:
    with proxied(kind, stalls=True) as (server, proxy):
        world = make_world(server)
        world.configure(origin=_ORIGIN, connect_timeout=3600)
        bridge = world.start(SSL_CERT_FILE=str(surroundings), ALL_PROXY=proxy.origin)
        cancelled = []

        def at(step: str) -> None:
            if step == "running":
                assert proxy.connected.wait(120)
                cancelled.append(bridge.cancel())
                raise _EnoughError

        with pytest.raises(_EnoughError):
            world.job(bridge, at)
        assert not cancelled[0].may_be_billed
        assert server.records == []


def _deaf(host: str) -> tuple[socket.socket, list[socket.socket]]:
    """An address where connections are neither refused nor taken, with those that fill its queue."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.bind((host, 0))
    listening.listen(0)
    return listening, fill(listening)


@pytest.mark.parametrize("way", ["directly", "through a proxy", "through SOCKS"])
def test_two_addresses_that_do_not_answer_do_not_hide_a_third_one_that_does(
    way: str, make_world: MakeWorld, surroundings: Path, reference: str
) -> None:
    dead = [_deaf("::1"), _deaf("::1")]
    addresses = [["::1", listening.getsockname()[1]] for listening, _crowd in dead]
    with proxied(Socks if way == "through SOCKS" else Proxy) as (server, proxy):
        good, host = (int(server.origin.rpartition(":")[2]), "photio.example") if way == "directly" else (
            proxy.port, "proxy.example")  # fmt: skip
        table = json.dumps({host: [*addresses, ["127.0.0.1", good]]})
        variables = {} if way == "directly" else {"HTTPS_PROXY": f"{proxy.scheme}://proxy.example:9"}
        row = BridgeRow(f"two-dead-addresses-{way.replace(' ', '-')}", "network",
                        _job(surroundings, "names", table, **variables), kept="whole")  # fmt: skip
        assert row.broken_promises(row.run(make_world(server), reference)) == []
        assert all(record.complete for record in server.records)
    for listening, crowd in dead:
        for each in (listening, *crowd):
            each.close()
