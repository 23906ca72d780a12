"""Connections that tell when they stand, and that wait for the answer behind interim ones."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter


class _Response(http.client.HTTPResponse):
    def begin(self) -> None:
        """Passes over all interim answers (RFC 9110, 15.2); http.client does so for 100 only."""
        super().begin()
        while self.status in (http.client.PROCESSING, http.client.EARLY_HINTS):
            self.headers = self.msg = None  # type: ignore[assignment]  # it begins but once
            super().begin()


class WatchedAdapter(HTTPAdapter):
    """Tells when the connection stands, and which socket it is."""

    def __init__(self, opened: Callable[[Any], None]) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._opened = opened

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """As in `requests`, which has made this method to be overridden."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        plain, opened = pool.ConnectionCls, self._opened

        def connect(connection: Any) -> None:
            plain.connect(connection)
            opened(connection.sock)

        pool.ConnectionCls = type(plain.__name__, (plain,), {"connect": connect, "response_class": _Response})
        return pool
