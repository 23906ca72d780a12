"""Masks and pixels on their way from the canvas to the service and back."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Crop, Padding, Size
from bridge.pixels.pnm_header import read_header
from tests.unit.damage import damaged

PHOTOGRAPH = Path(__file__).parents[3] / "scripts" / "photos" / "extreme-desert-hike.jpg"
NOTHING = Padding(0, 0, 0, 0)


def photograph(height, width, channels=3, seed=1):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return noise


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3), (3, 5, 4), (1, 1)])
def test_pictures_survive_the_way_through_a_file(tmp_path, shape):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    (tmp_path / "picture").write_bytes(imaging.pnm(pixels))
    np.testing.assert_array_equal(imaging.read_pnm(tmp_path / "picture"), pixels)


def test_an_answer_that_is_scaled_back_is_not_rounded():
    ramp = Image.fromarray(np.repeat(np.linspace(0, 255, 900).astype(np.uint8)[None, :, None], 3, axis=2).repeat(9, 0))
    scaled = imaging.scaled(np.asarray(ramp), Size(300, 3), Box(0, 0, 300, 3))
    assert scaled.dtype == np.float32
    assert (scaled != np.rint(scaled)).mean() > 0.2
    np.testing.assert_allclose(scaled[1], np.asarray(ramp.resize((300, 3), Image.Resampling.LANCZOS))[1], atol=1)


def test_what_we_write_is_opened_by_any_viewer(tmp_path):
    pixels = photograph(7, 9)
    (tmp_path / "picture.ppm").write_bytes(imaging.pnm(pixels))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "picture.ppm")), pixels)


@pytest.mark.parametrize(
    "data", [b"", b"P6\n2 2\n255\n", b"P6\n2 2\n65535\n" + bytes(24), b"GIF89a", b"P5\n0 0\n255\n",
             b"P7\nWIDTH 9999999\nHEIGHT 9999999\nDEPTH 4\nMAXVAL 255\nENDHDR\n"],
)  # fmt: skip
def test_a_damaged_picture_is_a_typed_error(tmp_path, data):
    (tmp_path / "picture").write_bytes(data)
    with pytest.raises(imaging.PictureError, match="try again"):
        imaging.read_pnm(tmp_path / "picture")


WRITTEN = [
    imaging.pnm(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)) for shape in ((3, 5), (3, 5, 3), (3, 5, 4))
]
WRITTEN.append(imaging.deep_pnm(np.full((3, 5, 3), 100.25, np.float32), None))
WRITTEN.append(imaging.deep_pnm(np.full((3, 5, 3), (9, 8, 7), np.float32), None))


@settings(max_examples=300)
@given(
    st.sampled_from(WRITTEN).flatmap(lambda valid: damaged(valid, (b"P5\n", b"65535", b"9999999", b"ENDHDR\n", b"#\n")))
)
def test_whatever_became_of_a_picture_file_all_its_pixels_are_read_or_a_typed_error_says_so(tmp_path, data):
    (tmp_path / "picture").write_bytes(data)
    header = read_header(tmp_path / "picture")
    try:
        pixels = imaging.read_pnm(tmp_path / "picture")
    except imaging.PictureError:
        assert header is None or header.depth == 2
        return
    assert (pixels.shape[1], pixels.shape[0]) == (header.width, header.height)
    assert data.endswith(pixels.tobytes())
    assert len(data) == header.start + pixels.size


def distances(height, width, point):
    ys, xs = np.mgrid[:height, :width]
    return np.hypot(ys - point[0], xs - point[1])


@pytest.mark.parametrize("radius", [0, 1, 2, 6, 40])
def test_grow_moves_a_hard_edge_by_just_that_many_px_in_every_direction(radius):
    mask = np.zeros((31, 41), np.uint8)
    mask[15, 20] = 200
    expected = np.where(distances(31, 41, (15, 20)) <= radius, 200, 0)
    np.testing.assert_array_equal(imaging.grow(mask, radius), expected)


@given(st.integers(0, 12))
def test_feather_reaches_as_far_as_it_says_and_no_further(radius):
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 255
    row = imaging.feather(mask, radius)[30]
    assert not row[: 30 - radius].any()
    assert (row[30 + radius :] == 255).all()
    assert (np.diff(row.astype(int)) >= 0).all()
    if radius:
        assert row[30 - radius] < 255
        assert 100 < row[29:31].mean() < 156


def test_an_object_at_the_canvas_edge_is_hidden_up_to_the_edge():
    area = Box(0, 0, 29, 39)
    mask = imaging.layer_mask(None, Box(0, 0, 20, 30), area, 6, 3)
    assert mask.shape == (39, 29)
    assert (mask[:30, :20] == 255).all()


def test_a_soft_selection_stays_soft():
    selection = np.tile(np.linspace(0, 255, 20).astype(np.uint8), (10, 1))
    mask = imaging.layer_mask(selection, Box(5, 5, 20, 10), Box(5, 5, 20, 10), 0, 0)
    np.testing.assert_array_equal(mask, selection)


def test_a_speck_in_a_strongly_reduced_crop_is_still_marked():
    crop = Crop(Box(0, 0, 40 * 64, 40 * 64), NOTHING, Size(64, 64))
    edited = np.zeros((2560, 2560), np.bool_)
    edited[1000, 2000] = True
    sent = imaging.mask_to_service(edited, crop)
    assert sent[25, 50] == 0
    assert (sent == 0).sum() == 1


def test_mirrored_context_does_not_show_the_object_again():
    crop = Crop(Box(0, 0, 10, 20), Padding(5, 0, 5, 0), Size(20, 20))
    edited = np.zeros((20, 10), np.bool_)
    edited[:, :3] = True
    sent = imaging.mask_to_service(edited, crop)
    assert (sent[:, 2:8] == 0).all()
    assert (sent[:, 8:15] == 255).all()


def answered(pixels, crop):
    """What a service that changes nothing answers."""
    return imaging.Answer(imaging.to_service(pixels, crop).astype(np.float32), Box(0, 0, *crop.size))


def test_an_unscaled_answer_comes_back_to_where_it_was_cut():
    pixels = photograph(832, 1216)
    crop = Crop(Box(100, 50, 1216, 832), NOTHING, Size(1216, 832))
    area = Box(300, 200, 40, 30)
    back = imaging.from_service(answered(pixels, crop), crop, area)
    np.testing.assert_array_equal(back, pixels[150:180, 200:240])


def test_a_mirrored_answer_is_cut_back():
    pixels = photograph(20, 10)
    crop = Crop(Box(0, 0, 10, 20), Padding(4, 0, 6, 0), Size(20, 20))
    np.testing.assert_array_equal(imaging.from_service(answered(pixels, crop), crop, crop.box), pixels)


def test_a_scaled_answer_is_still_the_same_picture():
    ys, xs = np.mgrid[:448, :576]
    pixels = np.stack([ys / 2, xs / 3, (ys + xs) / 5], axis=-1).astype(np.uint8)
    crop = Crop(Box(0, 0, 576, 448), NOTHING, Size(1152, 896))
    back = imaging.from_service(answered(pixels, crop), crop, crop.box)
    assert np.abs(back - pixels).max() <= 2
    window = Box(100, 50, 60, 40)  # a part of it is the same as that part of the whole
    part = imaging.from_service(answered(pixels, crop), crop, window)
    assert np.abs(part[8:-8, 8:-8] - back[58:82, 108:152]).max() < 0.01


@pytest.mark.parametrize("size", [Size(1152, 896), Size(576, 448), Size(400, 311)], ids=str)
def test_what_is_needed_for_a_window_gives_the_same_as_the_whole_answer(size):
    pixels = np.random.default_rng(3).integers(0, 256, (448, 576, 3), dtype=np.uint8)
    crop, window = Crop(Box(0, 0, 576, 448), NOTHING, size), Box(101, 53, 61, 47)
    whole = answered(pixels, crop)
    box = imaging.part_for(crop, window)
    assert box.size.area < 0.1 * size.area
    needed = imaging.Answer(whole.colours[box.y : box.bottom, box.x : box.right], box)
    wanted = imaging.from_service(whole, crop, window)
    np.testing.assert_allclose(imaging.from_service(needed, crop, window), wanted, atol=0.01)


def test_a_result_keeps_what_lies_between_two_levels_of_8_bits():
    colours = np.array([[[100.25, 100.25, 100.5], [100.25, 100.5, 100.25]]], np.float32)
    data = imaging.deep_pnm(colours, None)
    assert data.startswith(b"P6\n2 1\n65535\n")
    values = np.frombuffer(data[-12:], ">u2")
    np.testing.assert_array_equal(values, np.rint(colours.ravel() * 257))


def test_a_result_without_colour_is_one_channel_that_loses_nothing():
    data = imaging.deep_pnm(np.repeat(np.array([[[100.25], [-3.0]]], np.float32), 3, axis=2), None)
    assert data == b"P5\n2 1\n65535\n" + np.array([round(100.25 * 257), 0], ">u2").tobytes()


def test_a_result_beyond_black_and_white_is_cut_off_there_and_alpha_is_kept():
    colours = np.array([[[-5, 260, 128]]], np.float32)
    data = imaging.deep_pnm(colours, np.array([[128]], np.uint8))
    assert b"RGB_ALPHA" in data
    assert tuple(np.frombuffer(data[-8:], ">u2")) == (0, 65535, 128 * 257, 128 * 257)


def shapes():
    plain = array_shapes(min_dims=2, max_dims=2, max_side=40)
    return st.one_of(plain, plain.map(lambda shape: (*shape, 3)))


@given(arrays(np.uint8, shapes(), elements=st.integers(0, 255)))
@settings(max_examples=200, deadline=None)
def test_a_picture_reaches_the_service_pixel_for_pixel(pixels):
    encoded = imaging.png_of(pixels)
    with Image.open(io.BytesIO(encoded.data)) as arrived:
        assert (arrived.format, arrived.mode) == ("PNG", "L" if pixels.ndim == 2 else "RGB")
        assert arrived.size == encoded.size
        np.testing.assert_array_equal(np.asarray(arrived), pixels)


def test_a_photograph_is_sent_in_fewer_bytes_than_with_the_usual_compression():
    with Image.open(PHOTOGRAPH) as photograph:
        part = photograph.convert("RGB").crop((1000, 800, 2152, 1696))
    usual = io.BytesIO()
    part.save(usual, "PNG", compress_level=1)
    assert len(imaging.png(part, "RGB").data) < len(usual.getvalue())
