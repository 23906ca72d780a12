"""Whatever the network and HTTP do: one sentence, nothing twice, nothing left behind, no key anywhere."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from urllib3.util.wait import wait_for_read

from tests.faults import body_faults, wire_faults
from tests.faults.client_faults import Row, rows, unused

_QUICK = {"answer": 0.4}
_ENOUGH = {"answer": 2.0}  # for what has to come before the time is over
_HANDSHAKE = {"connect": 0.6}

CONNECTION = (
    *rows("", "whole", "good", "never-closes"),
    Row("refused", "connection", repeated=2),
    Row("deaf", "connection", repeated=2, connect=0.6),
    Row("reset-at-once", "connection", repeated=None),  # before the client sees that the connection stands, or after
    *rows("connection", "none", "closed-at-once", "reset-after-body", "closed-after-body"),
    *rows("connection", "none", "reset-before-body", "reset-mid-body", "closed-mid-body", large=True),
    *rows("connection", "none", "reset-mid-head"),
    *rows("malformed-response", "none", "closed-mid-head"),  # to http.client the headers are whole
    *rows("connection", "part", "reset-mid-answer", "closed-mid-answer"),
    *rows("connection", "none", "stall-at-once", "stall-mid-body", large=True, **_QUICK),
    *rows("time-out", "none", "stall-at-once", "stall-after-body", "stall-mid-head", "stall-before-content", **_QUICK),
    *rows("time-out", "none", "drip-all", **_QUICK),
    *rows("time-out", "part", "stall-mid-answer", "drip-content", **_ENOUGH),
    *rows("refused", "none", "early-413-reads-on", "early-413-closes", large=True),
)

TLS = (
    *rows("", "whole", "tls-good", "tls-no-notify", "tls-no-notify-no-length"),
    *rows("connection", "none", "tls-wrong-host", "tls-expired", "tls-not-yet-valid", "tls-self-signed", "tls-old"),
    *rows("connection", "none", "tls-plain", "tls-handshake-closed", "tls-handshake-garbage"),
    *rows("connection", "none", "tls-handshake-reset", repeated=2),
    *rows("connection", "none", "tls-handshake-stall", "tls-handshake-drip", repeated=2, **_HANDSHAKE),
    *rows("connection", "part", "tls-reset-mid-answer"),
    *rows("malformed-response", "part", "tls-no-notify-truncated"),
    *rows("time-out", "none", "tls-stall-after-body", **_QUICK),
    *rows("connection", "none", "tls-stall-mid-body", large=True, **_QUICK),
)

LENGTHS = (
    *rows("", "whole", "length-too-long", "length-negative", "length-garbage", "length-none", "length-huge"),
    *rows("", "whole", "length-too-long-stall", "length-none-stall", **_ENOUGH),
    *rows("malformed-response", "part", "length-too-short", "five-gigabytes", "five-gigabytes-no-length"),
    *rows("connection", "none", "length-twice"),
    *rows("malformed-response", "none", "empty"),
)

CHUNKS = (
    *rows("", "whole", "chunked", "chunked-and-length", "chunked-unfinished", "chunk-size-negative", "chunk-too-long"),
    *rows("", "whole", "chunked-unfinished-stall", "trailers-endless", **_ENOUGH),
    *rows("connection", "none", "chunk-size-garbage", "chunk-size-endless"),
)

PACKING = (
    *rows("", "whole", "gzip", "gzip-truncated", "gzip-not", "gzip-members", "packed-unknown"),
    *rows("malformed-response", "part", "gzip-broken", "packed-deflate"),
    *rows("malformed-response", "part", "gzip-bomb", "gzip-bomb-lists", "gzip-bomb-texts", "gzip-bomb-words"),
)

HEADERS = (
    *rows("", "whole", "header-binary", "header-no-colon", "cookies", "type-html"),
    *rows("", "whole", "continue", "early-hints", "processing", "two-answers", "http-1.0"),
    *rows("connection", "none", "headers-many", "header-long", "header-endless", "headers-endless"),
    *rows("connection", "none", "http-0.9", "http-2", "status-line-garbage", "status-line-ssh", "status-line-huge"),
    *rows("connection", "none", "status-line-endless"),
    *rows("time-out", "none", "continue-endless", **_QUICK),
    *rows("malformed-response", "none", "switching", "no-content"),
)

KEYS = (
    *rows("connection", "none", "key-in-status-line", "key-in-chunk"),
    *rows("malformed-response", "none", "key-in-encoding"),
    *rows("malformed-response", "part", "key-in-body"),
    *rows("redirect", "none", "key-in-location"),
    *rows("authentication", "none", "key-in-message"),
    Row("key-in-html", "service", billed=True),
)

#: The second attempt is made only where the first one surely did nothing, and then it counts like the first.
ONE_AFTER_THE_OTHER = (
    Row("answers-early-503-closes + good", "", "whole", repeated=1, large=True),
    Row("http-429-wait-0 + http-429-wait-past + good", "", "whole", repeated=2),
    Row("http-503-wait-0 + good", "service"),
    Row("gives-up-503 + good", "service", billed=True),
    Row("tls-handshake-reset + tls-good", "", "whole", repeated=1),
    Row("http-429-wait-0 + reset-after-body + good", "connection", repeated=1),
    Row("http-429-wait-0 + http-500-json + good", "service", repeated=1),
    Row("http-429-wait-0 + gives-up-504 + good", "service", repeated=1, billed=True),
    Row("http-429-wait-0 + stall-after-body + good", "time-out", repeated=1, **_ENOUGH),
    Row("http-429-wait-0 + size-half + good", "malformed-response", "aside", repeated=1),
    Row("reset-after-body + good", "connection"),
    Row("closed-at-once + good", "connection"),
    Row("reset-mid-body + good", "connection", large=True),
    Row("http-500-json + good", "service"),
    Row("redirect-307-loop + good", "redirect"),
)

ROWS = (*CONNECTION, *TLS, *LENGTHS, *CHUNKS, *PACKING, *HEADERS, *KEYS, *ONE_AFTER_THE_OTHER)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_network_that_misbehaves_costs_one_sentence(row: Row) -> None:
    assert row.broken_promises(row.run()) == []


def test_a_reset_just_before_the_handshake_leaves_no_socket_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    handshake = ssl.SSLContext.wrap_socket

    def after_the_reset(context: ssl.SSLContext, connection: Any, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        wait_for_read(connection)
        return handshake(context, connection, *arguments, **options)

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", after_the_reset)
    assert Row("tls-handshake-reset", "connection", repeated=2).run().left == ()


def test_every_fault_of_the_network_is_tried() -> None:
    assert unused(ROWS, wire_faults.FAULTS + body_faults.FAULTS) == set()
