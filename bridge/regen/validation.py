"""Checks service addresses and API keys, and says what else is not allowed. Standard library only."""

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
    """A setting has an unusable value."""

    code = "settings"


class KeyFormatError(SettingsError):
    """A text is not a possible API key."""

    code = "key-format"


class ParameterError(PhotioError):
    """A request variable has a value that the Regen API does not allow.

    Attributes:
        name: the variable.
        value: its value.
        allowed: a description of the allowed values.
    """

    code = "parameter"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:80] + "…"
        sentence = _("“{name}” is {value}, but it must be {allowed}.")
        super().__init__(sentence.format(name=name, value=shown, allowed=allowed))
        self.name = name
        self.value = value
        self.allowed = allowed


def check_origin(origin: str) -> str:
    """Check a service's address and return it in normal form (`scheme://host[:port]`).

    The result is built from the checked parts, so that no other URL parser can find a different host in it.

    Raises:
        SettingsError: it is not an origin, contains a user name, or is plain HTTP to another computer.
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
    host = host.removesuffix(".")  # names in certificates never end with a dot
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "")


def is_loopback(host: str) -> bool:
    """Whether a host name or address (without brackets) is this computer: 127.0.0.0/8, ::1 or localhost."""
    address = _address(host)
    if address is None:
        return host.lower() == "localhost"
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.ip_address("::1")


def check_key(key: str) -> str:
    """Check that a key can be sent in a header, and return it: 1…512 printable ASCII characters without spaces.

    Raises:
        KeyFormatError: it cannot; the error does not contain the key.
    """
    if not isinstance(key, str) or not 1 <= len(key) <= _LONGEST_KEY:
        sentence = _("An API key has between 1 and {most} characters: copy it again.")
        raise KeyFormatError(sentence.format(most=_LONGEST_KEY))
    if not all("!" <= character <= "~" for character in key):
        raise KeyFormatError(_("An API key has no spaces and only ASCII letters, digits and signs: copy it again."))
    return key


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _not_an_origin(origin: object) -> SettingsError:
    # The error does not quote it: it may be a key that was pasted into the wrong field.
    sentence = _("The service's address must look like {example}: no path, no user name.")
    details = f"an origin of type {type(origin).__name__} was refused"
    return SettingsError(sentence.format(example=DEFAULT_ORIGIN), details)


def spellings(key: str | None) -> tuple[bytes, ...]:
    """The forms in which an answer may contain a key: as it is, and escaped in JSON."""
    return tuple({key.encode(), json.dumps(key)[1:-1].encode()}) if key else ()
