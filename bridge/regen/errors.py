"""The errors of a Regen request, as a tree of exceptions.

PhotioError
├── ParameterError               refused by the client; nothing was sent
└── RegenError
    ├── AuthenticationError      401, 403, or no key at all
    ├── RequestRefusedError      any other 4xx
    ├── BusyError
    │   ├── RateLimitError       429
    │   └── ServiceError         5xx
    ├── RedirectError            3xx; never followed
    ├── MalformedResponseError   the answer does not follow the documentation
    ├── ConnectionFailedError
    ├── AnswerTimeout
    └── Cancelled
"""

from __future__ import annotations

import unicodedata

from bridge.common.errors import PhotioError
from bridge.common.i18n import _

_LONGEST_QUOTE = 300
_HIDDEN = "[key]"


class ParameterError(PhotioError):
    """A request variable has a value that the Regen API does not allow.

    Attributes:
        name: the variable.
        value: its value.
        allowed: a description of the allowed values.
    """

    code = "parameter"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:80] + "…"
        sentence = _("“{name}” is {value}, but it must be {allowed}.")
        super().__init__(sentence.format(name=name, value=shown, allowed=allowed))
        self.name = name
        self.value = value
        self.allowed = allowed


class RegenError(PhotioError):
    """A request to a Regen service failed.

    Attributes:
        may_be_billed: whether the service may have billed the request nevertheless.
        received: the content that arrived, without the key. It is stored, because it may have been paid for.
    """

    code = "regen"
    may_be_billed = False
    received = b""


class AuthenticationError(RegenError):
    """The key is missing, wrong, or lacks permission."""

    code = "authentication"


class RequestRefusedError(RegenError):
    """The service rejected the request."""

    code = "refused"


class BusyError(RegenError):
    """The service could not handle the request now.

    Attributes:
        retry_after: seconds after which the request may be sent again without being billed twice; None if the service
            gave no time, or may have billed it already.
    """

    def __init__(self, sentence: str, details: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence, details)
        self.retry_after = retry_after


class RateLimitError(BusyError):
    """There were too many requests."""

    code = "rate-limit"


class ServiceError(BusyError):
    """The service failed. Only 503 sets `retry_after`, because it means that nothing was done."""

    code = "service"


class RedirectError(RegenError):
    """The service redirects to another address, which must get neither the key nor the image."""

    code = "redirect"


class MalformedResponseError(RegenError):
    """The answer does not follow the documentation, or its image is unusable."""

    code = "malformed-response"
    may_be_billed = True

    def __init__(self, sentence: str, details: str = "", received: bytes = b"") -> None:
        super().__init__(sentence, details)
        self.received = received


class ConnectionFailedError(RegenError):
    """There was no connection, or it broke.

    Attributes:
        never_connected: no connection was established, and another attempt may succeed. Repeating costs nothing.
    """

    code = "connection"

    def __init__(
        self, sentence: str, details: str = "", *, may_be_billed: bool = False, never_connected: bool = False
    ) -> None:
        super().__init__(sentence, details)
        self.may_be_billed = may_be_billed
        self.never_connected = never_connected


class AnswerTimeout(RegenError):
    """The request was sent, but no complete answer arrived in time."""

    code = "time-out"
    may_be_billed = True


class Cancelled(RegenError):
    """The user cancelled before the request was fully sent."""

    code = "cancelled"


def quote(text: str, secret: str | None, limit: int = _LONGEST_QUOTE) -> str:
    """Make untrusted text safe for a sentence or a log: a single short line without control characters or the key.

    Control characters could hide the key, so they are removed before it. The text is cut last, because a cut key would
    not be found.

    Args:
        text: the service's text.
        secret: the key, which the service may have echoed.
        limit: the maximum length of the result, in characters.
    """
    visible = "".join(" " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or unicodedata.category(c)[0] != "C")
    line = " ".join(visible.split())
    if secret:
        line = line.replace(secret, _HIDDEN)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def malformed(details: str, received: bytes = b"") -> MalformedResponseError:
    """The error for an answer without a usable image; `details` are for the log."""
    sentence = _(
        "The service's answer is not the image it should be, but the request may have been billed: "
        "try again later, and tell whoever runs the service."
    )
    return MalformedResponseError(sentence, details, received)
