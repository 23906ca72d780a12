"""A request in a thread of its own, and a port where nobody listens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future

from bridge.regen.client import RegenResult
from bridge.regen.errors import RegenError


def in_background(action: Callable[[], RegenResult]) -> Future[RegenResult]:
    future: Future[RegenResult] = Future()

    def run() -> None:
        try:
            future.set_result(action())
        except RegenError as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


_bound: list[socket.socket] = []


def unused_port() -> int:
    """A port that refuses connections until one of these tests listens there, which takes SO_REUSEADDR.

    It stays bound as long as the tests run: nobody else on this computer can get it meanwhile.
    """
    _bound.append(socket.socket())
    _bound[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bound[-1].bind(("127.0.0.1", 0))
    return int(_bound[-1].getsockname()[1])
