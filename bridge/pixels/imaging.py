"""Pixels as numpy arrays: PNM and PAM files, masks, and scaling from the canvas to the service's size and back.

Arrays are [height, width] for masks and [height, width, 3 or 4] for RGB and RGBA, in sRGB. They are uint8 on their way
to the service, and float32 (0–255) on their way back, so that nothing is rounded before GIMP gets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, isqrt
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.pixels.geometry import Box, Crop, Size
from bridge.pixels.png import png as encoded
from bridge.pixels.pnm_header import look, read_header
from bridge.pixels.transparency import fill_transparent

Pixels: TypeAlias = npt.NDArray[np.uint8]
Coverage: TypeAlias = npt.NDArray[np.bool_]
Colours: TypeAlias = npt.NDArray[np.float32]
Deep: TypeAlias = npt.NDArray[np.uint16]

#: How far the Lanczos filter reaches to each side, in px of the smaller picture.
SUPPORT = 3

_ANY = (0, *255 * [255])  # for `Image.point`: 0 stays 0, everything else becomes 255

_LARGEST = 1 << 32  # bytes, a gigapixel of RGBA: a sparse file can claim any length


class PictureError(PhotioError):
    """A file in a job folder is not the picture it should be."""

    code = "picture"


def read_pnm(path: Path) -> Pixels:
    """Reads a file of 8-bit P5 (gray), P6 (RGB) or P7 (RGBA) as uint8 [height, width(, channels)].

    Raises:
        PictureError: the file cannot be read, is incomplete or is something else.
    """
    try:
        header, length = look(path)
        whole = header is not None and header.end == length <= _LARGEST
        pixels = np.fromfile(path, np.uint8, offset=header.start) if header and whole else None
    except OSError as error:
        sentence = _("Photio's file “{file}” has gone: please try again.")
        raise PictureError(sentence.format(file=path), repr(error)) from error
    if header is None or header.depth != 1:
        sentence = _("Photio's file “{file}” is not a picture: please try again.")
        raise PictureError(sentence.format(file=path), f"{length} bytes")
    if pixels is None or pixels.size != header.end - header.start:
        sentence = _("Photio's file “{file}” is incomplete: please try again.")
        raise PictureError(sentence.format(file=path), f"{length} bytes, {header}")
    shape = (header.height, header.width)
    return pixels.reshape(shape if header.channels == 1 else (*shape, header.channels))


def read_deep(path: Path, part: Box) -> Colours:
    """A part of a file of 16 bits a channel, P5 (gray) or P6 (RGB): float32 [height, width, 3], 0–255.

    Args:
        part: in px of the picture, inside it.

    Raises:
        PictureError: the file cannot be read, or is something else.
    """
    header = read_header(path)
    if (
        header is None
        or header.depth != 2
        or header.channels == 4
        or part.right > header.width
        or part.bottom > header.height
    ):
        raise PictureError(_("Photio's file “{file}” is not a picture: please try again.").format(file=path))
    rows = np.fromfile(path, ">u2", part.height * header.row // 2, offset=header.start + part.y * header.row)
    pixels = rows.reshape(part.height, header.width, header.channels)[:, part.x : part.right]
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)).astype(np.float32) / np.float32(257)


def pnm(pixels: Pixels | Deep) -> bytes:
    """The bytes of a file: P5 for [height, width], P6 for 3 channels, P7 for 4; of uint8 or of big-endian uint16."""
    height, width = pixels.shape[:2]
    most = 255 if pixels.dtype == np.uint8 else 65535
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL {most}\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    else:
        header = f"{'P5' if pixels.ndim == 2 else 'P6'}\n{width} {height}\n{most}\n"
    return header.encode() + pixels.tobytes()


def deep_pnm(colours: Colours, alpha: Pixels | None) -> bytes:
    """The bytes of a file of 16 bits a channel: P7 with alpha; without it P5 when all pixels are gray, else P6.

    Args:
        colours: [height, width, 3], 0–255; what lies beyond is cut off.
        alpha: [height, width], 0–255; None when all is opaque.
    """
    if alpha is not None:
        colours = np.dstack([colours, alpha])
    elif is_gray(colours):  # GIMP puts one channel into a gray image 40 times as fast as three
        colours = colours[..., 0]
    return pnm(np.clip(np.rint(colours * 257), 0, 65535).astype(">u2"))


def is_gray(pixels: Pixels | Colours) -> bool:
    """Whether the three channels of [height, width, 3], or of [pixels, 3], are equal."""
    return all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2))


def grow(mask: Pixels, radius: int) -> Pixels:
    """The greatest value within `radius` px (a disc) of each pixel, uint8 [height, width].

    Hard edges move outwards, and soft edges stay soft.
    """
    grown = mask.copy()
    rows = mask.shape[0]
    for dy in range(min(radius, rows - 1) + 1):
        row = _widest(mask, isqrt(radius * radius - dy * dy))
        np.maximum(grown[dy:], row[: rows - dy], out=grown[dy:])
        np.maximum(grown[: rows - dy], row[dy:], out=grown[: rows - dy])
    return grown


def _widest(mask: Pixels, reach: int) -> Pixels:
    """The greatest value within `reach` px along the row. The window doubles with each pass."""
    window = np.pad(mask, ((0, 0), (reach, reach)))
    length, wanted = 1, 2 * reach + 1
    while length < wanted:
        step = min(length, wanted - length)
        window = np.maximum(window[:, :-step], window[:, step:])
        length += step
    return window


def feather(mask: Pixels, radius: int) -> Pixels:
    """Fades the mask's edges over exactly `radius` px to each side. Two box blurs make the fade a tent."""
    image = Image.fromarray(mask)
    for part in (radius // 2, radius - radius // 2):
        if part:
            image = image.filter(ImageFilter.BoxBlur(part))
    return np.array(image)


def layer_mask(selection: Pixels | None, selected: Box, area: Box, grow_by: int, feather_by: int) -> Pixels:
    """The mask of the layer to place, uint8 [area height, area width].

    Args:
        selection: the coverage over `selected`, 0–255; None when all of it is selected.
        selected: the selection's bounds, inside the canvas.
        area: these bounds grown by `grow_by + feather_by` px and cut to the canvas.
        grow_by, feather_by: px.
    """
    mask = np.zeros((area.height, area.width), np.uint8)
    mask[selected.relative_to(area).slices] = 255 if selection is None else selection
    return feather(grow(mask, grow_by), feather_by)


def to_service(pixels: Pixels, crop: Crop) -> Pixels:
    """A crop as the service gets it: uint8 RGB of `crop.size`, from [height, width, 3 or 4] of `crop.box`."""
    framed = np.pad(fill_transparent(pixels), (*_padding(crop), (0, 0)), mode="symmetric")
    if crop.frame == crop.size:
        return framed
    return np.asarray(Image.fromarray(framed).resize(crop.size, Image.Resampling.LANCZOS))


def mask_to_service(edited: Coverage, crop: Crop) -> Pixels:
    """The mask of a crop: uint8 of `crop.size`, black (0) where the service is to edit, white (255) elsewhere.

    A pixel of it that touches an edited pixel is edited. Mirrored pixels are edited where their originals are.
    Otherwise the service would see an object at the canvas's edge a second time, beside the hole.

    Args:
        edited: of `crop.box`, [height, width]; true where the layer's mask is above 0.
    """
    touched = Image.fromarray(np.pad(edited, _padding(crop), mode="symmetric").astype(np.uint8) * 255)
    # One axis at a time: otherwise rounding would lose a single px in a crop that is scaled down strongly.
    for size in ((crop.size.width, crop.frame.height), crop.size):
        touched = touched.resize(size, Image.Resampling.BOX).point(_ANY)
    return np.asarray(ImageChops.invert(touched))


def _padding(crop: Crop) -> tuple[tuple[int, int], tuple[int, int]]:
    left, top, right, bottom = crop.padding
    return (top, bottom), (left, right)


def resampled(
    pixels: npt.NDArray[Any], size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Colours:
    """Scales a picture, or a part of it, with Pillow's Lanczos filter.

    Pillow adds in a fixed order and in double precision, here for one channel at a time. So equal channels stay equal,
    and the result is the same on every processor.

    Args:
        pixels: [H, W, C], of any type of number.
        size: width and height of the result, px.
        box: left, top, right and bottom edge of the part, px; None for the whole picture.

    Returns:
        float32 [height, width, C], not rounded; it exceeds the range of `pixels` where the filter overshoots.
    """
    planes = (Image.fromarray(plane.astype(np.float32)) for plane in np.moveaxis(pixels, 2, 0))
    return np.dstack([np.asarray(plane.resize(size, Image.Resampling.LANCZOS, box=box)) for plane in planes])


class Answer(NamedTuple):
    """A part of the service's answer for a crop."""

    colours: Colours  #: [height, width, 3], 0–255
    box: Box  #: where the part lies, in px of `crop.size`
    softness: float = 1.0  #: how much softer it is than what was sent (`bridge.pixels.softness`)


def part_for(crop: Crop, window: Box) -> Box:
    """The part of a crop's answer, in px of the answer, that `from_service` needs for a window.

    It is the window (in px of the canvas, inside `crop.box`), the reach of the scaling filter, and 1 px more.
    """
    left, top, right, bottom = _inside_answer(crop, window)
    margin = 1 + ceil(SUPPORT * max(1, crop.size.width / crop.frame.width, crop.size.height / crop.frame.height))
    box = Box(floor(left), floor(top), ceil(right) - floor(left), ceil(bottom) - floor(top))
    return box.grown(margin).within(Box(0, 0, *crop.size))


def from_service(answer: Answer, crop: Crop, window: Box) -> Colours:
    """What an answer shows in a part of the canvas, in px of the canvas.

    Args:
        answer: at least `part_for` the window.
        window: in px of the canvas, inside `crop.box`.

    Returns:
        float32 [window height, window width, 3], not rounded; 0–255, and beyond by what the Lanczos filter overshoots.
    """
    x, y = answer.box.x, answer.box.y
    left, top, right, bottom = _inside_answer(crop, window)
    if crop.frame == crop.size:
        return answer.colours[Box(round(left) - x, round(top) - y, *window.size).slices]
    return resampled(answer.colours, window.size, (left - x, top - y, right - x, bottom - y))


def scaled(answer: Pixels, size: Size, part: Box) -> Pixels | Colours:
    """A part of an answer that is scaled to `size`.

    Args:
        answer: the whole one, [height, width, 3].
        part: in px of `size`.

    Returns:
        [part height, part width, 3]: uint8 where the answer has that size already, else float32 as of `from_service`.
    """
    height, width, _channels = answer.shape
    if (width, height) == size:
        return answer[part.slices]
    across, down = width / size.width, height / size.height
    return resampled(answer, part.size, (part.x * across, part.y * down, part.right * across, part.bottom * down))


def _inside_answer(crop: Crop, window: Box) -> tuple[float, float, float, float]:
    """The left, top, right and bottom edge of a part of the canvas, in px of the crop's answer."""
    inner = window.relative_to(crop.box)
    left, top = crop.padding.left + inner.x, crop.padding.top + inner.y
    across, down = crop.size.width / crop.frame.width, crop.size.height / crop.frame.height
    return (left * across, top * down, (left + window.width) * across, (top + window.height) * down)


@dataclass(frozen=True)
class Png:
    """An encoded PNG and its size in px. It is encoded once and can be part of several requests."""

    data: bytes
    size: Size


def png(image: Image.Image, mode: str) -> Png:
    """An image as a service gets it, in mode "RGB" or "L", without its profile and without any metadata."""
    return png_of(np.asarray(image.convert(mode)))


def png_of(pixels: Pixels) -> Png:
    """Pixels, uint8 [height, width] or [height, width, 3], as a service gets them."""
    return Png(encoded(pixels), Size(pixels.shape[1], pixels.shape[0]))
