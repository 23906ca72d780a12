"""The errors of a Regen request: a tree under `RegenError`.

`bridge.regen.answer` says which status of an answer gives which of them, `bridge.regen.failures` what no answer means.
"""

from __future__ import annotations

import unicodedata

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.regen.validation import ParameterError as ParameterError  # nothing was sent either


class RegenError(PhotioError):
    """A request to a Regen service failed.

    Attributes:
        may_be_billed: whether the service may have billed the request nevertheless.
        repeat_after: seconds after which the request may be sent again without being billed twice; None if it must not
            be sent again unless the user decides so.
        received: the content that arrived, without the key. It is stored, because it may have been paid for.
    """

    code = "regen"
    received = b""

    def __init_subclass__(cls, code: str) -> None:
        cls.code = code

    def __init__(
        self, sentence: str, details: str = "", *, may_be_billed: bool = False, repeat_after: float | None = None
    ) -> None:
        super().__init__(sentence, details)
        self.may_be_billed = may_be_billed
        self.repeat_after = repeat_after


class AuthenticationError(RegenError, code="authentication"):
    """The key is missing, wrong, or lacks permission."""


class RequestRefusedError(RegenError, code="refused"):
    """The service, or something on the way to it, rejected the request."""


class RateLimitError(RegenError, code="rate-limit"):
    """There were too many requests."""


class ServiceError(RegenError, code="service"):
    """The service, or a gateway in front of it, failed."""


class RedirectError(RegenError, code="redirect"):
    """The answer points to another address, which must get neither the key nor the image."""


class MalformedResponseError(RegenError, code="malformed-response"):
    """The answer does not follow the documentation, or its image is unusable."""


class ConnectionFailedError(RegenError, code="connection"):
    """There was no connection, or it broke."""


class AnswerTimeout(RegenError, code="time-out"):
    """The request was sent, but no complete answer arrived in time."""


class Cancelled(RegenError, code="cancelled"):
    """The user cancelled before the request was fully sent."""


def quote(text: str, secret: str | None, limit: int = 300) -> str:
    """Make a service's text safe for a sentence or a log: a line of at most `limit` characters without the `secret`.

    Control characters could hide it, so they are removed first. The line is cut last: a cut secret would not be found.
    """
    visible = "".join(" " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or unicodedata.category(c)[0] != "C")
    line = " ".join(visible.split())
    if secret:
        line = line.replace(secret, "[key]")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def malformed(details: str, received: bytes = b"") -> MalformedResponseError:
    """The error for an answer without a usable image; `details` are for the log."""
    sentence = _(
        "The service's answer is not the image it should be, but the request may have been billed: "
        "try again later, and tell whoever runs the service."
    )
    error = MalformedResponseError(sentence, details, may_be_billed=True)
    error.received = received
    return error
