"""What the user hears of a job that failed. That something may have been billed comes first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.job.sending import Sending
from bridge.protocol import Failed
from bridge.store import places

Error = TypeVar("Error", bound=Exception)

_log = logging.getLogger(__name__)


def failure(error: Exception, sendings: Sequence[Sending], billed: bool) -> Failed:
    """The end of a job, for the plug-in; the log gets the details.

    Args:
        error: what the job ended in. It may have come after what the user must hear, as when the journal is full.
        sendings: the job's requests, with their own errors.
        billed: whether the service takes money at all.
    """
    told = foremost(error, sendings)
    for each in dict.fromkeys((error, told)):
        if isinstance(each, PhotioError):
            _log.warning("%s: %s %s", each.code, each.sentence, each.details)
        else:
            _log.error("the job failed", exc_info=each)
    code, sentence = (told.code, told.sentence) if isinstance(told, PhotioError) else ("internal", unexpected())
    if billed and not _says_billed(told) and any(sending.may_be_billed for sending in sendings):
        sentence = _(
            "{reason} The service already had the request and may have billed it: look in Filters > Photio > History "
            "before you try again."
        ).format(reason=sentence)
    return Failed(code, sentence)


def foremost(error: Error, sendings: Sequence[Sending]) -> Error | PhotioError:
    """Of this error and those of the requests one that says that something may have been billed, if there is any."""
    if _says_billed(error):
        return error
    return next((each.error for each in sendings if each.error and _says_billed(each.error)), error)


def unexpected() -> str:
    """What to say of an error that nobody foresaw."""
    return _("Something unexpected happened; {log} says more.").format(log=places.log_file())


def _says_billed(error: Exception) -> bool:
    from bridge.regen.errors import RegenError

    return isinstance(error, RegenError) and error.may_be_billed
