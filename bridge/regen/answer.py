"""Extracts the image from a Regen service's answer, or turns the answer into a typed error.

What was on the wire decides what may be billed. Before the request's last byte was handed over, nothing can have been
billed, whatever the answer is. Afterwards a refusal costs nothing, and neither does a failure that the service itself
reports. A failure that something else reports may hide that the service still works on the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Any, Literal, NamedTuple

from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from bridge.common.i18n import _, ngettext
from bridge.regen.decoding import decode_base64
from bridge.regen.errors import (
    AuthenticationError,
    MalformedResponseError,
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

_STATUS = re.compile(r"\s*([1-5][0-9][0-9])\s*")
_MOST_VALUES = 10_000  # in the answer's JSON, which needs two; each takes up to 25 times its size in memory
_LONGEST_MESSAGE = 2000  # characters; a longer text is not a message for the user
_LONGEST_NAME = 100  # characters of a JSON member's name; `quote` is slow, and a name may have 64 million

_KEY = _("The service does not accept the API key{says}: check and enter it again.")
_CREDIT = _(
    "Your account has no credit left{says}, and nothing was billed: add some where you got the API key (for Photio: "
    "the API Dashboard at photio.io), then try again."
)
_TOO_LARGE = _(
    "The picture is too large for the service{says}, and nothing was billed: set “Size sent” to “Recommended” or "
    "select less, then try again."
)
_TOO_MANY = _("The service has too many requests from you{says}: {later}.")
_SLOW = _("The service did not get the request in time{says}, and nothing was billed: try again.")
_REFUSED = _("The service refused the request{says}: change what it names, or check the service's address.")
_BETWEEN = _(
    "Something between this computer and the service, such as a firewall, refused the request{says}, and the service "
    "may never have seen your key: ask whoever runs your network."
)
_LOGIN = _("Your network wants you to log in first{says}: open any web page in a browser, log in, then try again.")
_REDIRECT = _(
    "The service's address redirects elsewhere, where your key must not go: correct the address, or log in to your "
    "network in a web browser."
)
_FAILED = _("The service has a problem of its own{says}: {later}.")
_MAY_GO_ON = _(
    "The service, or a gateway in front of it, gave up{says}, but the request may have been billed: try again only if "
    "you accept that it may be billed twice."
)
_PAGE = _(
    "A web page came instead of the service's answer{says}: log in to your network in a web browser, or check the "
    "service's address."
)
_PAGE_BILLED = _(
    "A web page came instead of the service's answer{says}, but the request may have been billed: log in to your "
    "network in a web browser, or check the service's address."
)
_EARLY = _("The service answered before it had the whole request{says}, and nothing was billed: try again.")


class Meaning(NamedTuple):
    """What it means that a status came instead of an image."""

    statuses: Container[int]
    words: Literal["own", "JSON", "HTML", "any"]  # the service's own are JSON with a status_code, as documented
    error: type[RegenError]
    sentence: str  # for the user, if nothing was billed
    billed: str = ""  # likewise, if the whole request was sent and may be billed therefore; empty: it never is
    #: When the client sends it again by itself, after `Retry-After`; "early": if it was not sent whole.
    repeat: Literal["never", "early", "always"] = "never"


#: The first line that fits counts. An image that came is used, whatever the status of HTTP says.
MEANINGS = (
    Meaning(range(100, 300), "HTML", MalformedResponseError, _PAGE, _PAGE_BILLED),
    Meaning(range(100, 300), "any", MalformedResponseError, _EARLY),  # `_refusal` says what it lacks if it came later
    Meaning(range(300, 400), "any", RedirectError, _REDIRECT),
    Meaning({401}, "any", AuthenticationError, _KEY),
    Meaning({402}, "any", RequestRefusedError, _CREDIT),
    Meaning({403}, "JSON", AuthenticationError, _KEY),
    Meaning({403, 407, 451}, "any", RequestRefusedError, _BETWEEN),
    Meaning({408}, "any", RequestRefusedError, _SLOW),
    Meaning({413}, "any", RequestRefusedError, _TOO_LARGE),
    Meaning({429}, "any", RateLimitError, _TOO_MANY, repeat="always"),
    Meaning(range(400, 500), "any", RequestRefusedError, _REFUSED),
    Meaning({511}, "any", RequestRefusedError, _LOGIN),
    Meaning({502, 504, *range(520, 531)}, "any", ServiceError, _FAILED, _MAY_GO_ON),
    Meaning({503}, "own", ServiceError, _FAILED, repeat="early"),
    Meaning({503}, "any", ServiceError, _FAILED, _MAY_GO_ON, repeat="early"),
    Meaning(range(500, 1000), "own", ServiceError, _FAILED),
    Meaning(range(500, 1000), "any", ServiceError, _FAILED, _MAY_GO_ON),
)


def encoded_image(answer: HttpAnswer, key: str | None) -> bytes:
    """The image file in an answer; `key` is what was sent, and is removed from every error.

    Raises:
        RegenError: `MEANINGS` says which one for the answer's `status_code`, else for its HTTP status. If a status of
            success broke off before its image was complete, `answer.broken` is raised. If the image may be in it,
            `received` is the answer's content.
    """
    document = {} if 300 <= answer.status < 400 else document_in(answer.content)
    code = document.get("status_code")  # a number, or a string of digits
    own = _STATUS.fullmatch(str(code)[:20]) if isinstance(code, int | str) else None
    try:
        if own and own[1] == "200":
            return decode_base64(document.get("body"))
        raise _refusal(answer, document, int(own[1]) if own else None, key)
    except MalformedResponseError as error:
        failure = answer.broken or error
        if failure.may_be_billed:
            failure.received = answer.content
            for form in spellings(key):  # the service may have echoed it, and this will be stored
                failure.received = failure.received.replace(form, b"[key]")
        raise failure from None


def _refusal(answer: HttpAnswer, document: dict[str, Any], own: int | None, key: str | None) -> RegenError:
    """The error that an answer means, `own` being the `status_code` in its `document`."""
    status = own if own and own >= 400 else answer.status
    html = not document and answer.content.lstrip()[:1] == b"<"
    if status < 300 and answer.sent and not html:
        return malformed(f"no usable status_code: {_excerpt(document, answer, key)}")
    fits = {"own": own is not None, "JSON": bool(document), "HTML": html, "any": True}
    meaning = next(each for each in MEANINGS if status in each.statuses and fits[each.words])
    billed = answer.sent and bool(meaning.billed)
    sentence = meaning.billed if billed else meaning.sentence
    if status == 401 and key is None:
        sentence = _("The service asks for an API key{says}: enter yours, then try again.")
    message = _message(document, key)
    says = _(" ({status}: “{words}”)").format(status=status, words=message) if message else f" ({status})"
    wait = retry_after(answer.headers.get("retry-after"))
    repeats = meaning.repeat == "always" or (meaning.repeat == "early" and not answer.sent)
    return meaning.error(
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
    if wait > 7200:  # nobody waits longer in front of a dialog
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


def _message(document: dict[str, Any], key: str | None) -> str:
    """The service's message for the user, or an empty text."""
    texts = (document.get(name) for name in ("body", "message"))
    quoted = (quote(text, key) for text in texts if isinstance(text, str) and len(text) <= _LONGEST_MESSAGE)
    return next(filter(None, quoted), "")


def _excerpt(document: dict[str, Any], answer: HttpAnswer, key: str | None) -> str:
    """An excerpt for the log. JSON is reduced to its members' names, because a key could hide in escaped values."""
    if location := answer.headers.get("location"):
        return f"to {quote(location, key)!r}"
    if document:
        return quote("JSON with " + ", ".join([name for name in document if len(name) <= _LONGEST_NAME][:10]), key)
    return quote(answer.content[: 64 * 1024].decode("utf-8", "replace"), key)
