"""Whose TLS certificates are trusted: `certifi`'s, or those that the environment names."""

from __future__ import annotations

import os
import ssl
from typing import Literal

from bridge.common.i18n import _
from bridge.regen.errors import ConnectionFailedError

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def ca_bundle() -> str | Literal[True]:
    """The TLS certificates to trust: a path that the environment names, or True for `certifi`'s.

    Raises:
        ConnectionFailedError: the environment names something that does not exist.
    """
    path = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), None)
    if path is None:
        return True
    if not os.path.exists(path):
        raise _useless(path)
    return path


def trusting(trust: str | Literal[True]) -> ssl.SSLContext:
    """TLS as Python recommends it, with the certificates that `ca_bundle` told of.

    Raises:
        ConnectionFailedError: the file cannot be read, or holds no certificates.
    """
    if trust is True:
        import certifi  # only a service that is not on this computer needs it

        context = ssl.create_default_context(cafile=certifi.where())
    elif os.path.isdir(trust):
        context = ssl.create_default_context(capath=trust)
    else:
        try:
            context = ssl.create_default_context(cafile=trust)
        except OSError as error:
            raise _useless(f"{trust}: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _useless(details: str) -> ConnectionFailedError:
    variable = next(name for name in _VARIABLES if os.environ.get(name))
    sentence = _("{variable} must name a file with TLS certificates: correct or unset it.")
    return ConnectionFailedError(sentence.format(variable=variable), details)
