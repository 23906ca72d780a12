"""The offline engine's errors. Standard library only, so that the server can import it early."""

from __future__ import annotations

from bridge.common.errors import PhotioError


class RequestRefused(PhotioError):
    """The engine refuses the request.

    Attributes:
        status: the HTTP status, also sent as the answer's `status_code`.
    """

    code = "refused"

    def __init__(self, status: int, sentence: str, details: str = "") -> None:
        super().__init__(sentence, details)
        self.status = status


class ModelUnavailable(PhotioError):
    """A fill model, or the library that runs it, is not installed."""

    code = "model-unavailable"
