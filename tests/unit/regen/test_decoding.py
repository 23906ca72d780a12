"""The picture in an answer: which ones are taken, and in which colours."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image, ImageCms

from bridge.pixels.geometry import Size
from bridge.regen.decoding import MAX_PIXELS, decode_image
from bridge.regen.errors import MalformedResponseError
from tests.unit.regen.test_answer import BASE, SIZE, file, shown


def test_another_size_is_malformed_and_what_came_is_kept() -> None:
    with pytest.raises(MalformedResponseError, match="not the image") as caught:
        decode_image(file(BASE), Size(32, 48))
    assert "48 × 32 px instead of 32 × 48" in caught.value.details
    assert caught.value.received == file(BASE)


def test_a_picture_bomb_is_refused_before_it_is_unpacked() -> None:
    header = bytearray(file(Image.new("L", (1, 1))))
    # A PNG header that promises more than there is memory for; its checksum made right again.
    header[16:24] = struct.pack(">II", 60_000, 60_000)
    header[29:33] = struct.pack(">I", zlib.crc32(bytes(header[12:29])))
    with pytest.raises(MalformedResponseError):
        decode_image(bytes(header), None)
    header[16:24] = struct.pack(">II", 9000, MAX_PIXELS // 9000 + 1)
    header[29:33] = struct.pack(">I", zlib.crc32(bytes(header[12:29])))
    with pytest.raises(MalformedResponseError) as caught:
        decode_image(bytes(header), None)
    assert str(MAX_PIXELS) in caught.value.details


def test_of_an_animation_the_first_frame_is_taken() -> None:
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    moving = file(first, "WEBP", save_all=True, append_images=[second], lossless=True)
    assert shown(decode_image(moving, Size(8, 8))).getpixel((4, 4))[:3] == (255, 0, 0)  # type: ignore[index]


def test_stored_pixels_are_not_turned() -> None:
    exif = Image.Exif()
    exif[274] = 6  # “rotate by 90°”
    assert shown(decode_image(file(BASE, "JPEG", exif=exif), SIZE)).size == SIZE


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_becomes_rgb_or_rgba(mode: str) -> None:
    grey = Image.new("I;16", (8, 8), 0x8080) if mode == "I;16" else Image.new("L", (8, 8), 128).convert(mode)
    image = shown(decode_image(file(grey), Size(8, 8)))
    assert image.mode == ("RGBA" if mode in ("LA", "RGBA") else "RGB")
    assert mode == "1" or image.convert("RGB").getpixel((4, 4)) == (128, 128, 128)


def test_a_png_of_16_bits_a_channel_is_read_as_8() -> None:
    """Pillow cannot write one: (0x1234, 0x5678, 0x9ABC) everywhere."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 0)
    rows = (b"\0" + struct.pack(">HHH", 0x1234, 0x5678, 0x9ABC) * SIZE.width) * SIZE.height
    deep = file(BASE)[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert (decode_image(deep, SIZE).pixels == (0x12, 0x56, 0x9A)).all()


@pytest.mark.parametrize("left", [50, 400, -60], ids=["its header", "a part", "all but its last rows"])
def test_half_of_a_png_is_not_taken_for_the_whole(left: int) -> None:
    with pytest.raises(MalformedResponseError):
        decode_image(file(BASE)[:left], SIZE)


def test_a_broken_colour_profile_costs_a_warning_and_no_image() -> None:
    decoded = decode_image(file(BASE, icc_profile=b"no profile"), SIZE)
    assert shown(decoded).tobytes() == BASE.tobytes()
    assert "colour profile" in decoded.warnings[0]


def test_an_srgb_profile_changes_no_pixel() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    decoded = decode_image(file(BASE, icc_profile=profile), SIZE)
    assert shown(decoded).tobytes() == BASE.tobytes()
    assert decoded.warnings == ()


def linear_profile() -> bytes:
    """A minimal ICC 2.4 profile: sRGB's primaries, but light in proportion to the number."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def point(*xyz: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(number, xyz))

    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 7) + b"Linear\0" + bytes(78 + 3),
        b"wtpt": point(0.9642, 1.0, 0.8249),
        b"rXYZ": point(0.4361, 0.2225, 0.0139),
        b"gXYZ": point(0.3851, 0.7169, 0.0971),
        b"bXYZ": point(0.1431, 0.0606, 0.7141),
    } | {name: b"curv\0\0\0\0\0\0\0\0" for name in (b"rTRC", b"gTRC", b"bTRC")}
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    white = number(0.9642) + number(1.0) + number(0.8249)
    header = struct.pack(">I4xI", 128 + len(table) + len(data), 0x02400000) + b"mntrRGB XYZ "
    header += bytes(12) + b"acsp" + bytes(28) + white + bytes(48)
    return header + table + data


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_another_colour_profile_is_converted_so_that_colours_look_right(mode: str) -> None:
    image = Image.new("RGB", (8, 8), (55, 55, 55))
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    decoded = decode_image(file(image, icc_profile=linear_profile()), Size(8, 8))
    assert decoded.warnings == ()
    # 55/255 of the light is 0.5 in sRGB's curve: IEC 61966-2-1.
    assert all(abs(value - 128) <= 1 for value in shown(decoded).convert("RGB").getpixel((4, 4)))  # type: ignore[union-attr]


def test_a_colour_profile_of_another_kind_of_image_costs_a_warning_and_no_image() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = Image.new("RGB", (8, 8), (10, 200, 30))
    decoded = decode_image(file(image, icc_profile=lab.tobytes()), Size(8, 8))
    assert shown(decoded).tobytes() == image.tobytes()
    assert decoded.warnings
