"""A Regen-compatible HTTP server on loopback: HTTP only; what is asked is done in `inference`."""

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
from types import TracebackType
from typing import Any, cast

import bridge
from bridge.common.i18n import _
from bridge.engine import parameters
from bridge.engine.connection import Connection
from bridge.engine.errors import ModelUnavailable, RequestRefused

HOST = "127.0.0.1"
REGEN_PATH = "/v1/inference/regen"
KEY_HEADER = "X-Photio-Key"

#: bytes of a request's body; far above two PNGs of the API's own sizes.
LARGEST_UPLOAD = 64 * 1024 * 1024

#: How many inferences are read and computed at once; more wait. Each may hold an upload and two images.
CONCURRENT = 2

#: Seconds without a byte from a client that owes some.
SILENCE = 30

#: Seconds that `stop` may have to wait for the listening thread to look up.
_POLL = 0.05

_METHODS = {"/": "GET", REGEN_PATH: "POST"}

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


class EngineServer:
    """The offline engine, listening from `start` to `stop`; as a context manager, within the `with` block.

    Args:
        port: TCP port on 127.0.0.1; 0 means any that is free.
        model: one of `parameters.MODELS`; loaded by the first inference.
        require_key: when given, an inference needs this very key in the `X-Photio-Key` header.

    Raises:
        ValueError: there is no such model.
        OSError: the port is taken or forbidden.
    """

    def __init__(self, port: int = 0, model: str = parameters.MODELS[0], require_key: str | None = None) -> None:
        if model not in parameters.MODELS:
            raise ValueError(f"no fill model is called {model!r}")
        self._http = _HttpServer(port, model, require_key)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(_POLL,), name="photio-engine", daemon=True
        )

    @property
    def origin(self) -> str:
        """The address to send requests to, like `http://127.0.0.1:50123`."""
        return f"http://{HOST}:{self._http.server_port}"

    def start(self) -> None:
        """Answers requests from now on, in threads that do not keep the process alive."""
        self._thread.start()

    def stop(self) -> None:
        """Gives the port back; inferences under way are left to end by themselves."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def wait(self) -> None:
        """Blocks until the server is stopped or the process is interrupted."""
        self._thread.join()

    def __enter__(self) -> EngineServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(port: int, model: str, require_key: str | None) -> int:
    """Runs the engine in the foreground until Ctrl-C, for `python -m bridge serve`.

    Returns:
        The exit status: 0 after Ctrl-C, 1 when the port is not to be had.
    """
    logging.basicConfig(level=logging.WARNING)
    try:
        server = EngineServer(port, model, require_key)
    except (OSError, OverflowError) as error:
        print(f"Port {port} of {HOST} cannot be listened on: {error}. Choose another with --port.")
        return 1
    with server:
        try:  # from the moment that it says so
            print(f"Photio's offline engine ({model}) listens on {server.origin}; Ctrl-C ends it.", flush=True)
            server.wait()
        except KeyboardInterrupt:
            print()
    return 0


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32
    # On Windows this option would let another program listen on the same port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, port: int, model: str, require_key: str | None) -> None:
        self.model = model
        self.require_key = require_key
        self.slots = threading.BoundedSemaphore(CONCURRENT)
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own asks the name service for this computer's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own business; the default prints a traceback to stderr."""
        _log.debug("connection ended early", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that a client's "Expect: 100-continue" is answered
    timeout = SILENCE
    # Only the name: versions of Python are nobody's business.
    server_version = "PhotioOfflineEngine"
    sys_version = ""

    def setup(self) -> None:
        """As usual, but for the socket's own time-out."""
        super().setup()
        stream = Connection(self.connection, self.timeout)
        self.rfile = io.BufferedReader(stream)
        self.wfile = stream  # type: ignore[assignment]  # socketserver's own is no buffered one either

    def do_GET(self) -> None:
        if self._routed():
            server = cast(_HttpServer, self.server)
            about = {"name": "Photio offline engine", "version": bridge.__version__, "model": server.model}
            self._answer(200, about)

    def do_POST(self) -> None:
        if not self._routed():
            return
        server = cast(_HttpServer, self.server)
        try:
            self._check_key(server.require_key)
            length = self._upload_length()
            with server.slots:
                image = _infer(server.model, self._read(length))
            self._answer_with(200, image)
        except RequestRefused as error:
            _log.debug("refused with %d: %s", error.status, error.details)
            self._answer_with(error.status, error.sentence)

    def do_refused(self) -> None:
        """Any other method: `_routed` knows what to say."""
        self._routed()

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_refused

    def _routed(self) -> bool:
        """Whether path and method go together; where they do not, the client has been told."""
        allowed = _METHODS.get(self.path.partition("?")[0])
        if allowed is None:
            self._answer_with(404, f"There is nothing at this path; inferences go to {REGEN_PATH}.")
        elif allowed != self.command:
            self._answer_with(405, f"This path takes {allowed} only.", {"Allow": allowed})
        return allowed == self.command

    def _check_key(self, required: str | None) -> None:
        given = self.headers.get(KEY_HEADER, "")
        # http.server decodes headers as Latin-1; undone, they are the client's bytes again.
        if required is not None and not hmac.compare_digest(given.encode("latin-1"), required.encode()):
            raise RequestRefused(401, f"The key in the {KEY_HEADER} header is missing or wrong.")

    def _upload_length(self) -> int:
        length = self.headers.get("Content-Length")
        if length is None:
            raise RequestRefused(411, "The request has to say its length in a Content-Length header.")
        if not (length.isascii() and length.isdigit()):
            raise RequestRefused(400, "The Content-Length header is not a number.")
        # A number of 4300 digits is more than int() takes.
        if len(length) > 18 or int(length) > LARGEST_UPLOAD:
            sentence = _("The request is larger than {most} MiB; send a crop.")
            raise RequestRefused(413, sentence.format(most=LARGEST_UPLOAD >> 20))
        return int(length)

    def _read(self, length: int) -> bytes:
        try:
            body = self.rfile.read(length)
        except TimeoutError as error:
            raise RequestRefused(408, "The request stopped arriving half-way; send it again.") from error
        if len(body) < length:
            raise RequestRefused(400, "The request is shorter than its Content-Length header says.")
        return body

    def _answer_with(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        self._answer(status, {"status_code": status, "body": body}, headers)

    def _answer(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Connection", "close")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)
        if status >= 400:
            self._let_finish()

    def _let_finish(self) -> None:
        """Drops what a refused client is still sending: closing on it would reset the connection, and the
        client would see that instead of the answer. Bounded here, and in time by the connection's."""
        self.connection.shutdown(socket.SHUT_WR)
        dropped = 0
        while dropped <= 2 * LARGEST_UPLOAD and (block := self.rfile.read1(1 << 16)):
            dropped += len(block)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What `http.server` itself refuses (a malformed request, an unheard-of method), as JSON too."""
        status = 405 if code == HTTPStatus.NOT_IMPLEMENTED else code
        self.close_connection = True
        self.request_version = self.protocol_version  # unknown here, and HTTP/0.9 would get no status line
        self._answer_with(status, f"The request cannot be understood: {HTTPStatus(status).phrase}.")

    def log_message(self, format: str, *args: Any) -> None:
        """`http.server` would write each request to stderr, and the path may hold what is private."""
        _log.debug("%s answered", self.command)


def _infer(model: str, body: bytes) -> str:
    """The answer's Base64 PNG; every failure is a `RequestRefused`: nothing else reaches the client."""
    try:
        request = parameters.parse(body)
        # Not before it is wanted: numpy, Pillow and the models take a second and 100 MB.
        from bridge.engine import inference

        return inference.regenerate(model, request)
    except RequestRefused:
        raise
    except ModelUnavailable as error:
        _log.warning("%s %s", error.sentence, error.details)
        raise RequestRefused(500, error.sentence, error.details) from error
    except Exception as error:  # the boundary: whatever a model does, the server goes on
        _log.exception("the %s model failed", model)
        raise RequestRefused(
            500, _("The offline engine could not fill this; the log says why. Try another selection.")
        ) from error
