"""What is sent is the picture itself, in a file that anybody can open, and no larger than it has to be."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from bridge.pixels.png_encoder import encode_png

PHOTOGRAPH = Path(__file__).parents[3] / "scripts" / "photos" / "extreme-desert-hike.jpg"


def opened(content):
    with Image.open(io.BytesIO(content)) as image:
        return image.format, image.mode, np.asarray(image)


def shapes():
    plain = array_shapes(min_dims=2, max_dims=2, max_side=40)
    return st.one_of(plain, plain.map(lambda shape: (*shape, 3)))


@given(arrays(np.uint8, shapes(), elements=st.integers(0, 255)))
@settings(max_examples=200, deadline=None)
def test_a_picture_arrives_pixel_for_pixel(pixels):
    form, mode, arrived = opened(encode_png(pixels))
    assert (form, mode) == ("PNG", "L" if pixels.ndim == 2 else "RGB")
    np.testing.assert_array_equal(arrived, pixels)


@pytest.mark.parametrize("height", [127, 128, 129, 300])
def test_a_picture_of_more_rows_than_are_filtered_at_once_arrives_as_well(height):
    pixels = np.random.default_rng(height).integers(0, 256, (height, 33, 3), dtype=np.uint8)
    np.testing.assert_array_equal(opened(encode_png(pixels))[2], pixels)


def test_a_photograph_is_as_small_as_pillow_makes_it():
    with Image.open(PHOTOGRAPH) as photograph:
        part = photograph.convert("RGB").crop((1000, 800, 2152, 1696))
    file = io.BytesIO()
    part.save(file, "PNG", compress_level=1, compress_type=3)
    assert len(encode_png(np.asarray(part))) <= 1.03 * len(file.getvalue())


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)],
    ids=["floats", "RGBA", "empty", "a line"],
)
def test_what_is_no_picture_of_ours_is_refused(pixels):
    with pytest.raises(ValueError, match="no PNG can be made"):
        encode_png(pixels)
