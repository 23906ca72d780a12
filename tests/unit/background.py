"""A request in a thread of its own, and a port where nobody listens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future

from bridge.regen import RegenResult
from bridge.regen_errors import RegenError


def in_background(action: Callable[[], RegenResult]) -> Future[RegenResult]:
    future: Future[RegenResult] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except RegenError as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
