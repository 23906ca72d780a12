"""The errors of a Regen request, as a tree of exceptions.

RegenError
├── AuthenticationError      the key is missing, wrong, or lacks permission
├── RequestRefusedError      the service, or something on the way to it, rejected the request
├── RateLimitError           there were too many requests
├── ServiceError             the service, or a gateway in front of it, failed
├── RedirectError            to another address, which must get neither the key nor the image
├── MalformedResponseError   the answer does not follow the documentation, or its image is unusable
├── ConnectionFailedError    there was no connection, or it broke
├── AnswerTimeout            the request was sent, but no complete answer arrived in time
└── Cancelled                the user cancelled before the request was fully sent

`bridge.regen.statuses` says which status of an answer gives which of them, and `bridge.regen.failures` does
so for a request without an answer.
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

    def __init__(
        self,
        sentence: str,
        details: str = "",
        *,
        may_be_billed: bool = False,
        repeat_after: float | None = None,
        received: bytes = b"",
    ) -> None:
        super().__init__(sentence, details)
        self.may_be_billed = may_be_billed
        self.repeat_after = repeat_after
        self.received = received


# The tree above says what each of them means.


class AuthenticationError(RegenError):
    code = "authentication"


class RequestRefusedError(RegenError):
    code = "refused"


class RateLimitError(RegenError):
    code = "rate-limit"


class ServiceError(RegenError):
    code = "service"


class RedirectError(RegenError):
    code = "redirect"


class MalformedResponseError(RegenError):
    code = "malformed-response"


class ConnectionFailedError(RegenError):
    code = "connection"


class AnswerTimeout(RegenError):
    code = "time-out"


class Cancelled(RegenError):
    code = "cancelled"


def quote(text: str, secret: str | None, limit: int = 300) -> str:
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
        line = line.replace(secret, "[key]")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def malformed(details: str, received: bytes = b"") -> MalformedResponseError:
    """The error for an answer without a usable image; `details` are for the log."""
    sentence = _(
        "The service's answer is not the image it should be, but the request may have been billed: "
        "try again later, and tell whoever runs the service."
    )
    return MalformedResponseError(sentence, details, may_be_billed=True, received=received)
