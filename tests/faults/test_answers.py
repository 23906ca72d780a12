"""Whatever the service answers: it is a picture, or one sentence, and a picture that came is kept."""

from __future__ import annotations

import pytest

from tests.faults import answer_faults, picture_faults, status_faults
from tests.faults.client_faults import Row, rows, unused

_MALFORMED = "malformed-response"
_FORMS = ("json", "html", "empty")
_NO_TIME = ("an-hour", "absurd", "year-9999", "negative", "fraction", "text", "infinite")


def _statuses(code: str, says: str, *statuses: int, billed: bool = False, forms: tuple[str, ...] = _FORMS):
    names = (f"http-{status}-{form}" for status in statuses for form in forms)
    return tuple(Row(name, code, says=says, billed=billed) for name in names)


_OTHERS = ("html", "empty")

#: All after the whole request was sent; for the others see test_gateways.py.
STATUSES = (
    *_statuses("refused", "change what it names", 400, 404, 411, 421, 422, 425, 426, 431),
    *_statuses("refused", "add some where you got the API key", 402),
    *_statuses("refused", "a firewall, refused the request", 407, 451),
    *_statuses("refused", "a firewall, refused the request", 403, forms=_OTHERS),
    *_statuses("refused", "did not get the request in time", 408),
    *_statuses("refused", "set “Size sent” to “Recommended”", 413),
    *_statuses("refused", "log in first", 511),
    *_statuses("authentication", "does not accept the API key", 401),
    *_statuses("authentication", "does not accept the API key", 403, forms=("json",)),
    *_statuses("rate-limit", "too many requests", 429),
    *_statuses("service", "a problem of its own", 500, 501, 503, forms=("json",)),
    *_statuses("service", "a gateway in front of it, gave up", 500, 501, 503, billed=True, forms=_OTHERS),
    *_statuses("service", "a gateway in front of it, gave up", 502, 504, billed=True),
    *_statuses("service", "a gateway in front of it, gave up", *range(520, 528), 530, 999, billed=True),
    *rows("authentication", "none", "inside-401", "inside-401-text", "inside-403"),
    *rows("refused", "none", "inside-422", "message-control"),
    *rows("rate-limit", "none", "inside-429"),
    *rows("service", "none", "inside-500", "inside-503", "message-huge"),
    *rows(_MALFORMED, "part", "inside-202", "inside-0", "inside-negative", "inside-true", "inside-null"),
    *rows(_MALFORMED, "part", "inside-text", "inside-list"),
    *rows("", "whole", "picture-status-text", "picture-http-500"),
    *rows("service", "none", "picture-status-500"),
    *rows(_MALFORMED, "aside", "picture-no-status", "picture-status-words", "picture-status-201"),
)

WAITS = (
    *rows("rate-limit", "none", "http-429-wait-0", "http-429-wait-past", repeated=2),
    *rows("service", "none", "http-503-wait-0", "http-503-wait-past", "inside-503-wait"),
    *rows("rate-limit", "none", *(f"http-429-wait-{name}" for name in _NO_TIME)),
    *rows("service", "none", *(f"http-503-wait-{name}" for name in _NO_TIME)),
)

REDIRECTS = (
    *rows("redirect", "none", *(f"redirect-{code}-elsewhere" for code in (301, 302, 303, 307, 308))),
    *rows("redirect", "none", *(f"redirect-{code}-same-origin" for code in (301, 302, 303, 307, 308))),
    *rows("redirect", "none", "redirect-307-loop", "redirect-307-downgrade", "redirect-308-no-scheme"),
    *rows(
        "redirect", "none", "redirect-302-file", "redirect-302-nowhere", "redirect-302-login", "http-300", "http-304"
    ),
)

JSON = (
    *rows("", "whole", "json-twice-status", "json-twice-body", "json-more-members"),
    *rows("", "whole", "json-bom", "json-utf-16", "json-utf-32", "json-nan-beside"),
    *rows(_MALFORMED, "aside", "json-in-list", "json-then-more", "json-latin-1", "json-nul", "json-trailing-comma"),
    *rows(_MALFORMED, "aside", "json-deep-beside"),
    *rows(_MALFORMED, "part", "json-none", "json-html", "json-list", "json-null", "json-text", "json-truncated"),
    *rows(_MALFORMED, "part", "json-deep-lists", "json-deep-objects", "json-nan", "json-infinity", "json-float-huge"),
    *rows(_MALFORMED, "part", "json-digits", "json-digits-float", "json-keys-many"),
    *rows("service", "none", "json-surrogates"),
)

BODIES = (
    *rows("", "whole", "base64-lines", "base64-unpadded"),
    *rows("", "aside", "base64-one-over"),  # the picture with three bytes behind it
    *rows("", "whole", "data-uri-png", "data-uri-capitals", "data-uri-other", "data-uri-jpg"),
    *rows(_MALFORMED, "part", "body-missing", "body-null", "body-empty", "body-number", "body-url"),
    *rows(_MALFORMED, "part", "base64-broken", "base64-short", "base64-url-safe", "base64-foreign", "data-uri-svg"),
    *rows(_MALFORMED, "aside", "body-list", "body-object", "base64-twice"),
    *rows(_MALFORMED, "aside", "data-uri-unknown", "data-uri-gif", "data-uri-unencoded"),
)

PICTURES = (
    *rows("", "whole", "format-jpeg", "format-webp", "format-mpo"),
    *rows(_MALFORMED, "aside", "format-gif", "format-bmp", "format-tiff", "format-svg", "format-ppm", "format-pdf"),
    *rows(_MALFORMED, "aside", "format-eps", "format-html"),
    *rows(_MALFORMED, "aside", "size-half", "size-one-over", "size-turned", "size-one-pixel", "size-zero"),
    *rows("", "whole", "mode-l", "mode-la", "mode-rgba", "mode-p", "mode-1", "mode-cmyk"),
    *rows("", "whole", "mode-grey-16", "mode-rgb-16"),
    *rows("", "whole", "animated-png", "animated-webp"),
    *rows(_MALFORMED, "aside", "animated-gif"),
    *rows("", "whole", "icc-srgb", "icc-lab", "icc-broken", "exif-turned", "exif-broken", "picture-then-more"),
    *rows(_MALFORMED, "aside", "icc-bomb", "text-bomb", "pixels-bomb", "pixels-65-million"),
    *rows(_MALFORMED, "aside", "picture-cut", "picture-cut-jpeg", "picture-cut-webp", "picture-spoilt"),
    *rows(_MALFORMED, "part", "picture-endless"),
    Row("scans", _MALFORMED, "aside", large=True),
)

ROWS = (*STATUSES, *WAITS, *REDIRECTS, *JSON, *BODIES, *PICTURES)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_an_answer_is_a_picture_or_one_sentence(row: Row) -> None:
    assert row.broken_promises(row.run()) == []


def test_every_fault_of_an_answer_is_tried() -> None:
    faults = status_faults.FAULTS + answer_faults.FAULTS + picture_faults.FAULTS
    assert unused(ROWS, faults) == set()
