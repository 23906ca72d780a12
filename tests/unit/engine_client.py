"""Speaks to the offline engine over a real socket, and reads its answers."""

from __future__ import annotations

import base64
import io
import json
import socket
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from PIL import Image

from bridge.engine.server import REGEN_PATH, EngineServer
from tests.unit.pictures import striped_wall

SCENE = striped_wall(96, 64)


def encode(pixels: NDArray[Any] | Image.Image, kind: str = "PNG") -> str:
    stream = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, kind)
    return base64.b64encode(stream.getvalue()).decode()


BASE = encode(SCENE.rgb)
MASK = encode(np.where(SCENE.hole, 0, 255).astype(np.uint8))
WORKING = {"prompt": "", "base_image": BASE, "mask_image": MASK, "seed": 1}


def decode(answer: dict[str, Any]) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(base64.b64decode(answer["body"], validate=True)))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return np.asarray(image)


def send(engine: EngineServer, **changes: Any) -> requests.Response:
    """A working request with `changes`; a change to `...` leaves the variable out."""
    variables = {name: value for name, value in (WORKING | changes).items() if value is not ...}
    return requests.post(engine.origin + REGEN_PATH, json=variables, timeout=180)


def refusal(response: requests.Response) -> str:
    """The sentence of an answer that is an error, after looking at its form."""
    answer = response.json()
    assert response.headers["Content-Type"] == "application/json"
    assert set(answer) == {"status_code", "body"}
    assert answer["status_code"] == response.status_code >= 400
    assert "Traceback" not in answer["body"]
    assert answer["body"].endswith(".")
    return str(answer["body"])


def raw(engine: EngineServer, head: str, body: bytes = b"") -> tuple[int, dict[str, Any]]:
    """Sends what no client library would, and reads until the server has said all."""
    port = int(engine.origin.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=180) as connection:
        connection.sendall(head.encode("latin-1") + body)
        received = b""
        while block := connection.recv(65536):
            received += block
    headers, _, payload = received.partition(b"\r\n\r\n")
    return int(headers.split()[1]), json.loads(payload)


def post(*headers: str) -> str:
    return "\r\n".join([f"POST {REGEN_PATH} HTTP/1.1", "Host: engine", *headers, "", ""])
