"""The trusted TLS certificates: those of the system and of `certifi`, or those that the environment names."""

from __future__ import annotations

import os
import ssl

from bridge.common.i18n import _
from bridge.regen.errors import ConnectionFailedError

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def tls_context() -> ssl.SSLContext:
    """Python's recommended TLS settings, with the certificates to trust.

    Raises:
        ConnectionFailedError: the environment names something that is unreadable or contains no certificates.
    """
    variable = next((name for name in _VARIABLES if os.environ.get(name)), None)
    if variable is None:
        import certifi
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(certifi.where())
        return context
    path = os.environ[variable]
    try:
        folder = os.path.isdir(path)
        return ssl.create_default_context(capath=path if folder else None, cafile=None if folder else path)
    except OSError as error:
        sentence = _("{variable} must name a file with TLS certificates: correct or unset it.")
        raise ConnectionFailedError(sentence.format(variable=variable), f"{path}: {error}") from error
