"""Decodes the image file in an answer."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from bridge.common.i18n import _
from bridge.pixels.geometry import Size
from bridge.pixels.imaging import Pixels
from bridge.regen.errors import MalformedResponseError, malformed

_DATA_URI = re.compile(r"data:image/(?:png|jpe?g|webp)(?:;[^,;]*)*;base64,", re.IGNORECASE)
_WITHOUT_SPACE = dict.fromkeys(map(ord, " \t\r\n\f\v"))  # for `str.translate`
MAX_PIXELS = 64_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
_MOST_SCANS = 500  # in a JPEG; 10 are usual. Each needs a pass over all pixels, and can be as short as 11 bytes
_SCAN = b"\xff\xda"  # the marker of a scan, which cannot occur inside one
_CONVERTED = _("The answer's colour profile could not be used: its colours are taken as sRGB.")


@dataclass(frozen=True)
class DecodedImage:
    """An answer's image.

    Attributes:
        pixels: RGB or RGBA in sRGB, uint8 [height, width, 3 or 4].
        encoded: the image file as received.
        media_type: image/png, image/jpeg or image/webp.
        warnings: sentences for the user.
    """

    pixels: Pixels
    encoded: bytes
    media_type: str
    warnings: tuple[str, ...]

    @property
    def image(self) -> Image.Image:
        """The pixels as a Pillow image."""
        return Image.fromarray(self.pixels)


def decode_base64(body: object) -> bytes:
    """The image file in an answer's JSON, with or without `data:image/…;base64,` before it.

    Raises:
        MalformedResponseError: it is no text, no Base64, or empty.
    """
    if not isinstance(body, str):
        raise malformed(f"body is of type {type(body).__name__}, not a string")
    start = _DATA_URI.match(body.lstrip()[:200])
    text = body.lstrip()[start.end() :] if start else body
    text = text.translate(_WITHOUT_SPACE).rstrip("=")
    text += "=" * (-len(text) % 4)  # some services leave the padding out, or write too much of it
    try:
        encoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise malformed(f"body is not Base64: {error}") from None
    if not encoded:
        raise malformed("body is empty")
    return encoded


def decode_image(encoded: bytes, size: Size | None) -> DecodedImage:
    """Decode an answer's image, or the first frame of an animation.

    EXIF orientation is ignored: the stored pixels have the base image's size.

    Args:
        encoded: a PNG, JPEG or WebP file.
        size: the expected size in px; None if unknown.

    Raises:
        MalformedResponseError: the format or size is wrong, there are more than `MAX_PIXELS`, or the file is damaged.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            if image.format in ("JPEG", "MPO") and encoded.count(_SCAN) > _MOST_SCANS:
                raise malformed(f"more than {_MOST_SCANS} scans")
            found = Size(*image.size)
            if found.width * found.height > MAX_PIXELS:
                raise malformed(f"{found.width} × {found.height} px is more than {MAX_PIXELS} px")
            if size is not None and found != size:
                raise malformed(f"{found.width} × {found.height} px instead of {size.width} × {size.height}")
            media_type = Image.MIME["JPEG" if image.format == "MPO" else str(image.format)]
            image.load()
            converted, warnings = to_srgb(image)
            pixels = np.asarray(converted)
    except MalformedResponseError as error:
        error.received = encoded
        raise
    except Exception as error:  # on damaged files Pillow's decoders raise errors of any type
        raise malformed(f"not an image: {type(error).__name__}: {error}", encoded) from error
    return DecodedImage(pixels, encoded, media_type, warnings)


def suffix(media_type: str) -> str:
    """The file name extension for a media type, without the dot: png, jpg or webp."""
    return media_type.partition("/")[2].replace("jpeg", "jpg")


def to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """Convert an image to RGB or RGBA in sRGB, 8 bits a channel, without a profile. Also returns warnings."""
    alpha = image.has_transparency_data
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA", "1", "LA", "La", "RGBa"):
        image = image.convert("RGBA" if alpha else "RGB")
    elif image.mode.startswith("I"):  # 16-bit grey: Pillow would clip it at 255
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    warnings: tuple[str, ...] = ()
    if profile:
        try:
            image = _from_profile(image, profile)
        except (OSError, ValueError, TypeError):
            warnings = (_CONVERTED,)
    mode = "RGBA" if alpha else "RGB"
    converted = image if image.mode == mode else image.convert(mode)  # `convert` would copy it
    converted.info.clear()
    return converted, warnings


def _from_profile(image: Image.Image, profile: bytes) -> Image.Image:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image  # a conversion would only add rounding errors
        result = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), intent, outputMode=mode)
    except ImageCms.PyCMSError as error:
        raise ValueError(str(error)) from error
    assert result is not None  # it is None only when converting in place
    return result
