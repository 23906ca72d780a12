"""What gateways, firewalls and captive portals say in the service's place: after the body has come, or before."""

from __future__ import annotations

import json

from tests.faults.visit import Fault, Visit, http, part_of_body, say, then

_PAGE = b"<html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>"
_LOGIN = b"<!DOCTYPE html>\n<html><form action='/login'>Welcome to the hotel</form></html>"
_KEY = json.dumps({"status_code": 401, "body": "Who are you?"}).encode()


def _gives_up(status: str) -> Fault:
    """A gateway that waits for a while, as if the service worked, and then gives up."""

    def act(visit: Visit) -> None:
        visit.read_request()
        visit.drip(b"HTTP/1.1 102 Processing\r\n\r\n")
        visit.send(http(_PAGE, status, "Retry-After: 0"))

    breaks = f"HTTP {status} with Retry-After: 0, a while after the request was complete"
    return Fault(f"gives-up-{status[:3]}", breaks, act)


def _early(status: str, content: bytes, *headers: str) -> tuple[Fault, ...]:
    """An answer that does not wait for the request's body, of which a part is read before; then the server …"""
    answer = then(part_of_body(0.1), say(http(content, status, *headers)))
    breaks = f"HTTP {status} before the body has come"
    # Closed on one side only: a reset, as of a whole close, may overtake the answer.
    ends = {"closes": then(Visit.hang_up, Visit.stall), "stalls": Visit.stall}
    return (
        *(
            Fault(f"answers-early-{status[:3]}-{end}", f"{breaks}, and {end}", then(answer, act))
            for end, act in ends.items()
        ),
        Fault(
            f"answers-early-{status[:3]}-tls", f"{breaks}, over TLS, and stalls", then(answer, Visit.stall), tls="good"
        ),
    )


#: By the status.
EARLY = {
    200: _early("200 OK", _LOGIN),
    302: _early("302 Found", _PAGE, "Location: http://login.example/"),
    401: _early("401 Unauthorized", _KEY),
    403: _early("403 Forbidden", _PAGE),
    413: _early("413 Content Too Large", _PAGE),
    429: _early("429 Too Many Requests", _PAGE, "Retry-After: 0"),
    502: _early("502 Bad Gateway", _PAGE),
    503: _early("503 Service Unavailable", _PAGE, "Retry-After: 0"),
    504: _early("504 Gateway Timeout", _PAGE, "Retry-After: 0"),
    524: _early("524 A Timeout Occurred", b""),
}

FAULTS: tuple[Fault, ...] = (
    Fault("portal-200", "HTTP 200 with a network's login page", then(Visit.read_request, say(http(_LOGIN)))),
    *(_gives_up(status) for status in ("502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout")),
    Fault(
        "early-hints-then-all",
        "says 103 Early Hints before the body has come, and takes it all the same",
        then(
            Visit.read_head,
            say(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
            Visit.read_body,
            say(http(_PAGE, "404 Not Found")),
        ),
    ),
    *(fault for faults in EARLY.values() for fault in faults),
)
