"""A PNG decoder for the plain kind, which services answer with, in a third of Pillow's time: a user waits for it.

Pillow opens the file, and so says what kind it is; and it decodes whatever is not plain, or not well.
"""

from __future__ import annotations

import logging

import numpy as np
from kornia_rs import io
from numpy.typing import NDArray
from PIL import Image

from bridge.pixels.geometry import Size

_log = logging.getLogger(__name__)

#: What a bug in a library written in Rust becomes: no `Exception`, and of no module that could be imported.
_PANIC = "PanicException"


def is_plain(image: Image.Image) -> bool:
    """Whether an image, as Pillow has opened it, is a still PNG of three channels in sRGB, with nothing transparent."""
    kept = {"icc_profile", "transparency"} & image.info.keys()
    return image.format == "PNG" and image.mode == "RGB" and not kept and not getattr(image, "is_animated", False)


def decode_png(encoded: bytes, size: Size) -> NDArray[np.uint8] | None:
    """The pixels of a plain PNG.

    Args:
        encoded: a PNG file.
        size: what it measures, in px, and not more than there is memory for.

    Returns:
        [height, width, 3]; None where it is broken, or has more than 8 bits a channel.
    """
    try:
        pixels: NDArray[np.uint8] = io.decode_image_png_u8(encoded, (size.height, size.width), "rgb")
    except BaseException as error:  # whatever it does not like, Pillow may, or has words for
        if not isinstance(error, Exception) and type(error).__name__ != _PANIC:
            raise
        _log.info("a PNG is left to Pillow: %s", error)
        return None
    return pixels
