"""A Regen-compatible server for tests: it records what it gets and misbehaves as it is told.

In a test: `with RegenServer() as server: server.script({"answer": "status", "status_code": 401})`.
As a process, `python tests/regen_server.py --port 0` prints its origin and is told the same over HTTP:

    POST   /_script    a JSON list: the behaviours of the next requests, in order; afterwards "identity"
    GET    /_requests  what came: method, path, headers (lower-case names), body (JSON), stage
    DELETE /_requests  forgets it
    GET    /_wait?stage=headers|body|answering|answered|dropped&count=N   returns when N requests got so far
    POST   /_release   lets the requests go on that are held now

A behaviour is an object; all members are optional:

    change   in the same process: a function that makes the answer's image of the base
    answer   "identity" | "invert" | "colour" (with rgb) | "disc" (rgb; its box: left, top, right, bottom)
             | "drift" (gamma, levels: added to all) | "status" (http, status_code, body)
             | "raw" (http, content_type, text) | "forward" (to: what the Regen server at this origin
             answers to the same request without its prompt)
    format   "PNG" | "JPEG" | "WEBP"        data_uri, status_as_string, gzip   true
    size     [w, h] instead of the base's    headers   added to the answer's
    hold     "before-body" | "before-answer" | "mid-answer"
    close    "at-accept" (counted as dropped only) | "after-headers" | "after-body" | "mid-answer"
    drip     seconds between the answer's bytes, the last header included

A request without a base image is refused (400), whatever image its answer was to be.
"""

from __future__ import annotations

import argparse
import base64
import functools
import gzip
import io
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from PIL import Image, ImageDraw, ImageOps

STAGES = ("headers", "body", "answering", "answered", "dropped")
PATIENCE = 300.0  # seconds: only so that what waits in vain ends

Behaviour = dict[str, Any]


class RegenServer:
    """The server, serving from a thread of its own while it is a context; see the module for what it does."""

    def __init__(self, port: int = 0) -> None:
        self._changed = threading.Condition()
        self._script: list[Behaviour] = []
        self._records: list[dict[str, Any]] = []
        self._counts = dict.fromkeys(STAGES, 0)
        self._releases = 0
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.regen = self
        self.serve = functools.partial(self._http.serve_forever, poll_interval=0.02)
        self.origin = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> RegenServer:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._http.shutdown()
        self._http.server_close()

    def script(self, *behaviours: Behaviour) -> None:
        """Set what happens to the next requests, in order."""
        with self._changed:
            self._script = list(behaviours)

    def requests(self) -> list[dict[str, Any]]:
        """What came, in order of arrival."""
        with self._changed:
            return [dict(record) for record in self._records]

    def clear(self) -> None:
        """Forget what came."""
        with self._changed:
            self._records.clear()
            self._counts = dict.fromkeys(STAGES, 0)

    def wait(self, stage: str, count: int = 1) -> None:
        """Return when `count` requests since the last `clear()` got to a stage; TimeoutError after `PATIENCE`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._counts[stage] >= count, PATIENCE):
                raise TimeoutError(f"{self._counts[stage]} of {count} requests got to {stage!r}")

    def release(self) -> None:
        """Let the requests go on that are held now."""
        with self._changed:
            self._releases += 1
            self._changed.notify_all()

    def arrived(self, record: dict[str, Any]) -> Behaviour:
        """Note a request; what is to happen to it."""
        with self._changed:
            self._records.append(record)
            return self._script.pop(0) if self._script else {}

    def reached(self, record: dict[str, Any], stage: str, hold: bool = False) -> None:
        """Note a stage and, if wanted, wait there for the next release."""
        with self._changed:
            record["stage"] = stage
            self._counts[stage] += 1
            self._changed.notify_all()
            releases = self._releases
            self._changed.wait_for(lambda: not hold or self._releases > releases, PATIENCE)


class _Server(ThreadingHTTPServer):
    block_on_close = False
    regen: RegenServer

    def server_bind(self) -> None:
        # Small, so that a held upload really waits in its sender and not in the kernel.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is what half of the tests are about: no traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path == "/_wait":
            self.server.regen.wait(query["stage"], int(query.get("count", 1)))
        self._json(self.server.regen.requests())

    def do_DELETE(self) -> None:
        self.server.regen.clear()
        self._json(None)

    def do_POST(self) -> None:
        if self.path == "/_script":
            self.server.regen.script(*json.loads(self._read()))
        elif self.path == "/_release":
            self._read()
            self.server.regen.release()
        else:
            return self._regen(self.server.regen)
        return self._json(None)

    def _regen(self, regen: RegenServer) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        record: dict[str, Any] = {"method": self.command, "path": self.path, "headers": headers, "body": None}
        behaviour = regen.arrived(record)
        close, hold = behaviour.get("close"), behaviour.get("hold")
        if close == "at-accept":
            return self._drop(record)
        regen.reached(record, "headers", hold == "before-body")
        content = b"" if close == "after-headers" else self._read()
        if not content or len(content) < int(headers.get("content-length", 0)):
            return self._drop(record)
        record["body"] = json.loads(content)
        regen.reached(record, "body", hold == "before-answer")
        if close == "after-body":
            return self._drop(record)
        self._answer(behaviour, record)
        return regen.reached(record, "answered")

    def _read(self) -> bytes:
        try:
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        except OSError:
            return b""

    def _answer(self, behaviour: Behaviour, record: dict[str, Any]) -> None:
        media_type, content = _content(behaviour, record["body"])
        headers = {"Content-Type": media_type, **behaviour.get("headers", {})}
        if behaviour.get("gzip"):
            content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
        self.send_response(behaviour.get("http", 200))
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.flush_headers()
        if behaviour.get("close") == "mid-answer":
            content, self.close_connection = content[: len(content) // 2], True
        content = b"X-Last: header\r\n\r\n" + content
        if behaviour.get("hold") == "mid-answer":
            half = len(content) // 2
            self.wfile.write(content[:half])
            content = content[half:]
            self.server.regen.reached(record, "answering", True)
        step = 1 if behaviour.get("drip") else len(content)
        for position in range(0, len(content), step):
            self.wfile.write(content[position : position + step])
            time.sleep(behaviour.get("drip", 0))  # a slow network, not a way to wait for something

    def _json(self, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _drop(self, record: dict[str, Any]) -> None:
        """Reset the connection, as a crashed server does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.server.regen.reached(record, "dropped")


def _content(behaviour: Behaviour, request: dict[str, Any]) -> tuple[str, bytes]:
    """The answer's media type and bytes."""
    answer = behaviour.get("answer", "identity")
    if answer == "raw":
        return behaviour.get("content_type", "text/html"), behaviour["text"].encode()
    if answer == "forward":
        return "application/json", _forwarded(behaviour["to"], json.dumps({**request, "prompt": ""}).encode())
    status: int = behaviour.get("status_code", 200)
    if answer == "status":
        body = behaviour.get("body", "")
    elif "base_image" in request:
        body = _image(answer, behaviour, request)
    else:
        status, body = 400, "base_image is required"
    document = {"status_code": str(status) if behaviour.get("status_as_string") else status, "body": body}
    return "application/json", json.dumps(document).encode()


@functools.cache  # the same seed gives the same picture
def _forwarded(origin: str, content: bytes) -> bytes:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(urllib.request.Request(origin + "/v1/inference/regen", content), timeout=300) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as refusal:
        return refusal.read()


def _image(answer: str, behaviour: Behaviour, request: dict[str, Any]) -> str:
    image = Image.new("RGB", (64, 64), (128, 128, 128))
    if not request["base_image"].startswith("http"):
        image = Image.open(io.BytesIO(base64.b64decode(request["base_image"]))).convert("RGB")
    if answer == "invert":
        image = ImageOps.invert(image)
    if answer == "colour":
        image = Image.new("RGB", image.size, tuple(behaviour["rgb"]))
    if answer == "disc":
        ImageDraw.Draw(image).ellipse(behaviour["box"], fill=tuple(behaviour["rgb"]))
    if answer == "drift":
        drifted = [255 * (value / 255) ** behaviour["gamma"] + behaviour["levels"] for value in range(256)]
        image = image.point([min(max(round(value), 0), 255) for value in drifted] * 3)
    if "change" in behaviour:
        image = behaviour["change"](image)
    if "size" in behaviour:
        image = image.resize(tuple(behaviour["size"]))
    kind = behaviour.get("format", "PNG")
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"lossless": True} if kind == "WEBP" else {}))
    text = base64.b64encode(buffer.getvalue()).decode()
    return f"data:image/{kind.lower()};base64,{text}" if behaviour.get("data_uri") else text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A Regen-compatible server for tests.")
    parser.add_argument("--port", type=int, default=0)
    served = RegenServer(parser.parse_args().port)
    print(served.origin, flush=True)
    served.serve()
