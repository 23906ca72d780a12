"""What may go wrong with the connection itself: refused, reset, stalled, dripped; and with TLS."""

from __future__ import annotations

import functools

from tests.faults.visit import Fault, Step, Visit, good, http, part_of_body, say, then, wrapped

_read = Visit.read_request
_nothing = then()

_TLS_HANDSHAKE = b"\x16\x03\x03\x40\x00"  # a record that promises 16 KB of handshake


def _answer(visit: Visit) -> None:
    visit.send(http(good(visit)))


def _part_of_answer(part: float) -> Step:
    """The headers and a part (0–1) of the content."""

    def send(visit: Visit) -> None:
        answer = http(good(visit))
        start = answer.index(b"\r\n\r\n") + 4
        visit.send(answer[: start + int(part * (len(answer) - start))])

    return send


def _drip_answer(visit: Visit) -> None:
    visit.drip(http(good(visit)))


def _drip_content(visit: Visit) -> None:
    content = good(visit)
    visit.send(http(content)[: -len(content)])
    visit.drip(content)


def _answer_without_length(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\n\r\n" + good(visit))


def _half_without_length(visit: Visit) -> None:
    content = good(visit)
    visit.send(b"HTTP/1.1 200 OK\r\n\r\n" + content[: len(content) // 2])


def _early(status: str) -> Step:
    return say(http(wrapped(b"", status_code=int(status[:3]), body="Too large"), status))


_HALF_HEAD = say(b"HTTP/1.1 200 OK\r\nContent-Le")

_PLAIN = (
    Fault("good", "nothing", then(_read, _answer), delivers=True),
    Fault("refused", "nobody listens at the address", _nothing, listens="no"),
    Fault("deaf", "connections are neither refused nor taken", _nothing, listens="deaf"),
    Fault("reset-at-once", "reset as soon as the connection stands", Visit.reset),
    Fault("closed-at-once", "closed as soon as the connection stands", _nothing),
    Fault("reset-before-body", "reset after the request's headers", then(Visit.read_head, Visit.reset)),
    Fault("reset-mid-body", "reset in the middle of the request's body", then(part_of_body(0.2), Visit.reset)),
    Fault("closed-mid-body", "closed in the middle of the request's body", part_of_body(0.2)),
    Fault("reset-after-body", "reset once the request has come", then(_read, Visit.reset)),
    Fault("closed-after-body", "closed once the request has come", _read),
    Fault("reset-mid-head", "reset in the answer's headers", then(_read, _HALF_HEAD, Visit.reset)),
    Fault("closed-mid-head", "closed in the answer's headers", then(_read, _HALF_HEAD)),
    Fault("reset-mid-answer", "reset in the middle of the answer", then(_read, _part_of_answer(0.5), Visit.reset)),
    Fault("closed-mid-answer", "closed in the middle of the answer", then(_read, _part_of_answer(0.5))),
    Fault("stall-at-once", "stalls before it reads anything", Visit.stall),
    Fault("stall-mid-body", "stalls in the middle of the request's body", then(part_of_body(0.2), Visit.stall)),
    Fault("stall-after-body", "stalls once the request has come", then(_read, Visit.stall)),
    Fault("stall-mid-head", "stalls in the answer's headers", then(_read, _HALF_HEAD, Visit.stall)),
    Fault("stall-before-content", "stalls after the answer's headers", then(_read, _part_of_answer(0), Visit.stall)),
    Fault("stall-mid-answer", "stalls in the middle of the answer", then(_read, _part_of_answer(0.5), Visit.stall)),
    Fault("never-closes", "keeps the connection after the answer", then(_read, _answer, Visit.stall), delivers=True),
    Fault("drip-all", "drips the answer, its headers included", then(_read, _drip_answer)),
    Fault("drip-content", "drips the answer after its headers", then(_read, _drip_content)),
    Fault(
        "early-413-reads-on",
        "refuses before the body has come, and reads it all the same",
        then(Visit.read_head, _early("413 Content Too Large"), lambda visit: visit.read_body()),
    ),
    Fault(
        "early-413-closes",
        "refuses before the body has come, and closes",
        then(Visit.read_head, _early("413 Content Too Large")),
    ),
)

_tls = functools.partial(Fault, tls="good")
_broken = functools.partial(Fault, act=_nothing, tls="good")

_ENCRYPTED = (
    _tls("tls-good", "nothing, over TLS", then(_read, _answer), delivers=True),
    Fault("tls-wrong-host", "the certificate is for another host", then(_read, _answer), tls="wrong-host"),
    Fault("tls-expired", "the certificate has expired", then(_read, _answer), tls="expired"),
    Fault("tls-not-yet-valid", "the certificate is not yet valid", then(_read, _answer), tls="not-yet-valid"),
    Fault("tls-self-signed", "the certificate is signed by itself", then(_read, _answer), tls="self-signed"),
    Fault("tls-old", "speaks TLS 1.0 and 1.1 only", then(_read, _answer), tls="old-tls"),
    _broken("tls-plain", "speaks plain HTTP where TLS is expected", handshake=say(http(b"{}", "400 Bad Request"))),
    _broken("tls-handshake-reset", "resets during the handshake", handshake=Visit.reset),
    _broken("tls-handshake-closed", "closes during the handshake", handshake=_nothing),
    _broken("tls-handshake-stall", "stalls during the handshake", handshake=Visit.stall),
    _broken(
        "tls-handshake-drip",
        "drips the handshake",
        handshake=lambda visit: visit.drip(_TLS_HANDSHAKE + bytes(0x4000)),
    ),
    _broken("tls-handshake-garbage", "sends garbage for a handshake", handshake=say(bytes(range(256)) * 8)),
    _tls("tls-reset-mid-answer", "resets in the answer, over TLS", then(_read, _part_of_answer(0.5), Visit.reset)),
    _tls(
        "tls-no-notify",
        "ends TLS without saying so, the length being known",
        then(_read, _answer, Visit.hang_up),
        delivers=True,
    ),
    _tls(
        "tls-no-notify-no-length",
        "ends TLS without saying so, and did not tell a length",
        then(_read, _answer_without_length, Visit.hang_up),
        delivers=True,
    ),
    _tls(
        "tls-no-notify-truncated",
        "ends TLS without saying so in the middle, and did not tell a length",
        then(_read, _half_without_length, Visit.hang_up),
    ),
    _tls("tls-stall-after-body", "stalls once the request has come, over TLS", then(_read, Visit.stall)),
    _tls("tls-stall-mid-body", "stalls in the request's body, over TLS", then(part_of_body(0.2), Visit.stall)),
)

FAULTS: tuple[Fault, ...] = _PLAIN + _ENCRYPTED
