"""Extracts the image from a Regen service's answer, or turns the answer into a typed error."""

from __future__ import annotations

import json
import re
from typing import Any

from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from bridge.common.i18n import _, ngettext
from bridge.regen.decoding import decode_base64
from bridge.regen.errors import MalformedResponseError, malformed, quote
from bridge.regen.statuses import MEANINGS, Words
from bridge.regen.transport import HttpAnswer
from bridge.regen.validation import spellings

_STATUS = re.compile(r"\s*([1-5][0-9][0-9])\s*")
_MOST_VALUES = 10_000  # in the answer's JSON, which needs two; each takes up to 25 times its size in memory
_LONGEST_NAMED_WAIT = 7200.0  # seconds; nobody waits longer in front of a dialog
_LONGEST_MESSAGE = 2000  # characters; a longer text is not a message for the user
_LONGEST_NAME = 100  # characters of a JSON member's name; `quote` is slow, and a name may have 64 million


def encoded_image(answer: HttpAnswer, key: str | None) -> bytes:
    """The image file in an answer.

    Args:
        answer: as received.
        key: the key that was sent; it is removed from every error.

    Raises:
        RegenError: `bridge.regen.statuses` says which one for the answer's `status_code`, else for its HTTP status. If
            a status of success broke off before its image was complete, `answer.broken` is raised. If the image may be
            in it, `received` is the answer's content.
    """
    try:
        return _encoded_image(answer, key)
    except MalformedResponseError as error:
        failure = answer.broken or error
        if failure.may_be_billed:
            failure.received = answer.content
            for form in spellings(key):  # the service may have echoed it, and this will be stored
                failure.received = failure.received.replace(form, b"[key]")
        raise failure from None


def _encoded_image(answer: HttpAnswer, key: str | None) -> bytes:
    document = {} if 300 <= answer.status < 400 else document_in(answer.content)
    own = _status(document.get("status_code"))
    if own == 200:
        return decode_base64(document.get("body"))
    status = own if own and own >= 400 else answer.status
    html = not document and answer.content.lstrip()[:1] == b"<"
    if status < 300 and answer.sent and not html:
        raise malformed(f"no usable status_code: {_excerpt(document, answer, key)}")
    fits: dict[Words, bool] = {"own": own is not None, "JSON": bool(document), "HTML": html, "any": True}
    meaning = next(each for each in MEANINGS if status in each.statuses and fits[each.words])
    billed = answer.sent and bool(meaning.billed)
    sentence = meaning.billed if billed else meaning.sentence
    if status == 401 and key is None:
        sentence = _("The service asks for an API key{says}: enter yours, then try again.")
    message = _message(document, key)
    says = _(" ({status}: “{words}”)").format(status=status, words=message) if message else f" ({status})"
    wait = retry_after(answer.headers.get("retry-after"))
    repeats = meaning.repeat == "always" or (meaning.repeat != "never" and not answer.sent)
    raise meaning.error(
        sentence.format(says=says, later=_later(wait)),
        f"status {status}, HTTP {answer.status}: {_excerpt(document, answer, key)}",
        may_be_billed=billed,
        repeat_after=wait if repeats else None,
    )


def retry_after(value: str | None) -> float | None:
    """The seconds to wait according to a `Retry-After` header (RFC 9110, 10.2.3); None if it is unusable."""
    try:
        return float(Retry(0).parse_retry_after((value or "")[:60]))
    except (InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
        return None


def _later(wait: float | None) -> str:
    if wait is None or wait < 1:
        return _("try again in a few minutes")
    if wait > _LONGEST_NAMED_WAIT:
        return _("try again much later")
    seconds = round(wait)
    return ngettext("try again in {seconds} second", "try again in {seconds} seconds", seconds).format(seconds=seconds)


def document_in(content: bytes) -> dict[str, Any]:
    """The JSON object in an answer's content; an empty one if it is not an object or has too many values."""
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        return {}
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _status(value: object) -> int | None:
    """A status code, given as a number or as a string of digits; None if it is neither."""
    found = _STATUS.fullmatch(str(value)[:20]) if isinstance(value, int | str) else None
    return int(found[1]) if found else None


def _message(document: dict[str, Any], key: str | None) -> str:
    """The service's message for the user, or an empty text."""
    for name in ("body", "message"):
        text = document.get(name)
        if isinstance(text, str) and len(text) <= _LONGEST_MESSAGE and (message := quote(text, key)):
            return message
    return ""


def _excerpt(document: dict[str, Any], answer: HttpAnswer, key: str | None) -> str:
    """An excerpt for the log. JSON is reduced to its members' names, because a key could hide in escaped values."""
    if location := answer.headers.get("location"):
        return f"to {quote(location, key)!r}"
    if document:
        return quote("JSON with " + ", ".join([name for name in document if len(name) <= _LONGEST_NAME][:10]), key)
    return quote(answer.content[: 64 * 1024].decode("utf-8", "replace"), key)
