"""One inference: decodes a request's images, runs a fill model, encodes the answer's PNG."""

from __future__ import annotations

import base64
import io
import re
from importlib import import_module

import numpy as np
from PIL import Image

from bridge.common.i18n import _
from bridge.engine import RequestRefused
from bridge.engine.fill import Fill
from bridge.engine.parameters import MODELS, Parameters

#: px; a larger image is refused before it is decoded.
LARGEST_IMAGE = 16_000_000

#: 0–255; darker mask pixels are edited. The API says "black (0)"; a half-way threshold tolerates JPEG and smoothing.
MASK_THRESHOLD = 128

_DATA_URI = re.compile(r"^data:image/(png|jpeg|jpg|webp);base64,", re.IGNORECASE)


def regenerate(model: str, parameters: Parameters) -> str:
    """Fill the black part of the mask with the fill model called `model`.

    Returns:
        Base64 of an RGB PNG of the base image's size.

    Raises:
        RequestRefused: 400; an image is unreadable or too large, or the two do not fit together.
        ModelUnavailable: the model is not installed.
    """
    base = _open(parameters.base_image, "base_image")
    mask = _open(parameters.mask_image, "mask_image")
    if base.size != mask.size:
        sentence = _("base_image is {base} px and mask_image {mask} px; they have to be of the same size.")
        sizes = {name: "{} × {}".format(*image.size) for name, image in (("base", base), ("mask", mask))}
        raise RequestRefused(400, sentence.format(**sizes))
    hole = np.asarray(_decode(mask, "mask_image").convert("L")) < MASK_THRESHOLD
    if not hole.any():
        raise RequestRefused(400, _("mask_image keeps everything: paint black what is to be removed."))
    if hole.all():
        raise RequestRefused(400, _("mask_image edits everything: leave some of the image white, to continue from."))
    rgb = np.asarray(_decode(base, "base_image").convert("RGB"))
    png = io.BytesIO()
    # Level 1: the answer only crosses loopback, so time matters more than size.
    Image.fromarray(load(model)(rgb, hole, parameters.seed)).save(png, "PNG", compress_level=1)
    return base64.b64encode(png.getvalue()).decode("ascii")


def load(name: str) -> Fill:
    """The fill model with this name, one of `MODELS`. It reads its weights at its first fill.

    Raises:
        ValueError: there is no such model.
        ModelUnavailable: its library is not installed.
    """
    if name not in MODELS:
        raise ValueError(f"no fill model is called {name!r}")
    fill: Fill = import_module(f"bridge.engine.{name}_model").fill  # each model needs libraries of its own
    return fill


def _open(text: str, name: str) -> Image.Image:
    """Read only the image's header, so that its size can be checked before its pixels take memory."""
    encoded = "".join(_DATA_URI.sub("", text).split())
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise RequestRefused(400, f"{name} is not valid Base64.", str(error)) from error
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _not_an_image(name) from error
    if image.width * image.height > LARGEST_IMAGE:
        raise _too_large(name)
    return image


def _decode(image: Image.Image, name: str) -> Image.Image:
    """Decode an image at 8 bits per channel, ignoring EXIF orientation.

    The conversions that follow drop alpha without compositing: GIMP's layer has these colours below transparency.
    """
    try:
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise _not_an_image(name) from error
    if image.mode.startswith("I"):  # 16-bit grey: Pillow would clip it instead of scaling it
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image


def _not_an_image(name: str) -> RequestRefused:
    return RequestRefused(400, _("{name} is not a PNG, JPEG or WebP image that can be read.").format(name=name))


def _too_large(name: str) -> RequestRefused:
    sentence = _("{name} is larger than {most} megapixels; send a crop.")
    return RequestRefused(400, sentence.format(name=name, most=LARGEST_IMAGE // 1_000_000))
