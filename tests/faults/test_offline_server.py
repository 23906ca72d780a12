"""The offline engine's server, and nonsense by the hour: here so much of it that a test can wait for it."""

from __future__ import annotations

import json
import os
import random
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bridge.engine.server import REGEN_PATH
from tests.unit.engine_client import WORKING

REQUESTS, SETTLED = 1500, 600

#: More than what the allocator moves about by itself, less than a leak of every request would take.
LEEWAY = 4 << 20  # bytes

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_WORKING = json.dumps(WORKING).encode()
_VALUES = (None, True, -1, 0, 10**40, 1e308, "", "x" * 5000, [], [[]] * 50, {}, "data:,", "http://127.0.0.1/", "\ud800")


@pytest.fixture
def engine() -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "bridge", "serve", "--port", "0"]
    # one arena: how many of them glibc makes depends on how busy the machine is, and each keeps some memory
    one = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], env=one)
    assert process.stdout is not None
    port = int(re.findall(r"127\.0\.0\.1:(\d+)", process.stdout.readline())[0])
    yield process, port
    process.kill()
    process.wait()


def memory(pid: int) -> int:
    """Bytes that a process really uses."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def nonsense(chance: random.Random) -> bytes:
    """A request that has something wrong with it, most of the time."""
    body = bytearray(_WORKING)
    kind = chance.randrange(5)
    if kind == 0:
        body = bytearray(chance.randbytes(chance.randrange(2000)))
    elif kind == 1:
        del body[chance.randrange(len(body)) :]
    elif kind == 2:
        for _ in range(chance.randrange(1, 20)):
            body[chance.randrange(len(body))] = chance.randrange(256)
    elif kind == 3:
        changes = {chance.choice([*WORKING, "quality", "cfg_scale", "other"]): chance.choice(_VALUES)}
        body = bytearray(json.dumps({**WORKING, **changes}).encode("utf-8", "surrogatepass"))
    else:
        return chance.randbytes(chance.randrange(1, 300)) + b"\r\n\r\n"
    length = chance.choice([len(body)] * 8 + [0, -1, len(body) // 2, 10**12])
    return f"POST {REGEN_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode() + body


def say(port: int, request: bytes) -> None:
    """Sends it, says that nothing follows, and reads whatever comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except (ConnectionResetError, BrokenPipeError):  # it may hang up on nonsense
            pass


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is looked up in /proc")
def test_nonsense_by_the_hour_neither_ends_the_engine_nor_fills_the_memory(
    engine: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = engine
    chance, settled = random.Random(5), 0
    for number in range(REQUESTS):
        say(port, nonsense(chance))
        if number == SETTLED:
            settled = memory(process.pid)
    assert process.poll() is None
    assert memory(process.pid) - settled < LEEWAY
    answer = requests.post(f"http://127.0.0.1:{port}{REGEN_PATH}", json=WORKING, timeout=180)
    assert answer.json()["status_code"] == 200
