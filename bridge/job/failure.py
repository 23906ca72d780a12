"""What the user hears of a job that failed: first of all, that something may have been billed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.protocol import Failed
from bridge.regen.errors import RegenError
from bridge.store import places

if TYPE_CHECKING:  # imports numpy, which `bridge.job.running` puts off
    from bridge.job.sending import Request

Error = TypeVar("Error", bound=Exception)

_log = logging.getLogger(__name__)


def failure(error: Exception, requests: Sequence[Request], billed: bool) -> Failed:
    """The message that ends a job, for the plug-in; the log gets the details.

    Args:
        error: what ended the job. A request's error may matter more, as when the journal is full as well.
        requests: the job's, with their own errors.
        billed: whether the service takes money at all.
    """
    reported = foremost(error, requests)
    for each in dict.fromkeys((error, reported)):
        if isinstance(each, PhotioError):
            _log.warning("%s: %s %s", each.code, each.sentence, each.details)
        else:
            _log.error("unexpected", exc_info=each)
    if isinstance(reported, PhotioError):
        code, sentence = reported.code, reported.sentence
    elif isinstance(reported, ImportError):
        code, sentence = "damaged", damaged(reported)
    else:
        code, sentence = "internal", unexpected()
    if billed and not _says_billed(reported) and any(request.may_be_billed for request in requests):
        sentence = _(
            "{reason} The service already had the request and may have billed it: look in Filters > Photio > History "
            "before you try again."
        ).format(reason=sentence)
    return Failed(code, sentence)


def foremost(error: Error, requests: Sequence[Request]) -> Error | PhotioError:
    """The error that says that something may have been billed: this one or a request's. If none does, this one."""
    if _says_billed(error):
        return error
    return next((each.error for each in requests if each.error and _says_billed(each.error)), error)


def damaged(error: ImportError) -> str:
    """What to say of a package that cannot be imported. The plug-in then offers to set up again."""
    return _("One of Photio's packages is missing or damaged: “{reason}”.").format(reason=error)


def unexpected() -> str:
    """What to say of an error that nobody foresaw."""
    return _("Something unexpected happened; {log} says more.").format(log=places.log_file())


def _says_billed(error: Exception) -> bool:
    return isinstance(error, RegenError) and error.may_be_billed
