"""Transparent photographs: what is sent of them, and which alpha a result has."""

import numpy as np
import pytest

from bridge.pixels import transparency


def test_transparent_pixels_are_sent_in_the_colours_around_them():
    pixels = np.full((40, 40, 4), 0, np.uint8)
    pixels[:, :20] = (200, 100, 50, 255)
    filled = transparency.fill_transparent(pixels)
    np.testing.assert_array_equal(filled[:, :20], pixels[:, :20, :3])
    assert np.abs(filled[:, 20:].astype(int) - (200, 100, 50)).max() <= 2


def test_what_fills_an_edge_that_fades_shows_no_seam_where_the_photograph_is_opaque():
    answer = np.full((1, 256, 3), (200, 0, 100), np.float32)
    original = np.full((1, 256, 4), (0, 200, 100, 255), np.uint8)
    original[0, :, 3] = np.arange(256)  # opaque at the right
    share = 255 - original[..., 3]
    colours = transparency.filled(answer, original, share)
    np.testing.assert_array_equal(colours[0, 0], (200, 0, 100))
    assert np.abs(colours[0, 254] - (0, 200, 100)).max() < 2
    assert np.abs(np.diff(colours[0, :255], axis=0)).max() < 2
    np.testing.assert_array_equal(colours[0, 255], answer[0, 255])


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        ((0, 255, 255, 90), None),
        ((9, 0, 255, 200), (0, 0, 255, 255)),
        ((9, 254, 255, 200), (9, 254, 255, 200)),
        ((0, 0, 0, 0), (0, 0, 0, 0)),
    ],
    ids=["opaque", "hard", "soft", "nothing"],
)
def test_only_the_alpha_that_the_mask_shows_counts(alpha, expected):
    shown = transparency.shown_alpha(np.array([alpha], np.uint8), np.array([[0, 255, 1, 0]], np.uint8))
    assert (shown if shown is None else tuple(shown[0])) == expected
