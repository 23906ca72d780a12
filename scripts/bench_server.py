"""A Regen server that costs nothing: it answers at once, or after `--delay` seconds, with a prepared PNG.

The answer for a picture is prepared when that picture is first sent: the base image, smoothed as a service does.
`GET /` tells when the requests had come and when they were answered, in seconds of the epoch.
"""

from __future__ import annotations

import argparse
import base64
import functools
import io
import json
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BASE = b'"base_image": "'


class InstantServer(ThreadingHTTPServer):
    """Holds the prepared answers and the times."""

    daemon_threads = True

    def __init__(self, delay: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.delay = delay
        self.times: list[tuple[float, float]] = []
        self._answers: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def answer(self, body: bytes) -> bytes:
        """The whole answer for a request: of what it asks, only the picture is looked at."""
        begin = body.index(_BASE) + len(_BASE)
        base = memoryview(body)[begin : body.index(b'"', begin)]
        sent = zlib.crc32(base)  # a millisecond
        with self._lock:
            if sent not in self._answers:
                self._answers[sent] = _prepared(bytes(base))
            return self._answers[sent]


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
