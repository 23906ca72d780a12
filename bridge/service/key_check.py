"""Tests a key with a request that the service must refuse: nothing is regenerated, so nothing is billed."""

from __future__ import annotations

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job.backend import NoKeyError
from bridge.protocol.settings import KeyTested
from bridge.regen.answer import document_in, encoded_image
from bridge.regen.call import Call
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
from bridge.regen.validation import check_key
from bridge.store.key import find_key
from bridge.store.settings import Settings

_NO_REQUEST = b"{}"  # base_image and mask_image are required
_LONGEST_ANSWER = 30.0  # seconds; the service has nothing to compute
_REFUSED_ON_THE_WAY = (403, 407, 451, 511)  # if it is no JSON: by a firewall, or a network that wants a log-in
_PROXY_ERRORS = ("502", "503", "504")  # from a server in front of the service, which has not seen the key


class NotPhotioError(PhotioError):
    """A server answers at the service's address, but it is no Regen service."""

    code = "not-photio"


def try_key(value: str, settings: Settings) -> KeyTested:
    """Whether the configured service accepts a key. Sends one request without a picture, and does not repeat it.

    Args:
        value: the key; empty: the one that jobs would use.
        settings: with the service's address.

    Raises:
        KeyFormatError: it cannot be a key; nothing was sent.
        NoKeyError: there is none; nothing was sent.
        RegenError, NotPhotioError: no service has seen the key.
    """
    key = check_key(value) if value else _key_in_use(settings)
    answer = _ask(key, settings)
    try:
        encoded_image(answer, key)
    except AuthenticationError as error:
        return KeyTested(False, error.sentence)
    except (RequestRefusedError, MalformedResponseError) as error:
        if not _is_from_service(answer):
            if answer.status in _REFUSED_ON_THE_WAY:
                raise
            raise _not_photio(settings.origin, error.details) from None
    except ServiceError as error:  # documented for all errors, among them a missing picture
        if not _is_from_service(answer):
            raise (_without_answer(error) if error.may_be_billed else error) from None
    return KeyTested(
        True,
        _("The service at {address} accepts the key. Nothing was regenerated, so it should cost nothing.").format(
            address=settings.origin
        ),
    )


def _key_in_use(settings: Settings) -> str:
    found = find_key(settings)
    if found is None:
        raise NoKeyError(_("There is no key to test: type or paste one first."))
    return found.value


def _ask(key: str, settings: Settings) -> HttpAnswer:
    timeouts = Timeouts(settings.connect_timeout, min(settings.answer_timeout, _LONGEST_ANSWER))
    try:
        return post(settings.origin, key, _NO_REQUEST, call=Call(), timeouts=timeouts)
    except MalformedResponseError as error:
        raise _not_photio(settings.origin, error.details) from None
    except RegenError as error:
        if not error.may_be_billed:
            raise
        # The client's sentence warns of paying twice, which cannot happen without a picture.
        raise _without_answer(error) from None


def _without_answer(error: RegenError) -> RegenError:
    sentence = _("The service was reached but gave no answer, so the key is still untested: try again later.")
    kind = AnswerTimeout if isinstance(error, AnswerTimeout) else ConnectionFailedError
    return kind(sentence, error.details)


def _is_from_service(answer: HttpAnswer) -> bool:
    """Whether a Regen service has answered (in JSON), and not a proxy that could not reach it."""
    document = document_in(answer.content)
    if not document:
        return False
    return str(answer.status) not in _PROXY_ERRORS and str(document.get("status_code")) not in _PROXY_ERRORS


def _not_photio(origin: str, details: str) -> NotPhotioError:
    return NotPhotioError(
        _("What answers at {address} is not Photio: check the service address.").format(address=origin), details
    )
