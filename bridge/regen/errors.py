"""Everything that can go wrong with a Regen request, as a tree of typed errors.

PhotioError
├── ParameterError               refused here; nothing was sent
└── RegenError
    ├── AuthenticationError      401, 403, or no key at all
    ├── RequestRefusedError      any other 4xx
    ├── RateLimitError           429
    ├── ServiceError             5xx
    ├── RedirectError            3xx; never followed
    ├── MalformedResponseError   an answer that is not what the documentation promises
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
        value: what it was.
        allowed: what it may be, in words.
    """

    code = "parameter"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:80] + "…"
        super().__init__(
            _("“{name}” is {value}, but it must be {allowed}.").format(name=name, value=shown, allowed=allowed)
        )
        self.name = name
        self.value = value
        self.allowed = allowed


class RegenError(PhotioError):
    """A request to a Regen service did not give an image.

    Attributes:
        may_be_billed: whether the service may have charged for the request all the same.
        received: what came instead of a picture that can be used, without the key: it may have been paid for.
    """

    code = "regen"
    may_be_billed = False
    received = b""


class AuthenticationError(RegenError):
    """The key is missing, wrong, or not allowed to do this."""

    code = "authentication"


class RequestRefusedError(RegenError):
    """The service understood the request and does not want it."""

    code = "refused"


class RateLimitError(RegenError):
    """Too many requests.

    Attributes:
        retry_after: seconds after which the service wants to be asked again; None when it did not say.
    """

    code = "rate-limit"

    def __init__(self, sentence: str, details: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence, details)
        self.retry_after = retry_after


class ServiceError(RegenError):
    """The service has a problem of its own.

    Attributes:
        retry_after: as in `RateLimitError`; only ever given with 503, which says that nothing was done.
    """

    code = "service"

    def __init__(self, sentence: str, details: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence, details)
        self.retry_after = retry_after


class RedirectError(RegenError):
    """The service points elsewhere, where neither the key nor the image may go."""

    code = "redirect"


class MalformedResponseError(RegenError):
    """The service answered with something that is not a documented answer, or not the right image."""

    code = "malformed-response"
    may_be_billed = True

    def __init__(self, sentence: str, details: str = "", received: bytes = b"") -> None:
        super().__init__(sentence, details)
        self.received = received


class ConnectionFailedError(RegenError):
    """No connection, or it broke.

    Attributes:
        never_connected: no connection ever stood and another try may succeed: repeating is surely free.
    """

    code = "connection"

    def __init__(
        self,
        sentence: str,
        details: str = "",
        *,
        may_be_billed: bool = False,
        never_connected: bool = False,
    ) -> None:
        super().__init__(sentence, details)
        self.may_be_billed = may_be_billed
        self.never_connected = never_connected


class AnswerTimeout(RegenError):
    """The request was sent, and no complete answer came in time."""

    code = "time-out"
    may_be_billed = True


class Cancelled(RegenError):
    """The user cancelled before the request was fully sent."""

    code = "cancelled"


def quote(text: str, secret: str | None, limit: int = _LONGEST_QUOTE) -> str:
    """Foreign text made fit for a sentence or a log: one line, no control characters, no key, bounded.

    The secret is taken out after the control characters, which could hide it, and before the cut,
    which could leave half of it.

    Args:
        text: what the service said.
        secret: the key, which the service may have echoed.
        limit: the longest result, in characters.
    """
    visible = "".join(" " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or unicodedata.category(c)[0] != "C")
    line = " ".join(visible.split())
    if secret:
        line = line.replace(secret, _HIDDEN)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def malformed(details: str, received: bytes = b"") -> MalformedResponseError:
    """The error for an answer that is not the image it should be; `details` are for the log."""
    return MalformedResponseError(
        _(
            "The service's answer is not the image it should be, but the request may have been billed: "
            "try again later, and tell whoever runs the service."
        ),
        details,
        received,
    )
