"""What a status means that came instead of an image: the error, its sentence, and whether the request may be billed.

What was on the wire decides. Before the request's last byte was handed over, nothing can have been billed, whatever the
answer is. Afterwards a refusal costs nothing, and neither does a failure that the service itself reports. A failure
that something else reports may hide that the service still works on the request.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Literal, NamedTuple

from bridge.common.i18n import _
from bridge.regen.errors import (
    AuthenticationError,
    MalformedResponseError,
    RateLimitError,
    RedirectError,
    RegenError,
    RequestRefusedError,
    ServiceError,
)

#: Whose words an answer is. The service's own are JSON with a status_code, as documented.
Words = Literal["own", "JSON", "HTML", "any"]

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
    """A line of the table.

    Attributes:
        statuses: of the answer.
        words: whose they must be.
        error: the error's class.
        sentence: for the user, if nothing was billed.
        billed: likewise, if the whole request was sent and may be billed therefore; empty: it never is.
        repeat: when the client sends the request again by itself, after the time in `Retry-After`; "early": if the
            answer came before the whole request was sent.
    """

    statuses: Container[int]
    words: Words
    error: type[RegenError]
    sentence: str
    billed: str = ""
    repeat: Literal["never", "early", "always"] = "never"


#: The first line that fits counts. An image that came is used, whatever the status of HTTP says.
MEANINGS = (
    Meaning(range(100, 300), "HTML", MalformedResponseError, _PAGE, _PAGE_BILLED),
    Meaning(range(100, 300), "any", MalformedResponseError, _EARLY),  # `answer` says what it lacks if it came later
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
