"""What may be wrong with the picture in the answer."""

from __future__ import annotations

import base64
import functools
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from PIL import Image, ImageCms

from tests.faults.visit import BLOCK, Fault, Step, Visit, file, http, wrapped

_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32"><rect width="48" height="32"/></svg>'


def _picture(make: Callable[[Image.Image], bytes]) -> Step:
    """An answer in order, with whatever is made of the base image as the picture in it."""

    def act(visit: Visit) -> None:
        visit.read_request()
        visit.record.picture = make(visit.base())
        visit.send(http(wrapped(visit.record.picture)))

    return act


def _as(kind: str, **options: Any) -> Step:
    return _picture(lambda base: file(base, kind, **options))


def _mode(mode: str, kind: str = "PNG", **options: Any) -> Step:
    return _picture(lambda base: file(base.convert(mode), kind, **options))


def _sized(width: Callable[[int], int], height: Callable[[int], int]) -> Step:
    return _picture(lambda base: file(base.resize((width(base.width), height(base.height)))))


def _turned(base: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[274] = 6  # “rotate by 90°”
    return file(base, "JPEG", exif=exif)


def _moving(kind: str, **options: Any) -> Step:
    """The base image first, and then others."""

    def make(base: Image.Image) -> bytes:
        others = [Image.new("RGB", base.size, colour) for colour in ("red", "lime", "blue")]
        return file(base, kind, save_all=True, append_images=others, duration=100, **options)

    return _picture(make)


def _sixteen_bits(base: Image.Image) -> bytes:
    """RGB at 16 bits, which Pillow cannot write."""
    rows = b"".join(
        b"\0" + bytes(value for byte in row for value in (byte, byte))
        for row in (base.crop((0, y, base.width, y + 1)).tobytes() for y in range(base.height))
    )
    header = struct.pack(">IIBBBBB", *base.size, 16, 2, 0, 0, 0)
    return _png((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _huge(width: int, height: int) -> Step:
    """A PNG whose header promises that size, and that holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _picture(lambda base: _png((b"IHDR", header), (b"IDAT", zlib.compress(bytes(99))), (b"IEND", b"")))


def _zeros_in(name: bytes, start: bytes) -> Step:
    """The right picture with a packed chunk that unpacks to 256 MB."""

    def make(base: Image.Image) -> bytes:
        packer = zlib.compressobj(1)
        packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
        right = file(base)
        return right[:33] + _chunk(name, start + packed) + right[33:]

    return _picture(make)


def _cut(part: float, kind: str = "PNG") -> Step:
    return _picture(lambda base: (right := file(base, kind))[: int(len(right) * part)])


def _spoilt(base: Image.Image) -> bytes:
    right = bytearray(file(base))
    right[len(right) // 2] ^= 0xFF
    return bytes(right)


def _scans(count: int) -> Step:
    """A progressive JPEG that says the same thing again and again; each time costs the reader a whole pass."""

    def make(base: Image.Image) -> bytes:
        right = file(Image.new("L", base.size, 128), "JPEG", progressive=True)
        last = right.rindex(b"\xff\xda")
        return right[:last] + right[last:-2] * count + right[-2:]

    return _picture(make)


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _lab() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def _noise_blocks(gigabytes: int) -> Iterator[bytes]:
    """The Base64 of a PNG that never ends; never held."""
    yield b'{"status_code": 200, "body": "' + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(4))
    block = base64.b64encode(random.Random(5).randbytes(BLOCK // 4 * 3))
    for _ in range(gigabytes * (1 << 30) // BLOCK):
        yield block


def _endless_picture(visit: Visit) -> None:
    visit.read_request()
    visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
    visit.send_forever(_noise_blocks(5))


_P = functools.partial(Fault, delivers=True)

_FORMATS = (
    _P("format-jpeg", "nothing, as JPEG", _as("JPEG", quality=95)),
    _P("format-webp", "nothing, as WebP", _as("WEBP", lossless=True)),
    _P("format-gif", "GIF", _as("GIF")),
    _P("format-bmp", "BMP", _as("BMP")),
    _P("format-tiff", "TIFF", _as("TIFF")),
    _P("format-svg", "SVG", _picture(lambda base: _SVG)),
    _P("format-ppm", "PPM", _as("PPM")),
    _P("format-pdf", "PDF", _as("PDF")),
    _P("format-eps", "EPS, for which Pillow would start Ghostscript", _as("EPS")),
    _P("format-mpo", "several JPEGs in one", _moving("MPO")),
    _P("format-html", "HTML instead of a picture", _picture(lambda base: b"<html>Sorry</html>")),
)

_SIZES = (
    _P("size-half", "half the size", _sized(lambda w: w // 2, lambda h: h // 2)),
    _P("size-one-over", "one pixel wider", _sized(lambda w: w + 1, lambda h: h)),
    _P(
        "size-turned",
        "width and height exchanged",
        _picture(lambda base: file(base.transpose(Image.Transpose.ROTATE_90))),
    ),
    _P("size-one-pixel", "one pixel", _sized(lambda w: 1, lambda h: 1)),
    _P("size-zero", "no width", _huge(0, 32)),
)

_MODES = (
    _P("mode-l", "grey", _mode("L")),
    _P("mode-la", "grey with alpha", _mode("LA")),
    _P("mode-rgba", "with alpha", _mode("RGBA")),
    _P("mode-p", "with a palette", _mode("P")),
    _P("mode-1", "black and white", _mode("1")),
    _P("mode-cmyk", "CMYK", _mode("CMYK", "JPEG")),
    _P("mode-grey-16", "grey at 16 bits", _mode("I;16")),
    _P("mode-rgb-16", "RGB at 16 bits", _picture(_sixteen_bits)),
)

_ANIMATED = (
    _P("animated-png", "an animated PNG", _moving("PNG")),
    _P("animated-webp", "an animated WebP", _moving("WEBP", lossless=True)),
    _P("animated-gif", "an animated GIF", _moving("GIF")),
)

_PROFILES = (
    _P("icc-srgb", "with the profile sRGB", _picture(lambda base: file(base, icc_profile=_srgb()))),
    _P("icc-lab", "with the profile of another kind of picture", _picture(lambda base: file(base, icc_profile=_lab()))),
    _P("icc-broken", "with a broken profile", _picture(lambda base: file(base, icc_profile=b"no profile"))),
    _P("icc-bomb", "with a profile of 256 MB", _zeros_in(b"iCCP", b"ICC\0\0")),
    _P("text-bomb", "with a text of 256 MB", _zeros_in(b"zTXt", b"Comment\0\0")),
    _P("exif-turned", "with an EXIF orientation", _picture(_turned)),
    _P(
        "exif-broken",
        "with broken EXIF",
        _picture(lambda base: file(base, "JPEG", exif=b"Exif\0\0MM\0*" + b"\xff" * 99)),
    ),
)

_BROKEN = (
    _P("pixels-bomb", "3.6 gigapixels in 200 bytes", _huge(60_000, 60_000)),
    _P("pixels-65-million", "65 megapixels", _huge(10_000, 6_500)),
    _P("scans", "a JPEG of 20 000 passes over all pixels", _scans(20_000)),
    _P("picture-cut", "a PNG that ends in the middle", _cut(0.5)),
    _P("picture-cut-jpeg", "a JPEG that ends in the middle", _cut(0.5, "JPEG")),
    _P("picture-cut-webp", "a WebP that ends in the middle", _cut(0.5, "WEBP")),
    _P("picture-spoilt", "a PNG with a wrong byte", _picture(_spoilt)),
    _P("picture-then-more", "a PNG with something behind it", _picture(lambda base: file(base) + b"<script>" * 99)),
    Fault("picture-endless", "a picture of 5 GB", _endless_picture),
)

FAULTS: tuple[Fault, ...] = _FORMATS + _SIZES + _MODES + _ANIMATED + _PROFILES + _BROKEN
