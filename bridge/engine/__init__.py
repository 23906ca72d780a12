"""The offline engine: a Regen-compatible HTTP server on loopback, and three models that fill holes.

Importing this package or its `server` loads neither numpy nor a model. The first request does.
"""

from __future__ import annotations

from bridge.common.errors import PhotioError


class RequestRefused(PhotioError):
    """The engine refuses the request. The HTTP `status` is also sent as the answer's `status_code`."""

    code = "refused"

    def __init__(self, status: int, sentence: str, details: str = "") -> None:
        super().__init__(sentence, details)
        self.status = status


class ModelUnavailable(PhotioError):
    """A fill model, or the library that runs it, is not installed."""

    code = "model-unavailable"
