"""A repair that came back smoother than the photograph gets the photograph's grain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageFilter

from bridge.pixels.match_grain import grain_around, match_grain

PHOTO = Path(__file__).parents[3] / "scripts" / "photos" / "extreme-desert-hike.jpg"
LUMA = np.array([0.2126, 0.7152, 0.0722])


def with_grain(colours, original, edited, seed):
    """The repair with the grain of the photograph, if that has any."""
    found = grain_around(original, edited)
    return match_grain(colours, edited, found, seed) if found else colours


def hole(height, width, share=0.2):
    y, x = np.mgrid[:height, :width]
    return ((y - height / 2) / (share * height)) ** 2 + ((x - width / 2) / (share * width)) ** 2 < 1


def grain(height, width, sigma, coarse=False, seed=5):
    """A camera's noise, or a film's: correlated over 2 px, and the channels in part alike."""
    noise = np.random.default_rng(seed).normal(0, sigma, (height, width, 3))
    if coarse:
        noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))) / 2
        noise = 0.8 * noise + 0.6 * noise.mean(axis=2, keepdims=True)
    return noise


def wall(height=320, width=400):
    """Plaster with soft light on it, no noise."""
    y, x = np.mgrid[:height, :width]
    light = 120 + 30 * np.sin(x / 90) + 20 * np.cos(y / 70)
    return np.stack([light, light * 0.9, light * 0.8], axis=-1)


def eight_bits(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def denoised(picture):
    image = Image.fromarray(picture)
    return [
        np.asarray(image.filter(f), np.float32) for f in (ImageFilter.GaussianBlur(1.5), ImageFilter.MedianFilter(5))
    ]


def high(picture):
    """What a 3 × 3 px mean takes from the luma."""
    grey = np.asarray(picture, np.float64) @ LUMA
    padded = np.pad(grey, 1, mode="edge")
    height, width = grey.shape
    return grey - sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9


def ratio(picture, edited):
    energy = high(picture) ** 2
    return energy[edited].mean() / energy[~edited].mean()


@pytest.fixture(scope="module")
def sand():
    """A part of the repository's photograph, with film grain (its own is lost to JPEG)."""
    part = np.asarray(Image.open(PHOTO).convert("RGB").crop((300, 1800, 700, 2120)), np.float64)
    return eight_bits(part + grain(320, 400, 4, coarse=True))


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("sigma", [1.5, 4, 10])
def test_a_smooth_repair_becomes_as_grainy_as_its_surroundings(sigma, coarse):
    photograph = eight_bits(wall() + grain(320, 400, sigma, coarse))
    edited = hole(320, 400)
    for smooth in denoised(photograph):
        assert ratio(np.where(edited[..., None], smooth, photograph), edited) < 0.4
        matched = with_grain(smooth, photograph, edited, 1)
        assert 0.85 < ratio(np.where(edited[..., None], matched, photograph), edited) < 1.2


def test_a_repair_in_a_real_photograph_becomes_as_grainy_as_its_surroundings(sand):
    edited = hole(320, 400)
    for smooth in denoised(sand):
        matched = with_grain(smooth, sand, edited, 1)
        assert 0.85 < ratio(np.where(edited[..., None], matched, sand), edited) < 1.2


def neighbours(noise, where):
    """The correlation of pixels with those to their right."""
    both = where[:, :-1] & where[:, 1:]
    return np.corrcoef(noise[:, :-1][both], noise[:, 1:][both])[0, 1]


@pytest.mark.parametrize("coarse", [False, True])
def test_the_grain_is_as_fine_or_coarse_and_as_colourful_as_the_photographs(coarse):
    noise = grain(320, 400, 5, coarse)
    edited = hole(320, 400, 0.3)
    clean = wall().astype(np.float32)
    added = with_grain(clean, eight_bits(wall() + noise), edited, 1) - clean
    assert abs(neighbours(added @ LUMA, edited) - neighbours(noise @ LUMA, edited)) < 0.12
    found, wanted = np.corrcoef(added[edited].T), np.corrcoef(noise[edited].T)
    np.testing.assert_allclose(found, wanted, atol=0.12)
    np.testing.assert_allclose(added[edited].std(axis=0), noise[edited].std(axis=0), rtol=0.12)


def gray(picture):
    return np.repeat(np.asarray(picture)[..., :1], 3, axis=2)


@pytest.mark.parametrize("coarse", [False, True])
def test_a_black_and_white_photograph_gets_its_grain_and_no_colour(coarse):
    edited = hole(320, 400)
    photograph = gray(eight_bits(wall() + grain(320, 400, 5, coarse)))
    for repair in (*map(gray, denoised(photograph)), *(each + np.float32([8, 0, -8]) for each in denoised(photograph))):
        matched = with_grain(repair, photograph, edited, 1)
        assert 0.85 < ratio(np.where(edited[..., None], matched, photograph), edited) < 1.2
        added = matched - repair
        np.testing.assert_allclose(added[..., 1:], added[..., :1].repeat(2, axis=2), atol=1e-4)


def test_grain_that_only_one_channel_has_of_its_own_is_not_taken_for_gray():
    noise = np.repeat(grain(320, 400, 2)[..., :1], 3, axis=2)
    noise[..., 2] = grain(320, 400, 8, seed=9)[..., 2]
    level = np.full((320, 400, 3), 120, np.float32)
    edited = hole(320, 400)
    added = with_grain(level, eight_bits(level + noise), edited, 1) - level
    np.testing.assert_allclose(added[edited].std(axis=0), (2, 2, 8), rtol=0.15)


def test_a_wire_in_a_black_and_white_photograph_gets_grain_too():
    photograph = gray(eight_bits(wall() + grain(320, 400, 5)))
    edited = np.zeros((320, 400), np.bool_)
    edited[150:157, 30:370] = True
    smooth = gray(wall().astype(np.float32))
    assert (with_grain(smooth, photograph, edited, 1) - smooth)[edited].std() == pytest.approx(5, rel=0.2)


def test_only_what_is_missing_is_added():
    photograph = eight_bits(wall() + grain(320, 400, 6))
    half = eight_bits(wall() + grain(320, 400, 4, seed=8)).astype(np.float32)
    edited = hole(320, 400)
    matched = with_grain(half, photograph, edited, 1)
    assert (matched - half)[edited].std() == pytest.approx((6**2 - 4**2) ** 0.5, rel=0.15)


def test_a_repair_that_is_grainy_already_is_left_alone():
    photograph = eight_bits(wall() + grain(320, 400, 5))
    for sigma in (5, 9):
        repair = eight_bits(wall() + grain(320, 400, sigma, seed=8)).astype(np.float32)
        np.testing.assert_array_equal(with_grain(repair, photograph, hole(320, 400), 1), repair)


def test_texture_beside_the_repair_is_not_taken_for_grain():
    scene = wall()
    scene[:, :120] = np.random.default_rng(2).integers(20, 235, (320, 120, 1))  # a hedge
    photograph = eight_bits(scene + grain(320, 400, 3))
    smooth = wall().astype(np.float32)
    edited = hole(320, 400, 0.15)
    assert (with_grain(smooth, photograph, edited, 1) - smooth)[edited].std() == pytest.approx(3, rel=0.15)


def test_shadows_get_the_noise_of_shadows_and_lights_that_of_lights():
    level = np.linspace(40, 200, 400)[None, :, None] * np.ones((320, 1, 3))
    sigma = np.linspace(2, 8, 400)[None, :, None]
    photograph = eight_bits(level + sigma * grain(320, 400, 1))
    edited = np.zeros((320, 400), np.bool_)
    edited[120:200, 20:380] = True
    smooth = level.astype(np.float32)
    added = with_grain(smooth, photograph, edited, 1) - smooth
    for columns in (slice(20, 100), slice(300, 380)):
        assert added[120:200, columns].std() == pytest.approx(sigma[0, columns].mean(), rel=0.2)


def test_an_object_that_was_removed_has_no_say_in_the_grain():
    scene = wall() + grain(320, 400, 3)
    edited = hole(320, 400, 0.45)
    scene[edited] = wall()[edited]  # a plastic toy, out of focus
    smooth = wall().astype(np.float32)
    assert (with_grain(smooth, eight_bits(scene), edited, 1) - smooth)[edited].std() == pytest.approx(3, rel=0.15)


def graphics():
    picture = np.zeros((320, 400, 3), np.uint8)
    picture[:, :200] = (200, 30, 30)
    picture[100:220] = (240, 240, 240)
    return picture


@pytest.mark.parametrize("original", [graphics(), eight_bits(wall()), np.zeros((320, 400, 3), np.uint8)])
def test_graphics_and_clean_gradients_get_no_grain(original):
    smooth = original.astype(np.float32)
    np.testing.assert_array_equal(with_grain(smooth, original, hole(320, 400), 1), smooth)


def test_nothing_changes_outside_the_repair():
    photograph = eight_bits(wall() + grain(320, 400, 5))
    smooth, edited = wall().astype(np.float32), hole(320, 400)
    before = smooth.copy()
    matched = with_grain(smooth, photograph, edited, 1)
    np.testing.assert_array_equal(smooth, before)
    np.testing.assert_array_equal(matched[~edited], smooth[~edited])
    assert (matched[edited] != smooth[edited]).mean() > 0.9


def test_the_seed_decides():
    photograph = eight_bits(wall() + grain(320, 400, 5))
    smooth, edited = wall().astype(np.float32), hole(320, 400)
    one, again, other = (with_grain(smooth, photograph, edited, seed) for seed in (7, 7, 4_294_967_296))
    np.testing.assert_array_equal(one, again)
    assert (one != other)[edited].mean() > 0.9


def test_a_wire_of_a_few_px_gets_grain_too():
    photograph = eight_bits(wall() + grain(320, 400, 5))
    edited = np.zeros((320, 400), np.bool_)
    edited[150:157, 30:370] = True
    smooth = wall().astype(np.float32)
    assert (with_grain(smooth, photograph, edited, 1) - smooth)[edited].std() == pytest.approx(5, rel=0.2)
    grainy = eight_bits(wall() + grain(320, 400, 5, seed=8)).astype(np.float32)
    np.testing.assert_array_equal(with_grain(grainy, photograph, edited, 1), grainy)


def test_a_photograph_of_16_bits_is_measured_as_well():
    photograph = (wall() + grain(320, 400, 0.8)).astype(np.float32)
    smooth, edited = wall().astype(np.float32), hole(320, 400)
    assert (with_grain(smooth, photograph, edited, 1) - smooth)[edited].std() == pytest.approx(0.8, rel=0.15)


def test_grain_stays_within_the_range_of_colours():
    photograph = eight_bits(np.full((320, 400, 3), 236.0) + grain(320, 400, 6))
    smooth = np.full((320, 400, 3), 253, np.float32)
    smooth[160] = 258  # beyond, as scaling leaves it: not cut off here
    matched = with_grain(smooth, photograph, hole(320, 400), 1)
    assert matched.min() >= 0
    assert matched.max() <= 258


def test_pictures_that_do_not_belong_together_are_refused():
    photograph, edited = eight_bits(wall() + grain(320, 400, 3)), hole(320, 400)
    with pytest.raises(ValueError, match="fit together"):
        grain_around(photograph[1:], edited)
    found = grain_around(photograph, edited)
    with pytest.raises(ValueError, match="fit together"):
        match_grain(photograph.astype(np.float32), edited[:, 1:], found, 1)


@given(st.data(), st.integers(1, 70), st.integers(1, 70), st.integers(1, 2**32))
@settings(max_examples=60, deadline=None)
def test_no_picture_and_no_mask_is_too_odd(data, height, width, seed):
    noisy = data.draw(st.booleans())
    picture = grain(height, width, 20) + 120 if noisy else np.full((height, width, 3), data.draw(st.integers(0, 255)))
    y, x, down, across = (data.draw(st.integers(0, 80)) for _ in range(4))
    edited = np.zeros((height, width), np.bool_)
    edited[y : y + down, x : x + across] = True
    smooth = data.draw(arrays.arrays(np.float32, (height, width, 3), elements=st.floats(-5, 260, width=32)))
    matched = with_grain(smooth, eight_bits(picture), edited, seed)
    assert matched.dtype == np.float32
    assert np.isfinite(matched).all()
    np.testing.assert_array_equal(matched[~edited], smooth[~edited])
