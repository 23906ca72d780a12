"""What the offline engine cannot or will not do. Standard library only: importing it costs nothing."""

from __future__ import annotations

from bridge.common.errors import PhotioError


class RequestRefused(PhotioError):
    """The request cannot be served as it stands.

    Attributes:
        status: the HTTP status, which is also the answer's `status_code`.
    """

    code = "refused"

    def __init__(self, status: int, sentence: str, details: str = "") -> None:
        super().__init__(sentence, details)
        self.status = status


class ModelUnavailable(PhotioError):
    """A fill model or the library that runs it is not on this computer."""

    code = "model-unavailable"
