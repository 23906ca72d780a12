"""A service shifts colours that it should have kept: the layer shows the photograph's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageFilter

from bridge.pixels.match_colour import (
    CELL,
    EVERY,
    correct,
    find_correction,
    kept_around,
    match_colour,
    match_sharpness,
    sampled,
)

PHOTO = Path(__file__).parents[3] / "scripts" / "photos" / "extreme-desert-hike.jpg"


@pytest.fixture(scope="module")
def dune():
    """Sand, sky and shadow: [416, 608, 3]."""
    return np.asarray(Image.open(PHOTO).convert("RGB").crop((1200, 1200, 2416, 2032)).resize((608, 416)))


def texture(height=240, width=320, seed=3):
    """Gravel in three tones, sharp and noisy."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(40, 215, (height // 24, width // 24, 3), dtype=np.uint8))
    pebbles = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float32)
    return np.clip(pebbles + rng.normal(0, 8, pebbles.shape), 0, 255).astype(np.uint8)


def hole(picture, share=0.17):
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width]
    return ((y - height / 2) / (share * height)) ** 2 + ((x - width / 2) / (share * width)) ** 2 < 1


def as_a_service_does(picture, blur=0.7, gain=1.05, offset=6.0):
    soft = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(blur)), np.float32)
    return np.clip(np.rint(soft * gain + offset), 0, 255).astype(np.uint8)


def smooth(picture):
    planes = [Image.fromarray(np.clip(np.rint(picture[..., c]), 0, 255).astype(np.uint8)) for c in range(3)]
    return np.stack([np.asarray(plane.filter(ImageFilter.GaussianBlur(4)), np.float32) for plane in planes], axis=-1)


def left_over(picture, truth, where):
    return np.abs(picture.astype(np.float32) - truth)[where].mean()


def test_a_repair_in_shifted_colours_is_brought_back(dune):
    answer, edited = as_a_service_does(dune), hole(dune)
    matched = match_colour(dune, answer, edited)
    assert matched.dtype == np.float32
    ring = hole(dune, 0.25) & ~edited
    for where in (ring, edited):
        assert left_over(smooth(matched), smooth(dune), where) < 0.1 * left_over(smooth(answer), smooth(dune), where)
    assert left_over(matched, dune, edited) < 0.25 * left_over(answer, dune, edited)


def test_a_repair_in_stone_is_as_crisp_as_the_stone():
    stone = texture()
    edited, answer = hole(stone), as_a_service_does(stone)
    assert left_over(match_colour(stone, answer, edited), stone, edited) < 0.26 * left_over(answer, stone, edited)


def test_texture_and_noise_do_not_bias_the_gain():
    """A service that also denoises: least squares on single pixels would take the lost contrast for a gain."""
    picture = texture()
    edited = hole(picture)
    answer = as_a_service_does(picture, blur=2.0, gain=1.1, offset=-12)
    matched = match_colour(picture, answer, edited)
    bias = (smooth(matched) - smooth(picture))[edited]
    assert np.abs(bias).mean() < 0.8
    slope = np.polyfit(smooth(picture)[edited].ravel(), smooth(matched)[edited].ravel(), 1)[0]
    assert abs(slope - 1) < 0.02


def test_each_channel_has_its_own_correction():
    picture = texture()
    shift = np.array([1.1, 0.95, 1.0]) * picture + [0, 10, -8]
    matched = match_colour(picture, np.clip(np.rint(shift), 0, 255).astype(np.uint8), hole(picture))
    assert np.abs((smooth(matched) - smooth(picture))[hole(picture)].mean(axis=0)).max() < 0.6


def test_a_colour_cast_that_drifts_across_the_picture_is_undone_in_the_hole_too():
    picture = texture(320, 400)
    y, x = np.mgrid[:320, :400]
    drift = 8 * np.sin(x / 150)[..., None] * [1, -1, 0.5] + 5 * (y / 320)[..., None]
    answer = np.clip(np.rint(picture + drift), 0, 255).astype(np.uint8)
    edited = hole(picture)
    matched = match_colour(picture, answer, edited)
    assert left_over(smooth(matched), smooth(picture), edited) < 0.25 * left_over(
        smooth(answer), smooth(picture), edited
    )


def test_an_object_that_the_service_added_outside_does_not_tint_the_repair(dune):
    answer, edited = as_a_service_does(dune), hole(dune)
    ring = hole(dune, 0.3) & ~edited
    y, x = np.mgrid[: dune.shape[0], : dune.shape[1]]
    angle = np.arctan2(y - dune.shape[0] / 2, x - dune.shape[1] / 2)
    foreign = ring & (np.abs(angle) < 0.15 * np.pi)
    assert 0.1 < foreign.sum() / ring.sum() < 0.25
    answer[foreign] = (30, 90, 40)
    matched = match_colour(dune, answer, edited)
    assert left_over(smooth(matched), smooth(dune), edited) < 0.2 * left_over(smooth(answer), smooth(dune), edited)


def test_what_the_service_kept_stays_as_it_is(dune):
    np.testing.assert_allclose(match_colour(dune, dune, hole(dune)), dune, atol=0.01)


def test_a_part_of_an_answer_is_corrected_as_the_whole_one_is(dune):
    answer, edited = np.clip(dune * 0.95 + 9, 0, 255).astype(np.uint8), hole(dune)
    rows, columns = np.flatnonzero(edited.any(axis=1)), np.flatnonzero(edited.any(axis=0))
    part = (slice(rows[0] - 20, rows[-1] + 20), slice(columns[0] - 20, columns[-1] + 20))
    kept = kept_around(edited)
    found = find_correction(*(sampled(each, EVERY) for each in (dune, answer, kept)), CELL // EVERY)
    window = tuple(side / CELL for side in (part[1].start, part[0].start, part[1].stop, part[0].stop))
    matched = correct(found, dune[part], answer[part], kept[part], window)
    assert matched.shape == dune[part].shape
    np.testing.assert_allclose(matched[1:-1, 1:-1], match_colour(dune, answer, edited)[part][1:-1, 1:-1], atol=0.01)


def test_new_content_in_the_hole_is_not_changed_by_a_service_that_keeps_colours(dune):
    answer, edited = dune.copy(), hole(dune)
    answer[edited] = texture(*dune.shape[:2])[edited]
    np.testing.assert_allclose(match_colour(dune, answer, edited), answer, atol=0.01)


def test_a_blown_out_cloud_stays_white():
    picture = np.full((256, 256, 3), 120, np.uint8)
    picture[64:, :] = 252
    picture[:64] = texture(64, 256)
    answer, edited = as_a_service_does(picture), hole(picture, 0.2)
    assert (answer[edited] == 255).all()
    matched = match_colour(picture, answer, edited)
    assert np.abs(matched[edited] - 252).max() < 1.5


def sky(height=400, width=600):
    """A clear sky, 8 bits, no noise: where banding shows first."""
    y, x = np.mgrid[:height, :width]
    return np.stack([60 + y / 8 + x / 40, 110 + y / 8, 190 + y / 12], axis=-1).round().astype(np.uint8)


def test_a_clear_sky_shows_no_bands():
    """The correction adds no step of its own: what is left after gain is a surface without edges."""
    picture, edited = sky(), hole(sky())
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    vignette = 4 * np.hypot(y - 200, x - 300)[..., None] / 300
    answer = np.clip(np.rint(picture * 1.05 + 6 + vignette), 0, 255).astype(np.uint8)
    sixteen = np.rint(match_colour(picture, answer, edited) * 257).astype(np.int64)
    for channel in range(3):
        levels = answer[..., channel].astype(np.int64)
        for axis in (0, 1):
            same = np.diff(levels, axis=axis) == 0
            # neighbours that were equal differ by the slope of the field only: under 1/10 level, 26/65535
            assert np.abs(np.diff(sixteen[..., channel], axis=axis))[same].max() <= 26
            step = np.diff(levels, axis=axis) == 1
            steps = np.diff(sixteen[..., channel], axis=axis)[step]
            assert steps.min() > 150
            assert steps.max() < 350  # one level of 8 bits, 257, over the gain


def test_a_flat_picture_is_shifted_and_not_stretched():
    picture = np.full((200, 200, 3), (90, 140, 200), np.uint8)
    edited = hole(picture)
    answer = picture + np.uint8(10)
    answer[edited] = 250 - answer[edited] // 2
    matched = match_colour(picture, answer, edited)
    np.testing.assert_allclose(matched, answer.astype(np.float32) - 10, atol=0.6)


def test_a_faint_structure_around_the_repair_does_not_stretch_what_is_inside():
    """Contrast of half a level, halved by the service's rounding: no reason to change the repair's contrast."""
    picture = np.full((200, 200, 3), 140, np.uint8)
    picture[::2] += 1
    picture[:, :100] += 1
    answer, edited = np.full_like(picture, 150), hole(picture)
    answer[edited] = texture(200, 200)[edited]
    matched = match_colour(picture, answer, edited)
    assert matched[edited].std() == pytest.approx(answer[edited].std(), rel=0.08)


@pytest.mark.parametrize("gain", [0.3, 3.0])
def test_another_picture_altogether_is_not_stretched_beyond_recognition(gain):
    picture = texture()
    answer = np.clip(128 + gain * (picture.astype(np.float32) - 128), 0, 255).astype(np.uint8)
    matched = match_colour(picture, answer, hole(picture))
    assert np.isfinite(matched).all()
    assert np.ptp(smooth(matched)) <= np.ptp(smooth(answer)) / 0.8 + 60


def test_a_mask_that_leaves_next_to_nothing_leaves_the_answer_alone():
    picture = texture()
    edited = np.ones(picture.shape[:2], np.bool_)
    edited[:25, :25] = False  # 22 × 22 px once the guard is off: under 1 %
    answer = as_a_service_does(picture)
    np.testing.assert_array_equal(match_colour(picture, answer, edited), answer)


def test_pictures_that_do_not_belong_together_are_refused():
    picture = texture()
    with pytest.raises(ValueError, match="fit together"):
        match_colour(picture, picture[1:], hole(picture))
    with pytest.raises(ValueError, match="fit together"):
        match_colour(picture, picture, hole(picture)[1:])
    with pytest.raises(ValueError, match="fit together"):
        match_sharpness(picture, picture.astype(np.float32), hole(picture)[1:])


@given(st.data(), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_no_picture_and_no_mask_is_too_odd(data, height, width):
    pixels = arrays.arrays(np.uint8, (height, width, 3), elements=st.integers(0, 255), fill=st.integers(0, 255))
    sent, answer = data.draw(pixels), data.draw(pixels)
    edited = data.draw(arrays.arrays(np.bool_, (height, width), fill=st.booleans()))
    matched = match_colour(sent, answer, edited)
    assert matched.shape == sent.shape
    assert matched.dtype == np.float32
    assert np.isfinite(matched).all()


def test_soft_details_become_as_sharp_as_they_were():
    picture = texture()
    soft = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    edited = hole(picture)
    matched = match_sharpness(picture, soft, edited)
    assert left_over(matched, picture, edited) < 0.7 * left_over(soft, picture, edited)


def test_sharp_details_and_a_smooth_sky_are_not_sharpened():
    picture = texture()
    sharp = picture.astype(np.float32)
    assert match_sharpness(picture, sharp, hole(picture)) is sharp
    # a service that denoises, and softens a little: sharpening would not bring the noise back
    noisy = np.clip(picture + np.random.default_rng(6).normal(0, 14, picture.shape), 0, 255).astype(np.uint8)
    other = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(0.5)), np.float32)
    assert match_sharpness(noisy, other, hole(picture)) is other
    gradient = sky()
    half_textured = gradient.copy()
    half_textured[:, :200] = texture(400, 200)
    soft = np.asarray(Image.fromarray(half_textured).filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    matched = match_sharpness(half_textured, soft, hole(gradient))
    assert (matched[:, :190] != soft[:, :190]).any()
    np.testing.assert_array_equal(matched[:, 210:], soft[:, 210:])
