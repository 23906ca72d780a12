"""Translates network errors into ones that tell the user what happened and whether it may be billed."""

from __future__ import annotations

import ssl
from http.client import HTTPException

from bridge.common.i18n import _
from bridge.regen.errors import AnswerTimeout, ConnectionFailedError, MalformedResponseError
from bridge.regen.http_content import ContentError


def timed_out(sent: bool, connected: bool, seconds: float, details: str) -> AnswerTimeout | ConnectionFailedError:
    """The error for an exchange that took too long.

    Args:
        sent: whether the system got the whole request.
        connected: whether a connection was established.
        seconds: how long the client waited for the answer.
        details: for the log.
    """
    if sent:
        sentence = _(
            "No answer came within {seconds} seconds, but the request may have been billed: "
            "try again only if you accept that it may be billed twice."
        )
        return AnswerTimeout(sentence.format(seconds=f"{seconds:g}"))
    if connected:
        sentence = _("The upload came to a halt, and nothing was billed: check the internet connection and try again.")
    else:
        sentence = _("The service could not be reached in time: check the internet connection, then try again.")
    return ConnectionFailedError(sentence, details, never_connected=not connected)


def translated(error: BaseException, sent: bool, connected: bool) -> BaseException:
    """The `RegenError` for an error of the standard library. Other errors are returned unchanged.

    Args:
        error: the error that the exchange raised.
        sent: whether the system got the whole request.
        connected: whether a connection was established.
    """
    if isinstance(error, ContentError):
        sentence = _(
            "The service's answer could not be read, but the request may have been billed: try again later, "
            "and tell whoever runs the service."
        )
        return MalformedResponseError(sentence, str(error))
    # http.client raises ValueError on some malformed answers, for example with a negative chunk size.
    if not isinstance(error, OSError | HTTPException | ValueError):
        return error  # already a `RegenError`, or a bug
    # Once connected, log only the error's types: its text may quote the service, which may have echoed the key.
    details = _kinds(error) if connected else f"{type(error).__name__}: {error}"
    if sent:
        sentence = _(
            "The connection broke before the answer had come, but the request may have been billed: "
            "try again only if you accept that it may be billed twice."
        )
        return ConnectionFailedError(sentence, details, may_be_billed=True)
    if connected:
        sentence = _("The connection broke during the upload, and nothing was billed: try again.")
        return ConnectionFailedError(sentence, details)
    return _unconnected(error, details)


def _unconnected(error: BaseException, details: str) -> ConnectionFailedError:
    """The error for a connection that was never established."""
    if not isinstance(error, ssl.SSLError):
        sentence = _(
            "The service could not be reached: check the internet connection and the service's address, then try again."
        )
        return ConnectionFailedError(sentence, details, never_connected=True)
    if "CERTIFICATE_VERIFY_FAILED" in details:
        sentence = _(
            "The service's TLS certificate is not trusted, so nothing was sent: check the computer's "
            "clock and the service's address, and ask whoever runs your network."
        )
    else:
        sentence = _(
            "The service does not speak TLS as it should, so nothing was sent: check the service's address, "
            "and ask whoever runs your network."
        )
    return ConnectionFailedError(sentence, details)


def _kinds(error: BaseException | None) -> str:
    """The types and system error numbers of an error and its causes."""
    kinds: list[str] = []
    while error is not None and len(kinds) < 5:
        number = getattr(error, "errno", None)
        kinds.append(type(error).__name__ + (f" {number}" if number is not None else ""))
        error = error.__cause__ or error.__context__
    return " < ".join(kinds)
