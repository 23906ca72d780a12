"""A client for the Regen API, https://api.photio.io/v1/inference/regen (shared/photio-regen-api.txt).

result = RegenClient(key="…").regenerate(RegenRequest(base_image=photo, mask_image=mask))
result.image.save("without.png")
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from PIL import Image

from bridge import __version__
from bridge.common.i18n import _
from bridge.pixels.imaging import Pixels, Png, png
from bridge.regen.answer import encoded_image
from bridge.regen.call import Call
from bridge.regen.decoding import decode_image
from bridge.regen.errors import (
    AuthenticationError,
    BusyError,
    ConnectionFailedError,
    RegenError,
)
from bridge.regen.request import DEFAULT_NEGATIVE_PROMPT, RANDOM_SEED, Quality, RegenRequest, draw_seed
from bridge.regen.transport import HttpAnswer, Timeouts, post
from bridge.regen.validation import DEFAULT_ORIGIN, check_key, check_origin, is_loopback

__all__ = [
    "DEFAULT_NEGATIVE_PROMPT",
    "DEFAULT_ORIGIN",
    "Call",
    "Png",
    "Quality",
    "RegenClient",
    "RegenRequest",
    "RegenResult",
    "Timeouts",
    "draw_seed",
    "png",
]

PATH = "/v1/inference/regen"
ATTEMPTS = 3
LONGEST_RETRY_AFTER = 60.0  # seconds

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegenResult:
    """A regenerated image.

    Attributes:
        pixels: RGB or RGBA in sRGB, uint8 [height, width, 3 or 4], as large as the base image.
        encoded: the image file as received.
        media_type: its detected format: image/png, image/jpeg or image/webp.
        seed: the seed that was sent, 1…4 294 967 296.
        warnings: sentences for the user.
        attempts: the number of requests that were sent, 1…3.
    """

    pixels: Pixels
    encoded: bytes
    media_type: str
    seed: int
    warnings: tuple[str, ...]
    attempts: int

    @property
    def image(self) -> Image.Image:
        """The pixels as a Pillow image."""
        return Image.fromarray(self.pixels)


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

    def __repr__(self) -> str:
        return f"RegenClient({self.origin!r}, key={'…' if self._key else None})"

    def regenerate(self, request: RegenRequest, *, call: Call | None = None) -> RegenResult:
        """Send a request and wait for its image.

        The request is repeated at most twice, and only if the service did nothing: when no connection was
        established, or on 429 and 503 with a `Retry-After` of at most a minute.

        Args:
            request: what to regenerate.
            call: watches and cancels this request from another thread; not reusable.

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
        return RegenResult(decoded.pixels, decoded.encoded, decoded.media_type, seed, warnings, attempts)

    def _send(self, body: bytes, call: Call) -> tuple[bytes, int]:
        """The encoded image, and the number of attempts."""
        for attempt in range(1, ATTEMPTS + 1):
            call.refuse_if_cancelled()
            try:
                return encoded_image(self._post(body, call), self._key), attempt
            except RegenError as error:
                wait = self._wait_before_repeat(error, attempt)
                if wait is None:
                    raise
                reason = (attempt, ATTEMPTS, wait, error.sentence)
                _log.info("attempt %d of %d; repeated in %.1f s, because: %s", *reason)
            call.pause(wait)
        raise AssertionError("the last attempt returns or raises")

    def _post(self, body: bytes, call: Call) -> HttpAnswer:
        headers = {"Content-Type": "application/json", "User-Agent": f"photio-for-gimp/{__version__}"}
        if self._key is not None:
            headers["X-Photio-Key"] = self._key
        direct = is_loopback(urlsplit(self.origin).hostname or "")
        try:
            return post(self.origin + PATH, headers, body, call=call, timeouts=self.timeouts, direct=direct)
        except RegenError as error:
            # The details may quote the answer, and the service may have echoed the key.
            if self._key is not None:
                error.details = error.details.replace(self._key, "[key]")
            raise

    def _wait_before_repeat(self, error: RegenError, attempt: int) -> float | None:
        """Seconds to wait before the request is sent again; None if it must not be."""
        if attempt == ATTEMPTS:
            return None
        if isinstance(error, ConnectionFailedError):
            return self._pause * 4.0 ** (attempt - 1) if error.never_connected else None
        wait = error.retry_after if isinstance(error, BusyError) else None
        return wait if wait is not None and wait <= LONGEST_RETRY_AFTER else None
