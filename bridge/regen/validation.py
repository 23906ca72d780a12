"""Where requests may go, and what may be sent as a key. Standard library only."""

from __future__ import annotations

import ipaddress
import json
import re
from urllib.parse import urlsplit

from bridge.common.errors import PhotioError
from bridge.common.i18n import _

DEFAULT_ORIGIN = "https://api.photio.io"

_LONGEST_KEY = 512
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.?")


class SettingsError(PhotioError):
    """A setting has a value that cannot be used."""

    code = "settings"


class KeyFormatError(SettingsError):
    """A text cannot be an API key."""

    code = "key-format"


def check_origin(origin: str) -> str:
    """The service's address, checked and in its normal form (`scheme://host[:port]`).

    The result is put together from the checked parts, so no two URL parsers can disagree about its host.

    Raises:
        SettingsError: not an origin, one with a user name in it, or plain HTTP to another machine.
    """
    try:
        parts = urlsplit(origin)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except (ValueError, TypeError, AttributeError) as error:
        raise _not_an_origin(origin) from error
    if parts.username is not None or parts.password is not None:
        raise SettingsError(_("The service's address must not contain a user name or password: use the key instead."))
    if scheme not in ("http", "https") or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _not_an_origin(origin)
    if port == 0 or not (_HOST_NAME.fullmatch(host) or _address(host)):
        raise _not_an_origin(origin)
    if scheme == "http" and not is_loopback(host):
        raise SettingsError(
            _(
                "The service's address must begin with https:// (plain http:// is for this computer only), "
                "so that nobody on the way can read your key and your image."
            )
        )
    host = host.removesuffix(".")  # no certificate has a dot at its name's end
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "")


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without brackets) is this computer: 127.0.0.0/8, ::1 or localhost."""
    address = _address(host)
    if address is None:
        return host.lower() == "localhost"
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.ip_address("::1")


def check_key(key: str) -> str:
    """The key itself, when it can be sent in a header: 1…512 printable ASCII characters, no spaces.

    Raises:
        KeyFormatError: it cannot; the error does not contain it.
    """
    if not isinstance(key, str) or not 1 <= len(key) <= _LONGEST_KEY:
        raise KeyFormatError(
            _("An API key has between 1 and {most} characters: copy it again.").format(most=_LONGEST_KEY)
        )
    if not all("!" <= character <= "~" for character in key):
        raise KeyFormatError(_("An API key has no spaces and only ASCII letters, digits and signs: copy it again."))
    return key


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _not_an_origin(origin: object) -> SettingsError:
    # What is in it is not repeated: it may be a key that was pasted into the wrong field.
    return SettingsError(
        _("The service's address must look like {example}: no path, no user name.").format(example=DEFAULT_ORIGIN),
        details=f"an origin of type {type(origin).__name__} was refused",
    )


def spellings(key: str | None) -> tuple[bytes, ...]:
    """How a key can be written in an answer: as it is, and as JSON escapes it."""
    return tuple({key.encode(), json.dumps(key)[1:-1].encode()}) if key else ()
