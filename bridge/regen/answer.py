"""Extracts the image from a Regen service's answer, or turns the answer into a typed error."""

from __future__ import annotations

import base64
import email.utils
import json
import re
import time
from typing import Any

from bridge.common.i18n import _, ngettext
from bridge.regen.errors import (
    AuthenticationError,
    RateLimitError,
    RedirectError,
    RegenError,
    RequestRefusedError,
    ServiceError,
    malformed,
    quote,
)
from bridge.regen.transport import HttpAnswer
from bridge.regen.validation import spellings

_DATA_URI = re.compile(r"data:image/(?:png|jpe?g|webp)(?:;[^,;]*)*;base64,", re.IGNORECASE)
_LONGEST_STATUS = 20  # digits; a longer number is not a status, and slow to convert
_MOST_VALUES = 10_000  # in the answer's JSON, which needs two; each takes up to 25 times its size in memory
_WITHOUT_SPACE = dict.fromkeys(map(ord, " \t\r\n\f\v"))  # for `str.translate`
_LONGEST_MESSAGE = 2000  # characters; a longer text is not a message for the user
_LONGEST_NAME = 100  # characters of a JSON member's name; `quote` is slow, and a name may have 64 million
_LONGEST_NAMED_WAIT = 7200.0  # seconds; nobody waits longer in front of a dialog


def encoded_image(answer: HttpAnswer, key: str | None) -> bytes:
    """The image file in an answer.

    Args:
        answer: as received.
        key: the key that was sent; it is removed from every error.

    Raises:
        RegenError: the class follows from the answer's `status_code`, else from its HTTP status. If the answer broke
            off before its image was complete, `answer.broken` is raised. If the request may be billed, `received` is
            the answer's content.
    """
    try:
        return _encoded_image(answer, key)
    except RegenError as error:
        failure = answer.broken or error
        if failure.may_be_billed:
            failure.received = _redacted(answer.content, key)
        raise failure from None


def _redacted(content: bytes, key: str | None) -> bytes:
    """The content without the key, which the service may have echoed, so that it can be stored."""
    for form in spellings(key):
        content = content.replace(form, b"[key]")
    return content


def _encoded_image(answer: HttpAnswer, key: str | None) -> bytes:
    if 300 <= answer.status < 400:
        target = quote(answer.headers.get("location", ""), key)
        sentence = _("The service's address redirects elsewhere, where your key must not go: correct the address.")
        raise RedirectError(sentence, f"HTTP {answer.status} to {target!r}")
    document = document_in(answer.content)
    status = _status(document.get("status_code"))
    if status is None and answer.status < 400:
        raise malformed(f"no usable status_code: {_excerpt(document, answer, key)}")
    status = answer.status if status is None else status
    if status >= 400:
        raise _refusal(status, document, answer, key)
    if status != 200:
        raise malformed(f"status_code {status}")
    return _base64(document.get("body"))


def retry_after(value: str | None) -> float | None:
    """The seconds to wait according to a `Retry-After` header (RFC 9110, 10.2.3); None if it is unusable."""
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        moment = email.utils.parsedate_to_datetime(text)
        return max(0.0, moment.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def document_in(content: bytes) -> dict[str, Any]:
    """The JSON object in an answer's content; an empty one if it is not an object or has too many values."""
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        return {}
    try:
        document = json.loads(content, parse_int=_small_int, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _small_int(digits: str) -> int | None:
    # Converting a hundred million digits would take longer than a regeneration.
    return int(digits) if len(digits) <= _LONGEST_STATUS else None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _status(value: object) -> int | None:
    """A status code, given as a number or as a string of digits; None if it is neither."""
    if isinstance(value, str) and len(value) <= _LONGEST_STATUS and value.isascii():
        value = int(value) if value.strip().isdecimal() else None
    if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
        return value
    return None


def _refusal(status: int, document: dict[str, Any], answer: HttpAnswer, key: str | None) -> RegenError:
    """The error for a status of 400 or more."""
    message = _message(document, key)
    says = _(" ({status}: “{words}”)").format(status=status, words=message) if message else f" ({status})"
    details = f"status {status}, HTTP {answer.status}: {_excerpt(document, answer, key)}"
    wait = retry_after(answer.headers.get("retry-after"))
    if status == 401 and key is None:
        sentence = _("The service asks for an API key{says}: enter yours, then try again.").format(says=says)
        return AuthenticationError(sentence, details)
    if status in (401, 403):
        sentence = _("The service does not accept the API key{says}: check and enter it again.").format(says=says)
        return AuthenticationError(sentence, details)
    if status == 429:
        sentence = _("The service has too many requests from you{says}: {later}.")
        return RateLimitError(sentence.format(says=says, later=_later(wait)), details, wait)
    if status >= 500:
        sentence = _("The service has a problem of its own{says}: {later}.").format(says=says, later=_later(wait))
        return ServiceError(sentence, details, wait if status == 503 else None)
    sentence = _("The service refused the request{says}: change what it names, or check the service's address.")
    return RequestRefusedError(sentence.format(says=says), details)


def _later(wait: float | None) -> str:
    if wait is None or wait < 1:  # the client already repeated the request
        return _("try again in a few minutes")
    if wait > _LONGEST_NAMED_WAIT:
        return _("try again much later")
    seconds = round(wait)
    return ngettext("try again in {seconds} second", "try again in {seconds} seconds", seconds).format(seconds=seconds)


def _message(document: dict[str, Any], key: str | None) -> str:
    """The service's message for the user, or an empty text."""
    for name in ("body", "message"):
        text = document.get(name)
        if isinstance(text, str) and len(text) <= _LONGEST_MESSAGE and (message := quote(text, key)):
            return message
    return ""


def _excerpt(document: dict[str, Any], answer: HttpAnswer, key: str | None) -> str:
    """An excerpt for the log. JSON is reduced to its members' names, because a key could hide in escaped values."""
    if document:
        return quote("JSON with " + ", ".join([name for name in document if len(name) <= _LONGEST_NAME][:10]), key)
    return quote(answer.content[: 64 * 1024].decode("utf-8", "replace"), key)


def _base64(body: object) -> bytes:
    if not isinstance(body, str):
        raise malformed(f"body is of type {type(body).__name__}, not a string")
    start = _DATA_URI.match(body.lstrip()[:200])
    text = body.lstrip()[start.end() :] if start else body
    text = text.translate(_WITHOUT_SPACE).rstrip("=")
    text += "=" * (-len(text) % 4)  # some services leave the padding out, or write too much of it
    try:
        encoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise malformed(f"body is not Base64: {error}") from None
    if not encoded:
        raise malformed("body is empty")
    return encoded
