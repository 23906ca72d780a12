"""Pixels as numpy arrays: PNM/PAM files, the mask, and the way from the canvas to the service's size and back.

Arrays are [height, width] for masks and [height, width, 3 or 4] for RGB and RGBA, in sRGB: uint8 on the way out,
float32 (0–255) on the way back, so that nothing is rounded before GIMP gets it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from math import ceil, floor, isqrt
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.pixels.diffusion import diffuse
from bridge.pixels.geometry import Box, Crop, Size
from bridge.pixels.pnm_header import look
from bridge.pixels.resampling import SUPPORT, resampled

Pixels: TypeAlias = npt.NDArray[np.uint8]
Coverage: TypeAlias = npt.NDArray[np.bool_]
Colours: TypeAlias = npt.NDArray[np.float32]

_SEEN = (0, *255 * [255])  # for `Image.point`: all but nothing

_LARGEST = 1 << 32  # bytes: a gigapixel of RGBA; a sparse file can be as long as it likes


class PictureError(PhotioError):
    """A file in a job folder is not the picture that it should be."""

    code = "picture"


def read_pnm(path: Path) -> Pixels:
    """Reads 8-bit P5 (gray), P6 (RGB) or P7 (RGBA) as [height, width(, channels)].

    Raises:
        PictureError: the file cannot be read or is something else.
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


def pnm(pixels: Pixels) -> bytes:
    """The bytes of a P5, P6 or P7 file, by the array's channels."""
    height, width = pixels.shape[:2]
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    else:
        header = f"{'P5' if pixels.ndim == 2 else 'P6'}\n{width} {height}\n255\n"
    return header.encode() + pixels.tobytes()


def grow(mask: Pixels, radius: int) -> Pixels:
    """The greatest value within `radius` px (a disc) of each pixel: hard edges move out, soft ones stay soft."""
    grown = mask.copy()
    rows = mask.shape[0]
    for dy in range(min(radius, rows - 1) + 1):
        row = _widest(mask, isqrt(radius * radius - dy * dy))
        np.maximum(grown[dy:], row[: rows - dy], out=grown[dy:])
        np.maximum(grown[: rows - dy], row[dy:], out=grown[: rows - dy])
    return grown


def _widest(mask: Pixels, reach: int) -> Pixels:
    """The greatest value within `reach` px along the row, by doubling the window."""
    window = np.pad(mask, ((0, 0), (reach, reach)))
    length, wanted = 1, 2 * reach + 1
    while length < wanted:
        step = min(length, wanted - length)
        window = np.maximum(window[:, :-step], window[:, step:])
        length += step
    return window


def feather(mask: Pixels, radius: int) -> Pixels:
    """Fades the mask's edges, reaching `radius` px to each side and no further (two box blurs: a tent)."""
    image = Image.fromarray(mask)
    for part in (radius // 2, radius - radius // 2):
        if part:
            image = image.filter(ImageFilter.BoxBlur(part))
    return np.array(image)


def layer_mask(selection: Pixels | None, selected: Box, area: Box, grow_by: int, feather_by: int) -> Pixels:
    """The mask of the layer to place, over `area`.

    Args:
        selection: the coverage over `selected`, 0–255; None: all of it.
        selected: the selection's bounds; inside the canvas.
        area: those grown by `grow_by + feather_by` px, inside the canvas.
    """
    mask = np.zeros((area.height, area.width), np.uint8)
    inner = selected.relative_to(area)
    mask[inner.y : inner.bottom, inner.x : inner.right] = 255 if selection is None else selection
    return feather(grow(mask, grow_by), feather_by)


def fill_transparent(pixels: Pixels) -> Pixels:
    """RGB without holes: the colours around transparent pixels are extended into them, never black."""
    if pixels.shape[2] == 3:
        return pixels
    hidden = pixels[..., 3] == 0
    colours = np.ascontiguousarray(pixels[..., :3])
    if not hidden.any() or hidden.all():
        return colours
    return diffuse(colours, hidden)


def to_service(pixels: Pixels, crop: Crop) -> Pixels:
    """A crop as the service gets it: RGB of `crop.size`.

    Args:
        pixels: [box height, box width, 3 or 4].
    """
    framed = np.pad(fill_transparent(pixels), (*_padding(crop), (0, 0)), mode="symmetric")
    if crop.frame == crop.size:
        return framed
    return np.asarray(Image.fromarray(framed).resize(crop.size, Image.Resampling.LANCZOS))


def mask_to_service(edited: Coverage, crop: Crop) -> Pixels:
    """The mask that goes with a crop: of `crop.size`, black (0) where the service is to edit, else white (255).

    What touches an edited pixel at all is edited. Mirrored pixels are edited where their originals are: an
    object at the canvas's edge would otherwise be shown beside the hole that it is to vanish from.

    Args:
        edited: [box height, box width], true where the layer's mask shows anything.
    """
    touched = Image.fromarray(np.pad(edited, _padding(crop), mode="symmetric").astype(np.uint8) * 255)
    # one axis, then the other: both at once, the share of one px in a strongly reduced crop would be rounded away
    for size in ((crop.size.width, crop.frame.height), crop.size):
        touched = touched.resize(size, Image.Resampling.BOX).point(_SEEN)
    return np.asarray(ImageChops.invert(touched))


def _padding(crop: Crop) -> tuple[tuple[int, int], tuple[int, int]]:
    left, top, right, bottom = crop.padding
    return (top, bottom), (left, right)


class Answer(NamedTuple):
    """A part of what the service gave for a crop, float32 [height, width, 3], 0–255; its place in px of `crop.size`."""

    colours: Colours
    box: Box


def part_for(crop: Crop, window: Box) -> Box:
    """The part of a crop's answer, in its px, that `from_service` and what is around a pixel need for `window`."""
    left, top, right, bottom = _inside_answer(crop, window)
    margin = 1 + ceil(SUPPORT * max(1, crop.size.width / crop.frame.width, crop.size.height / crop.frame.height))
    box = Box(floor(left), floor(top), ceil(right) - floor(left), ceil(bottom) - floor(top))
    return box.grown(margin).within(Box(0, 0, *crop.size))


def from_service(answer: Answer, crop: Crop, window: Box) -> Colours:
    """The part of a crop's answer that covers `window`, in canvas px.

    Args:
        answer: at least `part_for` that window.
        window: inside `crop.box`.

    Returns:
        float32 [window height, window width, 3], 0–255; unrounded, and beyond by what Lanczos overshoots.
    """
    x, y = answer.box.x, answer.box.y
    left, top, right, bottom = _inside_answer(crop, window)
    if crop.frame == crop.size:
        return answer.colours[int(top) - y : int(bottom) - y, int(left) - x : int(right) - x]
    return resampled(answer.colours, window.size, (left - x, top - y, right - x, bottom - y))


def scaled(answer: Pixels, size: Size, part: Box) -> Pixels | Colours:
    """A part of an answer in that size: uint8 as it is where it has that size, else float32; [height, width, 3]."""
    height, width, _channels = answer.shape
    if (width, height) == size:
        return answer[part.y : part.bottom, part.x : part.right]
    across, down = width / size.width, height / size.height
    return resampled(answer, part.size, (part.x * across, part.y * down, part.right * across, part.bottom * down))


def _inside_answer(crop: Crop, window: Box) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edge of a part of the canvas, in px of the crop's answer."""
    inner = window.relative_to(crop.box)
    left, top = crop.padding.left + inner.x, crop.padding.top + inner.y
    across, down = crop.size.width / crop.frame.width, crop.size.height / crop.frame.height
    return (left * across, top * down, (left + window.width) * across, (top + window.height) * down)


def deep_pnm(colours: Colours, alpha: Pixels | None) -> bytes:
    """The bytes of a file of 16 bits a channel: P6, P7 with alpha, or P5 where it is opaque and has no colour.

    Args:
        colours: 0–255, whatever lies beyond is cut off.
        alpha: 0–255, or None for RGB.
    """
    height, width = colours.shape[:2]
    if alpha is None and is_gray(colours):  # GIMP puts one channel into a gray image in a fortieth of the time
        return f"P5\n{width} {height}\n65535\n".encode() + _deep(colours[..., 0]).tobytes()
    values = _deep(colours)
    if alpha is None:
        return f"P6\n{width} {height}\n65535\n".encode() + values.tobytes()
    header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    return header.encode() + np.dstack([values, alpha.astype(">u2") * 257]).astype(">u2").tobytes()


def is_gray(pixels: Pixels | Colours) -> bool:
    """Whether all channels of [height, width, 3] are alike: then one says everything."""
    return all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2))


def _deep(values: Colours) -> npt.NDArray[np.uint16]:
    return np.clip(np.rint(values * 257), 0, 65535).astype(">u2")


@dataclass(frozen=True)
class Png:
    """An image that `png` has encoded already: several requests, and whoever keeps them, share that work."""

    data: bytes
    size: Size


def png(image: Image.Image, mode: str) -> Png:
    """An image as a service gets it: "RGB" or "L", without its profile or anything about the photographer."""
    return png_of(np.asarray(image.convert(mode)))


def png_of(pixels: Pixels) -> Png:
    """Pixels, [height, width] or [height, width, 3], as a service gets them."""
    file = io.BytesIO()
    # run-length encoding alone (3 is zlib's Z_RLE): photographs become a quarter smaller than with the other strategies
    Image.fromarray(pixels).save(file, "PNG", compress_level=1, compress_type=3)
    return Png(file.getvalue(), Size(pixels.shape[1], pixels.shape[0]))
