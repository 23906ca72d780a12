"""Reads a photograph's file: its pixels as they are seen, at the depth that they have, and what comes with them."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from bridge.commands import deep
from bridge.common.errors import PhotioError

#: Where a PNG has its XMP data, and a TIFF its IPTC data.
XMP_NAME, IPTC_TAG = "XML:com.adobe.xmp", 33723

#: The IPTC data among Photoshop's image resources, which a JPEG has in APP13.
_IPTC_RESOURCE = 0x0404

#: Texts of a PNG that are no texts: profiles and EXIF data, as ImageMagick writes them.
_RAW = "Raw profile type "

Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

#: Those that Pillow reads completely. Others have layers, more than 16 bits or several pictures.
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")  # MPO is a JPEG

#: px; more does not fit into the memory of most computers.
LARGEST = 1 << 30

#: How to turn pixels so that they are seen as they should be, by EXIF's number: ISO 12234-2, “Orientation”.
_TURNS = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: np.rot90(pixels, 1),
}

#: The orientation in XMP data, which must not contradict EXIF's.
_UPRIGHT = re.compile(rb"(tiff:Orientation(?:=[\"']|>))[2-8]")

_SIDEWAYS = (5, 6, 7, 8)  # width and height change places

_PLAIN = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
_KINDS = {"CMYK": "CMYK", "LAB": "Lab", "HSV": "HSV", "F": "32-bit", "I": "32-bit"}


class PhotographError(PhotioError):
    """A picture's file cannot be used."""

    code = "photograph"


@dataclass(frozen=True)
class Photograph:
    """A picture as it is seen: turned as its EXIF data says.

    Attributes:
        pixels: [height, width, 1–4]: gray or RGB, and perhaps alpha.
        profile: its ICC profile.
        exif: without what describes the file itself; its orientation is 1.
        extras: what is known of these. As Pillow's `save` takes them: `dpi`, `xmp`, and a JPEG's `comment`. Otherwise:
            `iptc`, bytes; `texts` of a PNG, by keyword.
        jpeg: how a JPEG was compressed, as Pillow's `save` takes it; empty for other files.
        turned: whether it was stored in another orientation.
        remarks: sentences about what is not kept of it.
    """

    path: Path
    pixels: Samples
    profile: bytes | None
    exif: Image.Exif
    extras: dict[str, Any] = field(default_factory=dict)
    jpeg: dict[str, Any] = field(default_factory=dict)
    turned: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def colours(self) -> Samples:
        """[height, width, 1 or 3]."""
        return self.pixels[..., : self.pixels.shape[2] - self.has_alpha]

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.shape[2] in (2, 4)

    @property
    def alpha(self) -> Samples | None:
        """[height, width]."""
        return self.pixels[..., -1] if self.has_alpha else None

    @property
    def most(self) -> int:
        """The greatest value of a channel: 255 or 65535."""
        return int(np.iinfo(self.pixels.dtype).max)


def to_bytes(samples: Samples) -> NDArray[np.uint8]:
    """8 bits of 8 or 16, rounded."""
    if samples.dtype == np.uint8:
        return samples.astype(np.uint8, copy=False)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def open_photograph(path: Path, what: str) -> Photograph:
    """Reads a PNG, JPEG, TIFF, WebP or BMP file.

    Args:
        what: "photograph" or "mask", for sentences.

    Raises:
        PhotographError: it is no such file, it is damaged, or it has a kind of pixels that we cannot keep.
    """
    Image.MAX_IMAGE_PIXELS = LARGEST // 2  # Pillow's errors begin at twice that
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what is odd in a file; an error follows if it matters
            return _read(path, what)
    except PhotographError:
        raise
    except FileNotFoundError as error:
        raise PhotographError(f"There is no file “{path}”: name the {what}.", repr(error)) from error
    except Exception as error:  # on damaged files Pillow's decoders raise errors of any type
        sentence = f"The {what} “{path}” cannot be read: it must be an undamaged PNG, JPEG, TIFF, WebP or BMP file."
        raise PhotographError(sentence, repr(error)) from error


def _read(path: Path, what: str) -> Photograph:
    with Image.open(path, formats=FORMATS) as image:
        assert isinstance(image, ImageFile.ImageFile)
        remarks = _refuse_unusable(image, what)
        is_deep = deep.is_deep(image)
        jpeg = _compression(image)
        image.load()
        exif, stored = _described(image)
        info = image.info
        extras = _extras(image)
        if stored in _TURNS and "xmp" in extras:
            extras["xmp"] = _UPRIGHT.sub(rb"\g<1>1", extras["xmp"])
        if is_deep:
            if "transparency" in info:
                raise PhotographError(f"The {what}'s transparency is a single colour: save it with an alpha channel.")
            pixels: Samples | None = deep.read(path)
        else:
            pixels = _plain(image)
    if pixels is None:
        raise PhotographError(f"The {what} has 16 bits a channel, stored in a way that cannot be read: save it as PNG.")
    turned = _TURNS[stored](pixels) if stored in _TURNS else pixels
    turned = np.ascontiguousarray(turned)
    profile = info.get("icc_profile") or None
    return Photograph(path, turned, profile, exif, extras, jpeg, stored in _TURNS, remarks)


def _refuse_unusable(image: ImageFile.ImageFile, what: str) -> tuple[str, ...]:
    """Sentences about what is not kept of a file.

    Raises:
        PhotographError: it holds what we cannot keep, and what matters.
    """
    mode = image.mode
    if mode not in _PLAIN and not mode.startswith("I;16"):
        kind = _KINDS.get(mode, mode)
        raise PhotographError(f"The {what} has {kind} pixels: convert it to RGB or gray, with 8 or 16 bits a channel.")
    frames = getattr(image, "n_frames", 1)
    if image.format == "MPO":
        return ("Only the first picture of the photograph's file is kept, not the others (depth or brightness).",)
    if frames > 1:
        raise PhotographError(f"The {what} has {frames} frames or pages: save the one that is meant as a file.")
    if mode in ("P", "PA", "1"):
        return ("The photograph's palette is not kept: the result has full colours.",)
    return ()


def _compression(image: ImageFile.ImageFile) -> dict[str, Any]:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return {}
    sampling = JpegImagePlugin.get_sampling(image)
    tables = {"qtables": image.quantization}
    return {**tables, "subsampling": sampling} if sampling >= 0 else tables


def _extras(image: ImageFile.ImageFile) -> dict[str, Any]:
    """As in `Photograph`; of a file whose pixels are loaded, because texts may come after them."""
    extras: dict[str, Any] = {name: image.info[name] for name in ("dpi", "xmp") if name in image.info}
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        extras["comment"] = image.info.get("comment")
        extras["iptc"] = image.info.get("photoshop", {}).get(_IPTC_RESOURCE)
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        # its bytes, as `PIL.IptcImagePlugin` gets them: Adobe's programs call them numbers, and Pillow reads only one
        extras["iptc"] = image.tag_v2._tagdata.get(IPTC_TAG)
    elif isinstance(image, PngImagePlugin.PngImageFile):
        names = [name for name in image.text if name != XMP_NAME and not name.startswith(_RAW)]
        extras["texts"] = {name: image.text[name] for name in names}
    return {name: value for name, value in extras.items() if value}


#: Tags that describe how a TIFF stores its pixels, data that `Photograph` has elsewhere, and Photoshop's thumbnail and
#: layers, which show what was there before.
_STRUCTURE = (
    *range(254, 267), 273, *range(277, 282), 284, 292, 293, 297, 301, *range(317, 348), *range(512, 533), 700, IPTC_TAG,
    34377, 34675, 37724,
)  # fmt: skip


def _described(image: ImageFile.ImageFile) -> tuple[Image.Exif, int]:
    """The EXIF data for the result, and the orientation in which the pixels are stored.

    The thumbnail is left out, because it shows what was there before; Pillow's `Exif` writes none.
    """
    exif = image.getexif()
    stored = exif.get(ExifTags.Base.Orientation, 1)
    for group in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop):
        exif.get_ifd(group)  # while the file is open
    for tag in _STRUCTURE:
        exif.pop(tag, None)
    if ExifTags.Base.Orientation in exif:
        exif[ExifTags.Base.Orientation] = 1
    own = exif.get_ifd(ExifTags.IFD.Exif)
    across, down = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
    if stored in _SIDEWAYS and across in own and down in own:
        own[across], own[down] = own[down], own[across]
    return exif, stored


def _plain(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels of a picture with up to 8 bits a channel; palettes and transparent colours are resolved."""
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA") else "RGBA")
    elif image.mode in ("P", "1"):
        image = image.convert("RGB" if image.mode == "P" else "L")
    pixels = np.array(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]
