"""Pictures are scaled by Pillow's filter, without rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.pixels.imaging import resampled


def noise(height, width, channels=3):
    return np.random.default_rng(1).uniform(0, 255, (height, width, channels)).astype(np.float32)


def pillows(pixels, size, box=None):
    planes = [Image.fromarray(np.ascontiguousarray(pixels[..., at])) for at in range(pixels.shape[2])]
    return np.dstack([np.asarray(each.resize(size, Image.Resampling.LANCZOS, box=box)) for each in planes])


@pytest.mark.parametrize("size", [(418, 400), (900, 1000), (71, 60), (300, 90), (1, 1), (97, 113)], ids=str)
def test_a_picture_is_scaled_as_pillow_scales_it(size):
    pixels = noise(113, 97)
    np.testing.assert_allclose(resampled(pixels, size), pillows(pixels, size), atol=0.01)


def test_a_part_comes_from_where_it_is_with_what_is_around_it():
    pixels, box = noise(120, 90), (10.25, 20.5, 70.0, 99.75)
    np.testing.assert_allclose(resampled(pixels, (41, 53), box), pillows(pixels, (41, 53), box), atol=0.05)
    whole = resampled(pixels, (180, 240))
    np.testing.assert_allclose(resampled(pixels, (60, 80), (15, 20, 45, 60)), whole[40:120, 30:90], atol=0.01)


def test_bytes_are_scaled_as_well_and_nothing_is_rounded_or_changed():
    pixels = np.rint(noise(50, 40)).astype(np.uint8)
    before = pixels.copy()
    scaled = resampled(pixels, (33, 44))
    assert scaled.dtype == np.float32
    assert (scaled != np.rint(scaled)).mean() > 0.9
    np.testing.assert_allclose(scaled, resampled(pixels.astype(np.float32), (33, 44)))
    np.testing.assert_array_equal(pixels, before)


@settings(max_examples=60, deadline=None)
@given(*[st.integers(1, 70)] * 4, st.integers(1, 4))
def test_a_flat_picture_stays_flat_at_any_size(height, width, high, wide, channels):
    scaled = resampled(np.full((height, width, channels), 77, np.uint8), (wide, high))
    assert scaled.shape == (high, wide, channels)
    np.testing.assert_allclose(scaled, 77, atol=1e-3)
