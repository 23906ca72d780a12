"""What else a computer may have wrong: its clock, its models, its certificates and its way to the network."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.engine.models import MODEL_NAME, MODEL_SIZE
from tests.faults.bridge_rows import BridgeRow
from tests.faults.proxies import Proxy
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


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_of_ones_own_is_trusted_where_the_environment_names_it(
    variable: str, make_world: Callable[[object], World], surroundings: Path, reference: str
) -> None:
    row = BridgeRow(f"authority-in-{variable}", "network", lambda world: world.job(
        world.start(**{variable: str(surroundings)})), kept="whole")  # fmt: skip
    with FaultServer("tls-good") as server:
        assert row.broken_promises(row.run(make_world(server), reference)) == []


def test_a_companys_authority_in_the_systems_store_is_trusted(
    make_world: Callable[[object], World], surroundings: Path, reference: str, tmp_path: Path
) -> None:
    """The store is the one that OpenSSL looks into on Linux; only there it can be another one for one process."""
    asked = ["openssl", "x509", "-hash", "-noout", "-in", str(surroundings)]
    name = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    store = tmp_path / "store"
    store.mkdir()
    (store / f"{name}.0").write_bytes(surroundings.read_bytes())
    row = BridgeRow("authority-in-the-system's-store", "network", lambda world: world.job(
        world.start(SSL_CERT_DIR=str(store))), kept="whole")  # fmt: skip
    with FaultServer("tls-good") as server:
        assert row.broken_promises(row.run(make_world(server), reference)) == []


@pytest.mark.parametrize(("name", "variables", "says"), [
    ("authority-unknown", {}, "or name its file in SSL_CERT_FILE"),
    ("authority-file-missing", {"SSL_CERT_FILE": "/nowhere/authority.pem"}, "SSL_CERT_FILE must name a file"),
])  # fmt: skip
def test_an_authority_that_nobody_named_gets_nothing(
    name: str, variables: dict[str, str], says: str, make_world: Callable[[object], World], reference: str
) -> None:
    row = BridgeRow(name, "network", lambda world: world.job(world.start(**variables)), "connection", says=says)
    with FaultServer("tls-good") as server:
        world = make_world(server)
        assert row.broken_promises(row.run(world, reference)) == []
        assert all(record.method == "" for record in server.records)


def test_a_service_on_this_computer_is_never_asked_for_through_a_proxy(world: World, reference: str) -> None:
    proxy = Proxy(1, "403 Forbidden")
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
