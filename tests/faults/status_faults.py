"""What the service may say instead of an image: statuses outside and inside, waits, redirects."""

from __future__ import annotations

import json
from typing import Any

from tests.faults.visit import Fault, Step, Visit, good, http, say, then

_read = Visit.read_request
_HTML = b"<html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>"

_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    411: "Length Required",
    413: "Content Too Large",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    425: "Too Early",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    451: "Unavailable For Legal Reasons",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    511: "Network Authentication Required",
    520: "Web Server Returned an Unknown Error",
    521: "Web Server Is Down",
    522: "Connection Timed Out",
    523: "Origin Is Unreachable",
    524: "A Timeout Occurred",
    525: "SSL Handshake Failed",
    526: "Invalid SSL Certificate",
    527: "Railgun Error",
    530: "Origin DNS Error",
    999: "Request Denied",
}


def _says(content: bytes, status: str = "200 OK", *headers: str) -> Step:
    return then(_read, say(http(content, status, *headers)))


def _json(status: Any, body: Any = "Sorry, no") -> bytes:
    return json.dumps({"status_code": status, "body": body}).encode()


def _outside(code: int) -> tuple[Fault, Fault, Fault]:
    """An HTTP status with JSON, with HTML and with nothing."""
    status = f"{code} {_REASONS[code]}"
    return (
        Fault(f"http-{code}-json", f"HTTP {status}, in JSON", _says(_json(code), status)),
        Fault(f"http-{code}-html", f"HTTP {status}, in HTML", _says(_HTML, status, "Content-Type: text/html")),
        Fault(f"http-{code}-empty", f"HTTP {status}, without a word", _says(b"", status)),
    )


def _inside(name: str, status: Any) -> Fault:
    return Fault(f"inside-{name}", f"HTTP 200 with status_code {json.dumps(status)}", _says(_json(status)))


def _picture_with(status: Any, http_status: str = "200 OK") -> Step:
    """The right picture, but the status beside it says something else; None: nothing."""

    def act(visit: Visit) -> None:
        visit.read_request()
        document = json.loads(good(visit)) | {"status_code": status}
        if status is None:
            del document["status_code"]
        visit.send(http(json.dumps(document).encode(), http_status))

    return act


def _busy(code: int, name: str, wait: str) -> Fault:
    """A service that has no time; it says when to come again."""
    status = f"{code} {_REASONS[code]}"
    return Fault(
        f"http-{code}-{name}",
        f"HTTP {code}, Retry-After: {wait if len(wait) < 40 else wait[:20] + '…'}",
        _says(_json(code), status, f"Retry-After: {wait}"),
    )


def _waits(code: int) -> tuple[Fault, ...]:
    return tuple(
        _busy(code, name, wait)
        for name, wait in {
            "wait-0": "0",
            "wait-past": "Wed, 21 Oct 2015 07:28:00 GMT",
            "wait-an-hour": "3600",
            "wait-absurd": "9" * 40,
            "wait-year-9999": "Fri, 31 Dec 9999 23:59:59 GMT",
            "wait-negative": "-1",
            "wait-fraction": "0.5",
            "wait-text": "soon",
            "wait-infinite": "inf",
        }.items()
    )


def _redirect(code: int, name: str, breaks: str, target: str, tls: str = "") -> Fault:
    """In the target, {elsewhere} is another origin and {origin} the server's own."""

    def act(visit: Visit) -> None:
        visit.read_request()
        location = target.format(elsewhere=visit.elsewhere, origin=visit.origin)
        visit.send(http(_HTML, f"{code} Redirect", f"Location: {location}"))

    return Fault(f"redirect-{code}-{name}", f"HTTP {code} to {breaks}", act, tls=tls)


_PATH = "/v1/inference/regen"
_CODES = (301, 302, 303, 307, 308)

_REDIRECTS = (
    *(_redirect(code, "elsewhere", "another origin", "{elsewhere}" + _PATH) for code in _CODES),
    *(_redirect(code, "same-origin", "another path of the same origin", "/v2/regen") for code in _CODES),
    _redirect(307, "loop", "itself", "{origin}" + _PATH),
    _redirect(307, "downgrade", "plain HTTP, from TLS", "{elsewhere}" + _PATH, tls="good"),
    _redirect(308, "no-scheme", "another host, without a scheme", "//photio.example" + _PATH),
    _redirect(302, "file", "a file", "file:///etc/passwd"),
    _redirect(302, "login", "a network's login page", "http://login.example/?from=photio"),
    Fault("redirect-302-nowhere", "HTTP 302 to nowhere", _says(_HTML, "302 Found")),
    Fault("http-300", "HTTP 300 Multiple Choices", _says(_HTML, "300 Multiple Choices")),
    Fault("http-304", "HTTP 304 Not Modified", then(_read, say(b"HTTP/1.1 304 Not Modified\r\n\r\n"))),
)

_INSIDE = (
    _inside("401", 401),
    _inside("401-text", "401"),
    _inside("403", 403),
    _inside("422", 422),
    _inside("429", 429),
    _inside("500", 500),
    _inside("503", 503),
    _inside("202", 202),
    _inside("0", 0),
    _inside("negative", -200),
    _inside("true", True),
    _inside("null", None),
    _inside("text", "OK"),
    _inside("list", [200]),
    Fault("picture-no-status", "the right picture without a status_code", _picture_with(None), True),
    Fault("picture-status-text", "the right picture with status_code “200”", _picture_with("200"), True),
    Fault("picture-status-words", "the right picture with status_code “OK”", _picture_with("OK"), True),
    Fault("picture-status-201", "the right picture with status_code 201", _picture_with(201), True),
    Fault("picture-status-500", "a picture with status_code 500", _picture_with(500)),
    Fault("picture-http-500", "the right picture with HTTP 500", _picture_with(200, "500 Internal Server Error"), True),
    Fault(
        "inside-503-wait",
        "HTTP 200 with status_code 503, Retry-After: 0",
        _says(_json(503), "200 OK", "Retry-After: 0"),
    ),
    Fault("message-huge", "HTTP 500 with a message of 1 MB", _says(_json(500, "so sorry " * 120_000), "500 Oops")),
    Fault(
        "message-control",
        "HTTP 422 with a message full of control characters",
        _says(_json(422, "\x1b[2J\x00\u202eon\r\n")),
    ),
)

FAULTS: tuple[Fault, ...] = (
    *(fault for code in _REASONS for fault in _outside(code)),
    *_waits(429),
    *_waits(503),
    *_REDIRECTS,
    *_INSIDE,
)
