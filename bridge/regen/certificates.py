"""The trusted TLS certificates: those of `certifi`, or those that the environment names."""

from __future__ import annotations

import os
import ssl
from typing import Literal

import certifi

from bridge.common.i18n import _
from bridge.regen.errors import ConnectionFailedError

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def ca_bundle() -> str | Literal[True]:
    """The TLS certificates to trust: the path that the environment names, or True for those of `certifi`.

    Raises:
        ConnectionFailedError: the path does not exist.
    """
    path = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), None)
    if path is None:
        return True
    if not os.path.exists(path):
        raise _unusable(path)
    return path


def tls_context(trust: str | Literal[True]) -> ssl.SSLContext:
    """Python's recommended TLS settings, with the certificates from `ca_bundle`.

    Raises:
        ConnectionFailedError: the file is unreadable or contains no certificates.
    """
    if trust is True:
        context = ssl.create_default_context(cafile=certifi.where())
    elif os.path.isdir(trust):
        context = ssl.create_default_context(capath=trust)
    else:
        try:
            context = ssl.create_default_context(cafile=trust)
        except OSError as error:
            raise _unusable(f"{trust}: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def _unusable(details: str) -> ConnectionFailedError:
    variable = next(name for name in _VARIABLES if os.environ.get(name))
    sentence = _("{variable} must name a file with TLS certificates: correct or unset it.")
    return ConnectionFailedError(sentence.format(variable=variable), details)
