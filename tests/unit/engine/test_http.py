"""The offline engine as a server: paths, sizes, keys, life and death."""

from __future__ import annotations

import json
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from numpy.typing import NDArray

from bridge.engine import server, texture_model
from bridge.engine.server import REGEN_PATH, EngineServer
from tests.unit.engine_client import WORKING, post, raw, refusal, send

ROOT = Path(__file__).parents[3]
SECRET = "my-very-secret-key"


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineServer]:
    with EngineServer() as running:
        yield running


@pytest.mark.parametrize("length", [str(64 * 1024 * 1024 + 1), "9" * 5000])
def test_a_too_large_upload_is_refused_before_a_byte_of_it_is_read(engine: EngineServer, length: str) -> None:
    """Nothing follows the headers: a server that waited for the body would never answer."""
    port = int(engine.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
        connection.sendall(post(f"Content-Length: {length}").encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_a_too_large_upload_all_the_same_reads_the_refusal(
    engine: EngineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "LARGEST_UPLOAD", 6 << 20)
    size = 8 << 20
    status, answer = raw(engine, post(f"Content-Length: {size}"), b"x" * size)
    assert status == answer["status_code"] == 413
    assert "6 MiB" in answer["body"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 411),
        (["Transfer-Encoding: chunked"], 411),
        (["Content-Length: many"], 400),
        (["Content-Length: -5"], 400),
    ],
)
def test_an_upload_without_a_length_is_refused(engine: EngineServer, headers: list[str], status: int) -> None:
    port = int(engine.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
        connection.sendall(post(*headers).encode())
        assert connection.recv(100).startswith(f"HTTP/1.1 {status} ".encode())


def test_an_upload_that_stops_half_way_is_refused(engine: EngineServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server._Handler, "timeout", 0.2)
    status, answer = raw(engine, post("Content-Length: 10"), b"{")
    assert (status, answer["status_code"]) == (408, 408)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped there")
def test_an_upload_is_not_refused_because_the_computer_slept() -> None:
    code = (
        "from bridge.engine import server; server._Handler.timeout = 1; engine = server.EngineServer(); "
        "engine.start(); print(engine.origin, flush=True); engine.wait()"
    )
    body = json.dumps(WORKING).encode()
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        port = int(engine.stdout.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
            connection.sendall(post(f"Content-Length: {len(body)}").encode() + body[:10])
            time.sleep(0.3)  # until it waits for the rest, most likely
            engine.send_signal(signal.SIGSTOP)
            time.sleep(3)  # this is what is tested, and not a way to wait for something
            engine.send_signal(signal.SIGCONT)
            time.sleep(0.3)  # a client that wakes up a little later
            connection.sendall(body[10:])
            answer = connection.recv(100)
        engine.kill()
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1/inference/other", 404),
        ("GET", "/favicon.ico", 404),
        ("GET", REGEN_PATH, 405),
        ("POST", "/", 405),
        ("PUT", REGEN_PATH, 405),
        ("DELETE", REGEN_PATH, 405),
        ("OPTIONS", REGEN_PATH, 405),
        ("BREW", REGEN_PATH, 405),
    ],
)
def test_other_paths_and_methods_are_refused(engine: EngineServer, method: str, path: str, status: int) -> None:
    response = requests.request(method, engine.origin + path, timeout=180)
    assert response.status_code == status
    refusal(response)


def test_head_is_answered_without_a_body(engine: EngineServer) -> None:
    port = int(engine.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\n\r\n")
        with connection.makefile("rb") as stream:
            answer = stream.read()
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"\r\n\r\n")


def test_gibberish_is_answered_in_json(engine: EngineServer) -> None:
    assert raw(engine, "GET / HTTP/9.9.9\r\n\r\n")[1]["status_code"] == 400


def test_a_doctor_learns_what_this_is(engine: EngineServer) -> None:
    about = requests.get(engine.origin + "/", timeout=180).json()
    assert about["name"] == "Photio offline engine"
    assert about["model"] == "texture"
    assert about["version"]


@pytest.mark.parametrize("given", [None, "", "my-very-secret-kez", SECRET + "x", "schlüssel".encode()])
def test_a_wrong_or_missing_key_is_refused(given: str | bytes | None) -> None:
    headers = {} if given is None else {"X-Photio-Key": given}
    with EngineServer(require_key=SECRET) as engine:
        response = requests.post(engine.origin + REGEN_PATH, json=WORKING, headers=headers, timeout=180)
        assert response.status_code == 401
        assert SECRET not in refusal(response)


@pytest.mark.parametrize("key", [SECRET, "schlüssel"])
def test_the_right_key_is_let_in(key: str) -> None:
    with EngineServer(require_key=key) as engine:
        headers = {"X-Photio-Key": key.encode()}
        response = requests.post(engine.origin + REGEN_PATH, json=WORKING, headers=headers, timeout=180)
    assert response.status_code == 200


def test_neither_prompts_nor_keys_are_logged_and_stderr_stays_empty(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), EngineServer(require_key=SECRET) as engine:
        for key in (SECRET, SECRET + "x"):
            variables = WORKING | {"prompt": "a purple starfish"}
            headers = {"X-Photio-Key": key}
            requests.post(f"{engine.origin}{REGEN_PATH}?{key}", json=variables, headers=headers, timeout=180)
    said = "".join(capfd.readouterr()) + "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("bridge")
    )
    assert SECRET not in said
    assert "starfish" not in said


def test_a_client_that_goes_away_leaves_the_server_well(
    engine: EngineServer, capfd: pytest.CaptureFixture[str]
) -> None:
    port = int(engine.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
        connection.sendall(post("Content-Length: 100").encode() + b"{")
    assert send(engine).status_code == 200
    assert capfd.readouterr().err == ""


def test_more_clients_than_slots_wait_for_their_turn(engine: EngineServer, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, release, counting = threading.Semaphore(0), threading.Event(), threading.Lock()
    active: list[int] = []
    peak: list[int] = []

    def hold(rgb: NDArray[np.uint8], _hole: object, seed: int) -> NDArray[np.uint8]:
        with counting:
            active.append(seed)
            peak.append(len(active))
        entered.release()
        assert release.wait(180)
        with counting:
            active.remove(seed)
        return rgb

    monkeypatch.setattr(texture_model, "fill", hold)
    statuses: list[int] = []
    clients = [
        threading.Thread(target=lambda seed=seed: statuses.append(send(engine, seed=seed).status_code))
        for seed in range(1, server.CONCURRENT + 4)
    ]
    for client in clients:
        client.start()
    for _ in range(server.CONCURRENT):
        assert entered.acquire(timeout=180)
    assert requests.get(engine.origin, timeout=180).status_code == 200, "a doctor need not wait"
    release.set()
    for client in clients:
        client.join()
    assert statuses == [200] * len(clients)
    assert max(peak) == server.CONCURRENT


def other_local_addresses() -> list[str]:
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return sorted({"127.0.0.2", *map(str, addresses)} - {"127.0.0.1"})


def test_only_this_computer_can_reach_it(engine: EngineServer) -> None:
    port = int(engine.origin.rpartition(":")[2])
    assert engine.origin == f"http://127.0.0.1:{port}"
    for address in other_local_addresses():
        with pytest.raises(OSError, match=r"."):
            socket.create_connection((address, port), timeout=5).close()


def test_a_stopped_engine_gives_its_port_back() -> None:
    with EngineServer() as first:
        port = int(first.origin.rpartition(":")[2])
        assert send(first).status_code == 200
    with EngineServer(port=port) as second:
        assert send(second).status_code == 200
    EngineServer().stop()


def test_starting_the_engine_loads_no_numpy_and_no_model() -> None:
    code = (
        "import sys; from bridge.engine.server import EngineServer; import urllib.request as http;"
        "engine = EngineServer(); engine.start(); http.urlopen(engine.origin).read(); engine.stop();"
        "print({'numpy', 'PIL', 'patchmatch', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")


def test_the_command_says_when_a_port_is_taken(
    engine: EngineServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(engine.origin.rpartition(":")[2])
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    assert server.serve(port, "patchmatch", None) == 1
    assert "--port" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_the_command_prints_its_address_and_ends_at_ctrl_c() -> None:
    # a shell's background jobs, and so perhaps these tests, ignore Ctrl-C: a terminal's foreground does not
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code = listen + "from bridge.engine.server import serve; raise SystemExit(serve(0, 'patchmatch', None))"
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        origin = next(word.rstrip(";") for word in line.split() if word.startswith("http"))
        assert requests.get(origin, timeout=180).status_code == 200
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=180)
    assert (process.returncode, complaints) == (0, "")
