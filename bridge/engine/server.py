"""A Regen-compatible HTTP server on loopback. It handles HTTP only; `inference` does the work."""

from __future__ import annotations

import hmac
import io
import json
import logging
import os
import socket
import socketserver
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import bridge
from bridge.common.i18n import _
from bridge.engine import ModelUnavailable, RequestRefused, parameters
from bridge.engine.connection import Connection

HOST = "127.0.0.1"
REGEN_PATH = "/v1/inference/regen"
KEY_HEADER = "X-Photio-Key"

#: bytes of a request's body; far more than two PNGs of the API's sizes need.
LARGEST_UPLOAD = 64 * 1024 * 1024

#: How many inferences run at once; further ones wait. Each takes memory for an upload and two images.
CONCURRENT = 2

#: Seconds to wait for a client's next byte.
SILENCE = 30

#: Seconds; `stop` waits at most this long for the listening thread.
_POLL = 0.05

_METHODS = {"/": "GET", REGEN_PATH: "POST"}

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


class EngineServer(ThreadingHTTPServer):
    """The offline engine. It listens from `start` to `stop`, or inside a `with` block.

    Args:
        port: TCP port on 127.0.0.1; 0 for any free one.
        model: one of `parameters.MODELS`; loaded by the first inference.
        require_key: the key that an inference must send in the `X-Photio-Key` header; None for no check.

    Raises:
        ValueError: there is no such model.
        OSError: the port is taken or forbidden.
    """

    request_queue_size = 32
    # On Windows this option would let another program listen on the same port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, port: int = 0, model: str = parameters.MODELS[0], require_key: str | None = None) -> None:
        if model not in parameters.MODELS:
            raise ValueError(f"no fill model is called {model!r}")
        self.model = model
        self.require_key = require_key
        self.slots = threading.BoundedSemaphore(CONCURRENT)
        super().__init__((HOST, port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL,), name="photio-engine", daemon=True)

    @property
    def origin(self) -> str:
        """The address for requests, for example `http://127.0.0.1:50123`."""
        return f"http://{HOST}:{self.server_port}"

    def start(self) -> None:
        """Start to answer requests, in threads that do not keep the process alive."""
        self._thread.start()

    def stop(self) -> None:
        """Release the port. Running inferences end by themselves."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()

    def wait(self) -> None:
        """Block until the server stops or the process is interrupted."""
        self._thread.join()

    def __enter__(self) -> EngineServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def server_bind(self) -> None:
        # HTTPServer.server_bind looks up this computer's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a lost client; the default prints a traceback to stderr."""
        _log.debug("connection ended early", exc_info=True)


def serve(port: int, model: str, require_key: str | None) -> int:
    """Run the engine in the foreground until Ctrl-C, for `python -m bridge serve`.

    Returns:
        The exit status: 0 after Ctrl-C, 1 when the port is not available.
    """
    logging.basicConfig(level=logging.WARNING)
    try:
        server = EngineServer(port, model, require_key)
    except (OSError, OverflowError) as error:
        print(f"Port {port} of {HOST} is not available: {error}. Choose another with --port.")
        return 1
    with server:
        try:  # the message belongs inside: it invites to press Ctrl-C
            print(f"Photio's offline engine ({model}) listens on {server.origin}; Ctrl-C ends it.", flush=True)
            server.wait()
        except KeyboardInterrupt:
            print()
    return 0


class _Handler(BaseHTTPRequestHandler):
    server: EngineServer
    protocol_version = "HTTP/1.1"  # needed to answer a client's "Expect: 100-continue"
    timeout = SILENCE
    server_version = "PhotioOfflineEngine"
    sys_version = ""  # do not disclose Python's version

    def setup(self) -> None:
        """Replace the socket's time-out by one that survives a suspended process."""
        super().setup()
        stream = Connection(self.connection, self.timeout)
        self.rfile = io.BufferedReader(stream)
        self.wfile = stream  # type: ignore[assignment]  # socketserver's is unbuffered, too

    def do_GET(self) -> None:
        if self._check_route():
            about = {"name": "Photio offline engine", "version": bridge.__version__, "model": self.server.model}
            self._answer(200, about, {})

    def do_POST(self) -> None:
        if not self._check_route():
            return
        try:
            self._check_key(self.server.require_key)
            length = self._upload_length()
            with self.server.slots:
                image = _infer(self.server.model, self._read(length))
            self._answer_with(200, image)
        except RequestRefused as error:
            _log.debug("refused with %d: %s", error.status, error.details)
            self._answer_with(error.status, error.sentence)

    def do_refused(self) -> None:
        """Answer any other method with an error."""
        self._check_route()

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_refused

    def _check_route(self) -> bool:
        """Whether the path exists and takes this method; if not, answers with 404 or 405."""
        allowed = _METHODS.get(self.path.partition("?")[0])
        if allowed is None:
            self._answer_with(404, f"There is nothing at this path; inferences go to {REGEN_PATH}.")
        elif allowed != self.command:
            self._answer_with(405, f"This path takes {allowed} only.", Allow=allowed)
        return allowed == self.command

    def _check_key(self, required: str | None) -> None:
        given = self.headers.get(KEY_HEADER, "")
        # http.server decodes headers as Latin-1; encoding them again restores the client's bytes.
        if required is not None and not hmac.compare_digest(given.encode("latin-1"), required.encode()):
            raise RequestRefused(401, f"The key in the {KEY_HEADER} header is missing or wrong.")

    def _upload_length(self) -> int:
        length = self.headers.get("Content-Length")
        if length is None:
            raise RequestRefused(411, "The request has to say its length in a Content-Length header.")
        if not (length.isascii() and length.isdigit()):
            raise RequestRefused(400, "The Content-Length header is not a number.")
        # int() refuses numbers of more than 4300 digits.
        if len(length) > 18 or int(length) > LARGEST_UPLOAD:
            most = LARGEST_UPLOAD >> 20
            raise RequestRefused(413, _("The request is larger than {most} MiB; send a crop.").format(most=most))
        return int(length)

    def _read(self, length: int) -> bytes:
        try:
            body = self.rfile.read(length)
        except TimeoutError as error:
            raise RequestRefused(408, "The request stopped arriving half-way; send it again.") from error
        if len(body) < length:
            raise RequestRefused(400, "The request is shorter than its Content-Length header says.")
        return body

    def _answer_with(self, status: int, body: str, **headers: str) -> None:
        self._answer(status, {"status_code": status, "body": body}, headers)

    def _answer(self, status: int, content: dict[str, Any], headers: dict[str, str]) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        length = str(len(payload))
        fixed = {"Content-Type": "application/json", "Content-Length": length, "Connection": "close"}
        for name, value in (fixed | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)
        if status >= 400:
            self._drain()

    def _drain(self) -> None:
        """Read and drop the rest of a refused request, up to a limit.

        Closing earlier would reset the connection, and the client would see the reset instead of the answer.
        """
        self.connection.shutdown(socket.SHUT_WR)
        dropped = 0
        while dropped <= 2 * LARGEST_UPLOAD and (block := self.rfile.read1(1 << 16)):
            dropped += len(block)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with JSON, too, when `http.server` refuses a malformed request or unknown method."""
        status = 405 if code == HTTPStatus.NOT_IMPLEMENTED else code
        self.close_connection = True
        self.request_version = self.protocol_version  # not parsed yet; the default HTTP/0.9 omits the status line
        self._answer_with(status, f"The request cannot be understood: {HTTPStatus(status).phrase}.")

    def log_message(self, format: str, *args: Any) -> None:
        """Log only the method: `http.server` prints the path to stderr, which may contain private data."""
        _log.debug("%s answered", self.command)


def _infer(model: str, body: bytes) -> str:
    """The answer's PNG in Base64. Every failure becomes a `RequestRefused`, which the client gets."""
    try:
        request = parameters.parse(body)
        # Imported late: numpy, Pillow and the models take a second and 100 MB.
        from bridge.engine import inference

        return inference.regenerate(model, request)
    except RequestRefused:
        raise
    except ModelUnavailable as error:
        _log.warning("%s %s", error.sentence, error.details)
        raise RequestRefused(500, error.sentence, error.details) from error
    except Exception as error:  # whatever a model raises, the server continues
        _log.exception("the %s model failed", model)
        sentence = _("The offline engine could not fill this; the log says why. Try another selection.")
        raise RequestRefused(500, sentence) from error
