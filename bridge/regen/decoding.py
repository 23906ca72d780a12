"""From the image file in an answer to its pixels."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from bridge.common.i18n import _
from bridge.pixels.geometry import Size
from bridge.pixels.imaging import Pixels
from bridge.regen.errors import MalformedResponseError, malformed

MAX_PIXELS = 64_000_000
_FORMATS = ("PNG", "JPEG", "WEBP")
_MOST_SCANS = 500  # in a JPEG, where 10 are usual; each costs a pass over all pixels, and may be 11 bytes long
_SCAN = b"\xff\xda"  # begins a scan, and is nowhere in one
_CONVERTED = _("The answer's colour profile could not be used: its colours are taken as sRGB.")


class DecodedImage(NamedTuple):
    """The answer's pixels, RGB or RGBA in sRGB, uint8 [height, width, 3 or 4]; the bytes it came as, their media type,
    and warnings."""

    pixels: Pixels
    encoded: bytes
    media_type: str
    warnings: tuple[str, ...]


def decode_image(encoded: bytes, size: Size | None) -> DecodedImage:
    """Decode an answer's image. Of an animation, the first frame; EXIF orientation is not applied, for it is
    the stored pixels that have the base image's size.

    Args:
        encoded: a PNG, JPEG or WebP file.
        size: what it must measure, in px; None when that is not known.

    Raises:
        MalformedResponseError: another format, another size, more than `MAX_PIXELS`, or broken.
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
    except Exception as error:  # foreign bytes make Pillow's decoders raise whatever they like
        raise malformed(f"not an image: {type(error).__name__}: {error}", encoded) from error
    return DecodedImage(pixels, encoded, media_type, warnings)


def suffix(media_type: str) -> str:
    """What the name of a file of that type ends with: png, jpg or webp."""
    return media_type.partition("/")[2].replace("jpeg", "jpg")


def to_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The image as RGB or RGBA in sRGB, 8 bits a channel, without its profile; and warnings, if any."""
    alpha = image.has_transparency_data
    profile = image.info.get("icc_profile")
    if image.mode in ("P", "PA", "1", "LA", "La", "RGBa"):
        image = image.convert("RGBA" if alpha else "RGB")
    elif image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip at 255
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    warnings: tuple[str, ...] = ()
    if profile:
        try:
            image = _from_profile(image, profile)
        except (OSError, ValueError, TypeError):
            warnings = (_CONVERTED,)
    mode = "RGBA" if alpha else "RGB"
    converted = image if image.mode == mode else image.convert(mode)  # which would copy it
    converted.info.clear()
    return converted, warnings


def _from_profile(image: Image.Image, profile: bytes) -> Image.Image:
    from PIL import ImageCms  # slow to load, and hardly an answer has a profile

    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image  # converting would only cost rounding
        result = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), intent, outputMode=mode)
    except ImageCms.PyCMSError as error:
        raise ValueError(str(error)) from error
    if result is None:  # only when converted in place, which this is not
        raise ValueError("no image")
    return result
