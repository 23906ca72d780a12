"""What it means that a request got no answer: the error, its sentence, and whether the request may be billed."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from bridge.common.i18n import _
from bridge.regen.call import Stage
from bridge.regen.errors import AnswerTimeout, ConnectionFailedError, RegenError
from bridge.regen.http import Proxy

_TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3})")  # the standard library's and urllib3's words

_NO_ANSWER = _(
    "No answer came within {seconds} seconds, but the request may have been billed: "
    "try again only if you accept that it may be billed twice."
)
_BROKE = _(
    "The connection broke before the answer had come, but the request may have been billed: "
    "try again only if you accept that it may be billed twice."
)
_HALTED = _("The upload came to a halt, and nothing was billed: check the internet connection and try again.")
_UPLOAD_BROKE = _("The connection broke during the upload, and nothing was billed: try again.")
_UNREACHED = _(
    "The service could not be reached: check the internet connection and the service's address, then try again."
)
_UNTRUSTED = _(
    "The service's TLS certificate is not trusted, so nothing was sent: check the computer's clock and the service's "
    "address; if your network has certificates of its own, add its authority to the system's, or name its file in "
    "SSL_CERT_FILE."
)
_NO_TLS = _(
    "The service does not speak TLS as it should, so nothing was sent: check the service's address, "
    "and ask whoever runs your network."
)
_PROXY_UNUSABLE = _("{source} names {proxy}, which is not a usable proxy: correct or unset it.")
_PROXY_UNREACHED = _(
    "The proxy {proxy}, which {source} names, could not be reached: check the internet connection, correct or unset "
    "{source}, or ask whoever runs your network."
)
_PROXY_PASSWORD = _(
    "The proxy {proxy}, which {source} names, wants a user name and a password: write the right ones into {source}, as "
    "in http://name:password@host:port, or ask whoever runs your network."
)
_PROXY_FORBIDS = _(
    "The proxy {proxy}, which {source} names, does not let requests through to {host}{says}: ask whoever runs your "
    "network to allow it."
)
_PROXY_FAILED = _(
    "The proxy {proxy}, which {source} names, did not get through to {host}{says}: try again later, or ask whoever "
    "runs your network."
)


def failure(error: BaseException, stage: Stage, url: str, proxy: Proxy | None, seconds: float) -> BaseException:
    """The `RegenError` for an error of the network or a library. Other errors are returned unchanged.

    A `TimeoutError` means that the deadline ended the exchange, which is `seconds` for the answer. Once the system got
    the whole request, the stage is "waiting" or "receiving".
    """
    # ValueError: malformed answers, for example with a negative chunk size.
    if isinstance(error, RegenError) or not isinstance(error, OSError | HTTPError | ValueError):
        return error
    late, causes = type(error) is TimeoutError, list(_causes(error))
    details = " < ".join(type(each).__name__ for each in causes)
    if stage == "connecting":
        # Later only types are logged: the text may quote the service, which may have echoed the key.
        return _unconnected(causes, f"{details}: {error}", url, proxy)
    if stage == "uploading":
        return ConnectionFailedError(_HALTED if late else _UPLOAD_BROKE, details)
    if late:
        return AnswerTimeout(_NO_ANSWER.format(seconds=f"{seconds:g}"), details, may_be_billed=True)
    return ConnectionFailedError(_BROKE, details, may_be_billed=True)


def _unconnected(causes: list[BaseException], details: str, url: str, proxy: Proxy | None) -> ConnectionFailedError:
    """The error for a connection that was never established."""
    if any(isinstance(each, ssl.SSLError) for each in causes):
        untrusted = any(isinstance(each, ssl.SSLCertVerificationError) for each in causes)
        return ConnectionFailedError(_UNTRUSTED if untrusted else _NO_TLS, details)
    if proxy is None:
        return ConnectionFailedError(_UNREACHED, details, repeat_after=0.0)
    kinds, text = {type(each).__name__ for each in causes}, " ".join(map(str, causes))
    tunnel = _TUNNEL.search(text)
    status, says = (tunnel[1], f" ({tunnel[1]})") if tunnel else ("", "")
    again: float | None = None
    # By their names, as PySocks is imported only where it is used.
    if status == "407" or "SOCKS5AuthError" in kinds:
        sentence = _PROXY_PASSWORD
    elif kinds & {"InvalidURL", "InvalidProxyURL", "ValueError"}:
        sentence = _PROXY_UNUSABLE
    elif status.startswith("4") or "not allowed by ruleset" in text:
        sentence = _PROXY_FORBIDS
    else:
        failed = status or kinds & {"GeneralProxyError", "SOCKS4Error", "SOCKS5Error"}
        sentence, again = _PROXY_FAILED if failed else _PROXY_UNREACHED, 0.0
    filled = sentence.format(proxy=proxy.shown, source=proxy.source, host=urlsplit(url).hostname, says=says)
    return ConnectionFailedError(filled, details.replace(proxy.url, proxy.shown), repeat_after=again)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it; libraries keep some of that in their arguments only."""
    while error is not None:
        yield error
        inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        error = error.__cause__ or error.__context__ or inner
