"""A Regen server that costs nothing: it answers at once, or after `--delay` seconds, with a prepared PNG.

The answer for a size is prepared when that size is first asked for: the base image, smoothed as a service does.
`GET /` tells when the requests had come and when they were answered, in seconds of the epoch.
"""

from __future__ import annotations

import argparse
import base64
import functools
import io
import json
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BASE = b'"base_image": "'
_SIZE_AT = slice(16, 24)  # width and height in a PNG


class InstantServer(ThreadingHTTPServer):
    """Holds the prepared answers and the times."""

    daemon_threads = True

    def __init__(self, delay: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.delay = delay
        self.times: list[tuple[float, float]] = []
        self._answers: dict[tuple[int, int], bytes] = {}
        self._lock = threading.Lock()

    def answer(self, body: bytes) -> bytes:
        """The whole answer for a request: of what it asks, only the size is looked at."""
        begin = body.index(_BASE) + len(_BASE)
        size = struct.unpack(">II", base64.b64decode(body[begin : begin + 32])[_SIZE_AT])
        with self._lock:
            if size not in self._answers:
                self._answers[size] = _prepared(body[begin : body.index(b'"', begin)])
            return self._answers[size]


def _prepared(base: bytes) -> bytes:
    from PIL import Image, ImageFilter

    smooth = Image.open(io.BytesIO(base64.b64decode(base))).convert("RGB").filter(ImageFilter.GaussianBlur(2))
    png = io.BytesIO()
    smooth.save(png, "PNG")
    return json.dumps({"status_code": 200, "body": base64.b64encode(png.getvalue()).decode()}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: InstantServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        came = time.time()
        answer = self.server.answer(body)
        time.sleep(self.server.delay)  # the service at work
        self._send(answer)
        self.server.times.append((came, time.time()))

    def do_GET(self) -> None:
        self._send(json.dumps(self.server.times).encode())

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    log_message = functools.partialmethod(lambda self, *_arguments: None)  # type: ignore[assignment]


def main() -> None:
    """Serves until it is ended; the first line on stdout is its origin."""
    parser: Any = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    server = InstantServer(parser.parse_args().delay)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
