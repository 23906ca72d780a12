"""A request to the Regen API: checks its variables and encodes it as JSON (shared/photio-regen-api.txt)."""

from __future__ import annotations

import base64
import json
import re
import secrets
import sys
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from PIL import Image

from bridge.common.i18n import _
from bridge.pixels.geometry import Size
from bridge.pixels.imaging import Png, png
from bridge.regen.errors import ParameterError

DEFAULT_NEGATIVE_PROMPT = "worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch"
RANDOM_SEED = -1
LARGEST_SEED = 4_294_967_296
RECOMMENDED_CFG_SCALE = (1.0, 2.5)

_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")  # at most 8 bits a channel and three colours
_URL_CHARACTERS = re.compile(r"[!-~]{1,8192}")


class Quality(StrEnum):
    """The trade-off between detail and speed."""

    LOW = "LOW"
    MIDDLE = "MIDDLE"
    HIGH = "HIGH"


def draw_seed() -> int:
    """A random seed in 1…4 294 967 296."""
    return secrets.randbelow(LARGEST_SEED) + 1


@dataclass(frozen=True)
class RegenRequest:
    """A checked request.

    Attributes:
        base_image: an sRGB image with 8 bits a channel (its alpha is not sent), a `Png`, or an http(s) URL.
        mask_image: likewise, of the same size; black (0) is regenerated.
        prompt: what to add, in English; empty to remove what is there.
        negative_prompt: what to avoid, in English.
        quality: `LOW`, `MIDDLE` or `HIGH`.
        seed: 1…4 294 967 296, or −1 to draw one when the request is sent.
        cfg_scale: how closely to follow the prompt, ≥ 0; 1.0–2.5 is recommended.

    Raises:
        ParameterError: a variable's value is not allowed; the error names it.
    """

    base_image: Image.Image | Png | str
    mask_image: Image.Image | Png | str
    prompt: str = ""
    negative_prompt: str = DEFAULT_NEGATIVE_PROMPT
    quality: Quality | str = Quality.LOW
    seed: int = RANDOM_SEED
    cfg_scale: float = 2.5

    def __post_init__(self) -> None:
        _check_image("base_image", self.base_image)
        _check_image("mask_image", self.mask_image)
        if not isinstance(self.base_image, str) and not isinstance(self.mask_image, str):
            wanted, found = self.base_image.size, self.mask_image.size
            if wanted != found:
                raise ParameterError(
                    "mask_image",
                    "{} × {} px".format(*found),
                    _("as large as the base image, {width} × {height} px").format(width=wanted[0], height=wanted[1]),
                )
        for name in ("prompt", "negative_prompt"):
            if not isinstance(getattr(self, name), str):
                raise ParameterError(name, getattr(self, name), _("text"))
        if self.quality not in list(Quality):
            raise ParameterError("quality", self.quality, _("LOW, MIDDLE or HIGH"))
        if not _is_seed(self.seed):
            allowed = _("−1 or a whole number from 1 to {most}").format(most=LARGEST_SEED)
            raise ParameterError("seed", self.seed, allowed)
        if not _is_cfg_scale(self.cfg_scale):
            raise ParameterError("cfg_scale", self.cfg_scale, _("a number that is not negative"))

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each value that the API's documentation advises against."""
        low, high = RECOMMENDED_CFG_SCALE
        if low <= self.cfg_scale <= high:
            return ()
        advice = _("A cfg_scale of {value} is not recommended: {low} to {high} is.")
        return (advice.format(value=f"{self.cfg_scale:g}", low=low, high=high),)

    @property
    def size(self) -> Size | None:
        """The size of the base image, and of the answer, in px; None if the base image is a URL."""
        return None if isinstance(self.base_image, str) else Size(*self.base_image.size)

    def to_json(self, seed: int) -> bytes:
        """The request's body, with all seven variables of the API.

        Args:
            seed: the seed to send.
        """
        small = {
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            "quality": Quality(self.quality).value,
            "seed": seed,
            "cfg_scale": float(self.cfg_scale),
        }
        base, mask = _wire_image(self.base_image, "RGB"), _wire_image(self.mask_image, "L")
        # `json` would scan megabytes of Base64 for characters to escape, and block all other threads meanwhile.
        return f'{{"base_image": {base}, "mask_image": {mask}, {json.dumps(small)[1:]}'.encode("ascii")


def _check_image(name: str, value: object) -> None:
    if isinstance(value, Image.Image):
        if min(value.size) < 1:
            raise ParameterError(name, _("an empty image"), _("at least 1 × 1 px"))
        if value.mode not in _MODES:
            found = _("an image of mode {mode}").format(mode=value.mode)
            raise ParameterError(name, found, _("one of these modes: {modes}").format(modes=", ".join(_MODES)))
    elif not isinstance(value, Png) and not (isinstance(value, str) and _is_url(value)):
        raise ParameterError(name, value, _("an image, or a URL that begins with http:// or https://"))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and bool(_URL_CHARACTERS.fullmatch(text))
    except ValueError:
        return False


def _is_seed(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return value == RANDOM_SEED or 1 <= value <= LARGEST_SEED


def _is_cfg_scale(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value <= sys.float_info.max  # false for NaN, and for integers that no float can hold


def _wire_image(image: Image.Image | Png | str, mode: str) -> str:
    """JSON's string of a URL, or of an image's PNG in Base64."""
    if isinstance(image, str):
        return json.dumps(image)
    encoded = image if isinstance(image, Png) else png(image, mode)
    return f'"{base64.b64encode(encoded.data).decode()}"'
