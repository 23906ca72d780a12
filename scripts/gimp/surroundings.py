"""Which of the caller's variables a process sees that the scripts start. No other place decides that.

Tests and measurements must not differ between machines, and must never find a person's key. So they see what describes
the machine, and nothing of Photio's own, of a proxy or of the desktop's session. What downloads something also sees how
the network is reached. Only a GIMP that a person opens for themselves sees the rest of the variables below.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

#: The machine and its user; and what the scripts tell the tests.
MACHINE = re.compile(
    r"(PATH|HOME|USER|LOGNAME|SHELL|TERM|TMPDIR|TEMP|TMP|TZ|CI|XDG_CACHE_HOME|SYSTEMROOT|PATHEXT|LD_LIBRARY_PATH"
    r"|BABL_\w+|OPENBLAS_\w+|PHOTIO_(PASSED|FAULT_ROWS|PART))$"
)

#: How packages, a GIMP and a model are downloaded here.
NETWORK = re.compile(
    r"((https?|ftp|all|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_\w+)$", re.IGNORECASE
)

#: A person's language and desktop, and how they set up Photio.
PERSONAL = re.compile(
    r"(LANG|LANGUAGE|LC_\w+|DISPLAY|XAUTHORITY|WAYLAND_DISPLAY|DBUS_SESSION_BUS_ADDRESS|XDG_CURRENT_DESKTOP"
    r"|DESKTOP_SESSION|G[TD]K_\w+|GIO_\w+|PHOTIO_\w+)$"
)

#: The language of everything else.
_ENGLISH = {"LANG": "C.UTF-8"}


def own(*more: re.Pattern[str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that describe the machine, and those that match one of `more`."""
    kept = (MACHINE, *more)
    return _ENGLISH | {name: value for name, value in environment.items() if any(each.match(name) for each in kept)}


def enter(*more: re.Pattern[str], **variables: str) -> None:
    """Makes `own(*more)` this process's environment, with these variables: it sees nothing else any more."""
    kept = {**own(*more), **variables}
    os.environ.clear()
    os.environ.update(kept)
