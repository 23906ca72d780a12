"""Downloads a file whose hash is known. Standard library only: the set-up needs it before there are any packages."""

from __future__ import annotations

import contextlib
import errno
import os
import ssl
import urllib.request
from collections.abc import Callable

_BLOCK = 1 << 16  # bytes
_SOCKET_TIMEOUT = 30.0  # seconds


def download(address: str, longest: int, report: Callable[[int], object] = lambda done: None) -> bytes:
    """What is at an address. The caller has to check its hash: a connection that is cut off may look like the end.

    Args:
        longest: bytes; more are an error.
        report: told the bytes that have come so far.

    Raises:
        OSError: there is no usable answer; its text says why.
    """
    content = bytearray()
    context = ssl.create_default_context()
    # Python 3.13 refuses the certificates of many companies for a missing field. The hash is checked in any case.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with contextlib.suppress(ImportError):
        import certifi

        context.load_verify_locations(certifi.where())  # Python from python.org on macOS brings no certificates
    try:
        with urllib.request.urlopen(address, timeout=_SOCKET_TIMEOUT, context=context) as answer:
            while block := answer.read(_BLOCK):
                content += block
                report(len(content))
                if len(content) > longest:
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    except Exception as error:  # besides OSError whatever urllib's connection raises for an answer that is no HTTP
        raise OSError(str(getattr(error, "reason", error))) from error
    return bytes(content)
