"""A client for the Regen API, https://api.photio.io/v1/inference/regen (shared/photio-regen-api.txt).

result = RegenClient(key="…").regenerate(RegenRequest(base_image=photo, mask_image=mask))
result.image.save("without.png")
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bridge.common.i18n import _
from bridge.regen.answer import encoded_image
from bridge.regen.call import Call
from bridge.regen.decoding import DecodedImage, decode_image
from bridge.regen.errors import AuthenticationError, ConnectionFailedError, RegenError
from bridge.regen.request import RANDOM_SEED, Quality, RegenRequest, draw_seed
from bridge.regen.transport import Timeouts, post
from bridge.regen.validation import DEFAULT_ORIGIN, check_key, check_origin

__all__ = ["Call", "Quality", "RegenClient", "RegenRequest", "RegenResult", "Timeouts"]

ATTEMPTS = 3
LONGEST_RETRY_AFTER = 60.0  # seconds

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegenResult(DecodedImage):
    """A regenerated image, as large as the base image."""

    seed: int  # that was sent, 1…4 294 967 296
    attempts: int  # the number of requests that were sent, 1…3


class RegenClient:
    """Sends requests to one Regen service.

    Args:
        origin: the service's address: https, or http on this computer.
        key: the API key; None if the service needs none.
        timeouts: in seconds.
        pause: seconds before a failed connection is tried again; four times as long before the last attempt.

    Raises:
        SettingsError: the origin or the key is unusable.
    """

    def __init__(
        self,
        origin: str = DEFAULT_ORIGIN,
        key: str | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        *,
        pause: float = 0.5,
    ) -> None:
        self.origin = check_origin(origin)
        self.timeouts = timeouts
        self._key = None if key is None else check_key(key)
        self._pause = pause

    def regenerate(self, request: RegenRequest, *, call: Call | None = None) -> RegenResult:
        """Send a request and wait for its image; `call` watches and cancels it from another thread, once.

        The request is repeated at most twice, and only if the service did nothing: when no connection was established,
        or where `bridge.regen.answer.MEANINGS` says so and `Retry-After` is at most a minute.

        Raises:
            RegenError: see `bridge.regen.errors`; its `may_be_billed` says whether the request may have been billed.
        """
        if self._key is None and self.origin == DEFAULT_ORIGIN:
            sentence = _(
                "Photio needs an API key: get one from the API Dashboard at photio.io and enter it, "
                "or use the offline engine."
            )
            raise AuthenticationError(sentence)
        call = call or Call()
        seed = draw_seed() if request.seed == RANDOM_SEED else request.seed
        answer, attempts = self._send(request.to_json(seed), call)
        decoded = decode_image(answer, request.size)
        warnings = request.warnings + decoded.warnings
        return RegenResult(decoded.pixels, decoded.encoded, decoded.media_type, warnings, seed, attempts)

    def _send(self, body: bytes, call: Call) -> tuple[bytes, int]:
        """The encoded image, and the number of attempts."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = post(self.origin, self._key, body, call=call, timeouts=self.timeouts)
                return encoded_image(answer, self._key), attempt
            except RegenError as error:
                wait = error.repeat_after
                if wait is None or wait > LONGEST_RETRY_AFTER or attempt == ATTEMPTS:
                    raise
                if isinstance(error, ConnectionFailedError):
                    wait = self._pause * 4.0 ** (attempt - 1)
                _log.info("attempt %d; repeated in %.1f s, because: %s", attempt, wait, error.sentence)
            call.pause(wait)
        raise AssertionError("the last attempt returns or raises")
