"""A plain PNG is read by a faster decoder than Pillow's: to the same pixels, or not at all."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin

from bridge.pixels import png_decoder
from bridge.pixels.geometry import Size
from bridge.pixels.png_decoder import decode_png, is_plain
from bridge.regen import decoding

PICTURE = np.random.default_rng(5).integers(0, 256, (24, 40, 3), dtype=np.uint8)
SIZE = Size(40, 24)


def png(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def decoded(content: bytes) -> NDArray[np.uint8]:
    return decoding.decode_image(content, None).pixels


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
@settings(max_examples=100, deadline=None)
def test_a_plain_picture_is_read_pixel_for_pixel(pixels: NDArray[np.uint8]) -> None:
    found = decode_png(png(Image.fromarray(pixels)), Size(pixels.shape[1], pixels.shape[0]))
    assert found is not None
    np.testing.assert_array_equal(found, pixels)


def test_what_a_service_usually_answers_is_read_by_the_faster_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_image: Image.Image) -> None:
        pytest.fail("Pillow decoded a plain PNG")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", slow)
    np.testing.assert_array_equal(decoded(png(Image.fromarray(PICTURE))), PICTURE)


class PanicException(BaseException):  # its name in libraries written in Rust
    pass


@pytest.mark.parametrize("kind", [ValueError, PanicException])
def test_an_answer_is_not_lost_by_a_bug_in_the_faster_decoder(
    kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise kind("index out of bounds")

    monkeypatch.setattr(png_decoder.io, "decode_image_png_u8", broken)
    np.testing.assert_array_equal(decoded(png(Image.fromarray(PICTURE))), PICTURE)


def palette() -> Image.Image:
    return Image.fromarray(PICTURE).quantize(8)


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
OTHERS = {
    "gray": png(Image.new("L", SIZE, 90)),
    "RGBA": png(Image.new("RGBA", SIZE, (1, 2, 3, 4))),
    "palette": png(palette()),
    "transparent colour": png(Image.new("RGB", SIZE, (1, 2, 3)), transparency=(1, 2, 3)),
    "profile": png(Image.new("RGB", SIZE, (1, 2, 3)), icc_profile=PROFILE),
    "animation": png(Image.new("RGB", SIZE, "red"), save_all=True, append_images=[Image.new("RGB", SIZE, "blue")]),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_any_other_kind_is_left_to_pillow(content: bytes) -> None:
    with Image.open(io.BytesIO(content)) as image:
        assert not is_plain(image)


def sixteen_bits() -> bytes:
    """A PNG of 16 bits a channel, which Pillow opens as RGB: (0x1234, 0x5678, 0x9ABC) everywhere."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", *SIZE, 16, 2, 0, 0, 0)
    rows = (b"\0" + struct.pack(">HHH", 0x1234, 0x5678, 0x9ABC) * SIZE.width) * SIZE.height
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_a_picture_of_16_bits_a_channel_is_read_as_8() -> None:
    assert decode_png(sixteen_bits(), SIZE) is None
    assert (decoded(sixteen_bits()) == (0x12, 0x56, 0x9A)).all()


@pytest.mark.parametrize("left", [0, 50, 400, -13], ids=["nothing", "its header", "a part", "all but its end"])
def test_of_a_picture_that_broke_off_no_half_is_taken_for_the_whole(left: int) -> None:
    assert decode_png(png(Image.fromarray(PICTURE))[:left], SIZE) is None


def test_a_picture_of_another_size_is_not_read() -> None:
    assert decode_png(png(Image.fromarray(PICTURE)), Size(24, 40)) is None
