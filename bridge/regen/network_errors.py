"""From what went wrong on the network to an error with a sentence, and with the truth about the bill."""

from __future__ import annotations

import ssl
from http.client import HTTPException

from bridge.common.i18n import _
from bridge.regen.errors import AnswerTimeout, ConnectionFailedError, MalformedResponseError
from bridge.regen.http_content import ContentError


def timed_out(sent: bool, connected: bool, seconds: float, details: str) -> AnswerTimeout | ConnectionFailedError:
    """The error for an exchange that took too long.

    Args:
        sent: whether the whole request was handed to the system.
        connected: whether the connection stood.
        seconds: how long the answer was waited for.
        details: for the log.
    """
    if sent:
        return AnswerTimeout(
            _(
                "No answer came within {seconds} seconds, but the request may have been billed: "
                "try again only if you accept that it may be billed twice."
            ).format(seconds=f"{seconds:g}")
        )
    if not connected:
        return ConnectionFailedError(
            _("The service could not be reached in time: check the internet connection, then try again."),
            details,
            never_connected=True,
        )
    return ConnectionFailedError(
        _("The upload came to a halt, and nothing was billed: check the internet connection and try again."), details
    )


def typed(error: BaseException, sent: bool, connected: bool) -> BaseException:
    """One of our errors for one of the standard library's; any other error is returned as it is.

    Args:
        error: what the exchange raised.
        sent: whether the whole request was handed to the system.
        connected: whether the connection stood.
    """
    if isinstance(error, ContentError):
        return MalformedResponseError(
            _(
                "The service's answer could not be read, but the request may have been billed: try again later, "
                "and tell whoever runs the service."
            ),
            str(error),
        )
    # http.client raises ValueError where its parser does not expect what it reads, a negative chunk size for example.
    if not isinstance(error, OSError | HTTPException | ValueError):
        return error  # one of ours already, or a bug
    # After something was sent, only the error's types: its text may quote the service, and the service the key.
    details = _kinds(error) if connected else f"{type(error).__name__}: {error}"
    if sent:
        return ConnectionFailedError(
            _(
                "The connection broke before the answer had come, but the request may have been billed: "
                "try again only if you accept that it may be billed twice."
            ),
            details,
            may_be_billed=True,
        )
    if connected:
        return ConnectionFailedError(
            _("The connection broke during the upload, and nothing was billed: try again."), details
        )
    return _unconnected(error, details)


def _unconnected(error: BaseException, details: str) -> ConnectionFailedError:
    """There was never a connection that could have taken a request."""
    if isinstance(error, ssl.SSLError) and "CERTIFICATE_VERIFY_FAILED" not in details:
        return ConnectionFailedError(
            _(
                "The service does not speak TLS as it should, so nothing was sent: check the service's address, "
                "and ask whoever runs your network."
            ),
            details,
        )
    if isinstance(error, ssl.SSLError):
        return ConnectionFailedError(
            _(
                "The service's TLS certificate is not trusted, so nothing was sent: check the computer's "
                "clock and the service's address, and ask whoever runs your network."
            ),
            details,
        )
    return ConnectionFailedError(
        _("The service could not be reached: check the internet connection and the service's address, then try again."),
        details,
        never_connected=True,
    )


def _kinds(error: BaseException | None) -> str:
    """An error and what led to it, by their types and the system's numbers only."""
    kinds: list[str] = []
    while error is not None and len(kinds) < 5:
        number = getattr(error, "errno", None)
        kinds.append(type(error).__name__ + (f" {number}" if number is not None else ""))
        error = error.__cause__ or error.__context__
    return " < ".join(kinds)
