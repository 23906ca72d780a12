"""Shows a key to the service, with a request that it must refuse: nothing is regenerated, so nothing is billed."""

from __future__ import annotations

from urllib.parse import urlsplit

from bridge import __version__
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job.backend import NoKeyError
from bridge.protocol.settings import KeyTested
from bridge.regen.answer import document_in, encoded_image
from bridge.regen.call import Call
from bridge.regen.client import PATH
from bridge.regen.errors import (
    AnswerTimeout,
    AuthenticationError,
    ConnectionFailedError,
    MalformedResponseError,
    RegenError,
    RequestRefusedError,
    ServiceError,
)
from bridge.regen.transport import HttpAnswer, Timeouts, post
from bridge.regen.validation import check_key, is_loopback
from bridge.store.key import find_key
from bridge.store.settings import Settings

_NO_REQUEST = b"{}"  # base_image and mask_image are required
_LONGEST_ANSWER = 30.0  # seconds: nothing is to be computed
_AWAY = ("502", "503", "504")  # somebody before the service: nobody looked at the key


class NotPhotioError(PhotioError):
    """Something answers at the service's address, but no Regen service."""

    code = "not-photio"


def try_key(value: str, settings: Settings) -> KeyTested:
    """Whether the configured service knows a key. One request, no picture in it, no repeat.

    Args:
        value: the key; empty: the one that jobs would use.
        settings: where the service is.

    Raises:
        KeyFormatError: it cannot be a key; nothing was sent.
        NoKeyError: there is none; nothing was sent.
        RegenError, NotPhotioError: no service looked at the key.
    """
    shown = check_key(value) if value else _used(settings)
    answer = _ask(shown, settings)
    try:
        encoded_image(answer, shown)
    except AuthenticationError as error:
        return KeyTested(False, error.sentence)
    except (RequestRefusedError, MalformedResponseError) as error:
        if not _is_the_services(answer):
            raise _not_photio(settings.origin, error.details) from None
    except ServiceError:  # 500 is what the documentation promises for whatever is wrong, no picture included
        if not _is_the_services(answer):
            raise
    return KeyTested(
        True,
        _("The service at {address} accepts the key. Nothing was regenerated, so it should cost nothing.").format(
            address=settings.origin
        ),
    )


def _used(settings: Settings) -> str:
    found = find_key(settings)
    if found is None:
        raise NoKeyError(_("There is no key to test: type or paste one first."))
    return found.value


def _ask(key: str, settings: Settings) -> HttpAnswer:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"photio-for-gimp/{__version__}",
        "X-Photio-Key": key,
    }
    timeouts = Timeouts(settings.connect_timeout, min(settings.answer_timeout, _LONGEST_ANSWER))
    direct = is_loopback(urlsplit(settings.origin).hostname or "")
    try:
        return post(settings.origin + PATH, headers, _NO_REQUEST, call=Call(), timeouts=timeouts, direct=direct)
    except MalformedResponseError as error:
        raise _not_photio(settings.origin, error.details.replace(key, "[key]")) from None
    except RegenError as error:
        error.details = error.details.replace(key, "[key]")  # the service may have echoed it
        if not error.may_be_billed:
            raise
        # The client's sentence warns of paying twice, which is not at stake without a picture.
        raise _without_answer(error) from None


def _without_answer(error: RegenError) -> RegenError:
    sentence = _("The service was reached but gave no answer, so the key is still untested: try again later.")
    kind = AnswerTimeout if isinstance(error, AnswerTimeout) else ConnectionFailedError
    return kind(sentence, error.details)


def _is_the_services(answer: HttpAnswer) -> bool:
    """Whether a Regen service speaks (in JSON), and not somebody who says that it is away."""
    document = document_in(answer.content)
    if not document:
        return False
    return str(answer.status) not in _AWAY and str(document.get("status_code")) not in _AWAY


def _not_photio(origin: str, details: str) -> NotPhotioError:
    return NotPhotioError(
        _("What answers at {address} is not Photio: check the service address.").format(address=origin), details
    )
