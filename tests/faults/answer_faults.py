"""What may be wrong with the answer's JSON and its Base64."""

from __future__ import annotations

import base64
import codecs
import json
from collections.abc import Callable

from tests.faults.visit import Fault, Step, Visit, file, good, http, say, then, wrapped

_read = Visit.read_request
MEGABYTE = 1 << 20


def _says(content: bytes) -> Step:
    return then(_read, say(http(content)))


def _changed(change: Callable[[bytes], bytes]) -> Step:
    """The right answer's content, changed."""

    def act(visit: Visit) -> None:
        visit.read_request()
        visit.send(http(change(good(visit))))

    return act


def _body(change: Callable[[str], object]) -> Step:
    """The right answer with its Base64 changed."""

    def content(right: bytes) -> bytes:
        return json.dumps({"status_code": 200, "body": change(json.loads(right)["body"])}).encode()

    return _changed(content)


def _data_uri(kind: str, media_type: str) -> Step:
    """The right picture as a data URI."""

    def act(visit: Visit) -> None:
        visit.read_request()
        visit.record.picture = file(visit.base(), kind)
        visit.send(http(wrapped(visit.record.picture, f"data:{media_type};base64,")))

    return act


def _lines(text: str) -> str:
    return base64.encodebytes(base64.b64decode(text)).decode()


def _urlsafe(text: str) -> str:
    return base64.urlsafe_b64encode(base64.b64decode(text)).decode()


def _twice(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_JSON = (
    Fault("json-none", "no JSON", _says(b"OK")),
    Fault("json-html", "HTML with status 200, as a captive portal sends it", _says(b"<html>Please log in</html>")),
    Fault("json-list", "a list", _says(b"[200]")),
    Fault("json-null", "null", _says(b"null")),
    Fault("json-text", "a text", _says(b'"200"')),
    Fault("json-truncated", "JSON that ends in the middle", _changed(lambda content: content[: len(content) // 2])),
    Fault("json-in-list", "the right answer in a list", _changed(lambda content: b"[" + content + b"]"), True),
    Fault("json-then-more", "the right answer, then something else", _changed(lambda content: content + b"\n{}"), True),
    Fault(
        "json-twice-status",
        "two status codes, the last one is 200",
        _changed(lambda c: b'{"status_code": 401,' + c[1:]),
        True,
    ),
    Fault(
        "json-twice-body",
        "two bodies, the last one is the picture",
        _changed(lambda c: b'{"body": "AAAA",' + c[1:]),
        True,
    ),
    Fault(
        "json-more-members",
        "members that nobody knows",
        _changed(lambda c: b'{"cost": 1, "__proto__": {},' + c[1:]),
        True,
    ),
    Fault("json-bom", "a byte order mark first", _changed(lambda content: codecs.BOM_UTF8 + content), True),
    Fault("json-utf-16", "UTF-16", _changed(lambda content: content.decode().encode("utf-16")), True),
    Fault("json-utf-32", "UTF-32", _changed(lambda content: content.decode().encode("utf-32")), True),
    Fault("json-latin-1", "bytes that are no UTF-8", _changed(lambda content: b'{"note": "\xe4",' + content[1:]), True),
    Fault("json-nul", "NUL bytes after the answer", _changed(lambda content: content + bytes(16)), True),
    Fault("json-trailing-comma", "a comma too many", _changed(lambda content: content[:-1] + b",}"), True),
    Fault("json-deep-lists", "200 000 lists in each other", _says(b"[" * 200_000)),
    Fault("json-deep-objects", "5000 objects in each other", _says(b'{"body":' * 5000)),
    Fault(
        "json-deep-beside",
        "deep nesting beside the right answer",
        _changed(lambda c: b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"," + c[1:]),
        True,
    ),
    Fault("json-nan", "NaN for a status", _says(b'{"status_code": NaN, "body": "AAAA"}')),
    Fault("json-infinity", "Infinity for a status", _says(b'{"status_code": -Infinity, "body": "AAAA"}')),
    Fault(
        "json-nan-beside", "NaN beside the right answer", _changed(lambda content: b'{"cost": NaN,' + content[1:]), True
    ),
    Fault("json-float-huge", "a status of 1e999", _says(b'{"status_code": 1e999, "body": "AAAA"}')),
    Fault(
        "json-digits", "a status of a million digits", _says(b'{"status_code": ' + b"2" * MEGABYTE + b', "body": ""}')
    ),
    Fault(
        "json-digits-float",
        "a fraction of a million digits",
        _says(b'{"status_code": 2.' + b"0" * MEGABYTE + b', "body": ""}'),
    ),
    Fault(
        "json-keys-many", "100 000 members", _says(json.dumps({str(number): 1 for number in range(100_000)}).encode())
    ),
    Fault("json-surrogates", "half characters", _says(b'{"status_code": 500, "body": "\\ud800 sorry \\udfff"}')),
)

_BODIES = (
    Fault("body-missing", "no body", _says(b'{"status_code": 200}')),
    Fault("body-null", "a body of null", _says(b'{"status_code": 200, "body": null}')),
    Fault("body-empty", "an empty body", _says(b'{"status_code": 200, "body": ""}')),
    Fault("body-number", "a number for a body", _says(b'{"status_code": 200, "body": 42}')),
    Fault("body-list", "the picture in a list", _body(lambda text: [text]), True),
    Fault("body-object", "the picture in an object", _body(lambda text: {"image": text}), True),
    Fault("body-url", "an address instead of a picture", _says(wrapped(b"", body="https://photio.example/1.png"))),
    Fault(
        "base64-broken", "Base64 with a sign that is none in it", _body(lambda text: text[:40] + "!" + text[40:]), True
    ),
    Fault("base64-short", "Base64 that ends in the middle", _body(lambda text: text[: len(text) // 2])),
    Fault("base64-one-over", "Base64 with one character too many", _body(lambda text: text.rstrip("=") + "AAAAA")),
    Fault("base64-lines", "Base64 in lines", _body(_lines), True),
    Fault("base64-unpadded", "Base64 without its padding", _body(lambda text: text.rstrip("=")), True),
    Fault("base64-url-safe", "Base64 in the alphabet for addresses", _body(_urlsafe), True),
    Fault("base64-twice", "Base64 of Base64", _body(_twice), True),
    Fault("base64-foreign", "Base64 with letters of another alphabet", _body(lambda text: "А" + text[1:])),  # Cyrillic
    Fault("data-uri-png", "nothing, as a data URI", _data_uri("PNG", "image/png"), True),
    Fault("data-uri-capitals", "a data URI in capitals", _body(lambda text: "DATA:IMAGE/PNG;BASE64," + text), True),
    Fault("data-uri-other", "a PNG in a data URI that says JPEG", _data_uri("PNG", "image/jpeg"), True),
    Fault("data-uri-jpg", "a JPEG in a data URI that says jpg", _data_uri("JPEG", "image/jpg"), True),
    Fault(
        "data-uri-unknown", "a PNG in a data URI without a media type", _body(lambda text: "data:;base64," + text), True
    ),
    Fault("data-uri-gif", "a GIF in a data URI that says so", _data_uri("GIF", "image/gif"), True),
    Fault("data-uri-svg", "an SVG in a data URI", _says(wrapped(b"<svg/>", "data:image/svg+xml;base64,"))),
    Fault("data-uri-unencoded", "a data URI that is not Base64", _body(lambda text: "data:image/png," + text), True),
)

FAULTS: tuple[Fault, ...] = _JSON + _BODIES
