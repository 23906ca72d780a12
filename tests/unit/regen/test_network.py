"""Proxies, passwords and certificates: what the environment may change, and what it may not."""

from __future__ import annotations

import io
import random
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from bridge.regen.client import Call, RegenClient, RegenRequest
from bridge.regen.errors import Cancelled, ConnectionFailedError
from bridge.regen.http import content, proxy_for, send
from tests.regen_server import RegenServer
from tests.unit.background import in_background, unused_port

CHECKOUT = Path(__file__).parents[3]
SMALL = Image.new("RGB", (96, 64), (9, 99, 199))
REQUEST = RegenRequest(SMALL, Image.new("L", SMALL.size, 0))
LARGE = Image.frombytes("RGB", (1408, 1408), random.Random(1).randbytes(3 * 1408 * 1408))
LARGE_REQUEST = RegenRequest(LARGE, Image.new("L", LARGE.size, 0))


@pytest.fixture
def server() -> Iterator[RegenServer]:
    with RegenServer() as running:
        yield running


def client(origin: str) -> RegenClient:
    return RegenClient(origin, "k", pause=0.0)


def test_this_computer_is_never_asked_through_a_proxy(server: RegenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("no_proxy", "")
    assert client(server.origin).regenerate(REQUEST).attempts == 1


def test_another_computer_is_asked_through_the_configured_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        future = in_background(lambda: client("https://photio.invalid").regenerate(REQUEST))
        asked = []
        for _ in range(3):
            connection = proxy.accept()[0]
            asked.append(connection.recv(4096))
            connection.close()
        with pytest.raises(ConnectionFailedError):
            future.result(180)
    assert all(line.startswith(b"CONNECT photio.invalid:443 ") for line in asked)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"https_proxy": "http://proxy.invalid:3128"}, "http://proxy.invalid:3128"),
        ({"https_proxy": "http://proxy.invalid:3128", "no_proxy": "photio.invalid"}, None),
        ({"https_proxy": "http://proxy.invalid:3128", "no_proxy": ".invalid"}, None),
        ({"http_proxy": "http://proxy.invalid:3128"}, None),
        ({"all_proxy": "proxy.invalid:3128"}, "http://proxy.invalid:3128"),
        ({"ALL_PROXY": "socks://proxy.invalid:1080"}, "socks5h://proxy.invalid:1080"),
        ({"ALL_PROXY": "SOCKS4://proxy.invalid"}, "SOCKS4://proxy.invalid"),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_names_for_that_host(
    variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_for("https://photio.invalid/v1", 10)
    assert (found and found.url) == expected
    assert found is None or found.source in variables


def test_a_host_name_with_a_dot_at_its_end_is_the_one_in_the_certificate(
    tls_server: RegenServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    monkeypatch.setenv("no_proxy", "localhost")
    origin = tls_server.origin.replace("localhost", "localhost.")
    assert client(origin).regenerate(REQUEST).attempts == 1


def test_a_folder_of_certificates_is_trusted(
    tls_server: RegenServer, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = ["openssl", "x509", "-hash", "-noout", "-in", f"{certificate}.crt"]
    name = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / f"{name}.0").write_bytes(Path(f"{certificate}.crt").read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert client(tls_server.origin).regenerate(REQUEST).attempts == 1


def test_netrc_adds_no_password(server: RegenServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client(server.origin).regenerate(REQUEST)
    assert "authorization" not in server.requests()[0]["headers"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its private key for “localhost”, in one file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    subject = "/CN=localhost -addext subjectAltName=DNS:localhost"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj {subject}"
    try:
        subprocess.run([*command.split(), "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not here to make a certificate")
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def tls_server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegenServer]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    server = RegenServer()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    http = server._http
    http.socket = context.wrap_socket(http.socket, server_side=True)
    server.origin = f"https://localhost:{http.server_address[1]}"
    with server:
        yield server


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_certificate_that_the_environment_trusts_is_trusted(
    tls_server: RegenServer, certificate: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"{certificate}.crt")
    tls_server.script({"hold": "before-body"})
    call = Call()
    future = in_background(lambda: client(tls_server.origin).regenerate(LARGE_REQUEST, call=call))
    tls_server.wait("headers")
    call.cancel()
    with pytest.raises(Cancelled):
        future.result(180)
    tls_server.release()
    assert client(tls_server.origin).regenerate(LARGE_REQUEST).image.tobytes() == LARGE.tobytes()


def test_an_untrusted_certificate_gets_neither_the_key_nor_the_image(tls_server: RegenServer) -> None:
    with pytest.raises(ConnectionFailedError, match="certificate is not trusted") as caught:
        client(tls_server.origin).regenerate(REQUEST)
    assert caught.value.repeat_after is None, "asking again would not help"
    assert tls_server.requests() == []


def test_a_certificate_file_that_is_missing_is_named(tls_server: RegenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ConnectionFailedError, match="REQUESTS_CA_BUNDLE must name"):
        client(tls_server.origin).regenerate(REQUEST)


@pytest.mark.parametrize("proxies", [{}, {"HTTPS_PROXY": "http://127.0.0.1:1"}], ids=["directly", "through a proxy"])
def test_a_certificate_file_that_holds_none_is_named(
    tls_server: RegenServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxies: dict[str, str]
) -> None:
    (tmp_path / "ca.pem").write_text("not yet\n")
    for name, value in {**proxies, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}.items():
        monkeypatch.setenv(name, value)
    origin = tls_server.origin if not proxies else "https://photio.example"
    with pytest.raises(ConnectionFailedError, match="SSL_CERT_FILE must name a file with TLS certificates"):
        client(origin).regenerate(REQUEST)
    assert tls_server.requests() == []


class Body(io.BytesIO):
    def __len__(self) -> int:
        return len(self.getvalue())

    def opened(self, connected: object) -> None: ...

    def established(self, has_answered: object) -> None: ...


def test_an_answer_whose_length_is_told_twice_in_one_line_ends_there() -> None:
    def serve() -> None:
        with listening.accept()[0] as connection:
            while not connection.recv(65536).endswith(b"?"):
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi")
            connection.recv(65536)  # until the other side closes

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with send(url, {}, Body(b"?"), 10, None) as received:
            assert b"".join(content(received, 100)) == b"hi"
