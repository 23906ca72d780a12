"""16 bits a channel, which Pillow cannot hold in colour: read through its decoders, and written as TIFF.

Of a picture with 16 bits a channel, Pillow keeps the upper 8. It takes any byte of the two, as the name of the raw mode
says, so decoding the file twice gives both. No other package is needed: `imagecodecs` takes 100 MB, and `pypng` two
minutes for 24 megapixels.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin, TiffTags

Deep = NDArray[np.uint16]

_NATIVE = "L" if sys.byteorder == "little" else "B"
_OTHER = {"B": "L", "L": "B"}
_COLOURS = ("RGB", "RGBA")
_GRAY = ("I;16", "I;16B", "I;16L")


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether an opened file, whose pixels are not loaded yet, has more than 8 bits a channel."""
    bits = image.tag_v2.get(258, (8,)) if isinstance(image, TiffImagePlugin.TiffImageFile) else (8,)
    return max(bits) > 8 or image.mode in _GRAY or ";16" in _raw_mode(image)


def _raw_mode(image: Image.Image) -> str:
    """How the pixels of an opened file are stored, in Pillow's words; "" where that is unknown."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else ()
    arguments: Any = tiles[0].args if tiles else ""
    return str(arguments if isinstance(arguments, str) else arguments[0])


def read(file: Path) -> Deep | None:
    """The pixels of a PNG or TIFF with 16 bits a channel, [height, width, 1–4]; None where they are stored otherwise.

    A turned TIFF is turned already, as Pillow does it.

    Raises:
        OSError, ValueError: it is damaged.
    """
    with Image.open(file) as image:
        kind, _semicolon, order = _raw_mode(image).rpartition(";16")
        if image.mode in _GRAY:
            return np.asarray(image).astype(np.uint16)[..., None]
    if kind == "LA":  # of two bytes for each of two channels: as if they were four channels
        return _decoded(file, "RGBA").view(">u2").astype(np.uint16)
    if kind not in _COLOURS or order not in ("B", "L", "N"):
        return None
    order = order.replace("N", _NATIVE)
    upper, lower = (_decoded(file, f"{kind};16{each}") for each in (order, _OTHER[order]))
    return upper.astype(np.uint16) * np.uint16(256) + lower


def _decoded(file: Path, mode: str) -> NDArray[np.uint8]:
    """The picture, with its stored pixels taken in this raw mode."""
    with Image.open(file) as image:
        image.tile = [tile._replace(args=_in_mode(tile.args, mode)) for tile in image.tile]
        return np.array(image)


def _in_mode(arguments: Any, mode: str) -> Any:
    return mode if isinstance(arguments, str) else (mode, *arguments[1:])


def tiff(pixels: Deep | NDArray[np.uint8], tags: dict[int, Any]) -> bytes:
    """An uncompressed TIFF of 8 or 16 bits a channel.

    Args:
        pixels: [height, width, 1–4].
        tags: more of them, by number; those of groups (EXIF, GPS) as dictionaries.
    """
    height, width, channels = pixels.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    content = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    own = {
        256: width,
        257: height,
        258: (8 * pixels.itemsize,) * channels,
        259: 1,  # not compressed
        262: 2 if channels >= 3 else 1,  # RGB, or gray
        273: (0,),
        277: channels,
        278: height,
        279: (len(content),),
        284: 1,
        **({338: 2} if channels in (2, 4) else {}),  # alpha, not multiplied
    }
    for tag, value in {**tags, **own}.items():
        directory[tag] = value
    directory.tagtype[273] = directory.tagtype[279] = TiffTags.LONG
    file = io.BytesIO()
    directory.save(file)
    return file.getvalue() + content
