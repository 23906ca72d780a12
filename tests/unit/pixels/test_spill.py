"""What an answer added beyond the part that it was to regenerate."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bridge.pixels.match_colour import kept_around, match_colour
from bridge.pixels.spill import Where, fade_of, spilled

SIZE, MARGIN = 240, 24
Y, X = np.mgrid[0:SIZE, 0:SIZE]
INSIDE = (abs(X - 120) < 40) & (abs(Y - 120) < 40)
WITHIN = (abs(X - 120) < 40 + MARGIN) & (abs(Y - 120) < 40 + MARGIN)


def photograph():
    """Shading, edges, texture and noise."""
    shading = 60 + X // 3 + Y // 6 + 40 * ((X // 31 + Y // 23) % 2) + 12 * ((X // 3 + Y // 2) % 2) * (X > 130)
    noise = np.random.default_rng(3).integers(-5, 6, (SIZE, SIZE, 3))
    return np.clip(shading[..., None] * [1.0, 0.9, 0.75] + noise, 0, 255).astype(np.uint8)


def found(answer):
    sent = photograph()
    return spilled(sent, answer, match_colour(sent, answer, INSIDE), Where(INSIDE, WITHIN, kept_around(WITHIN), 2))


def whole(levels):
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def repaired(picture):
    """Something else inside, up to its very edge."""
    changed = picture.copy()
    changed[INSIDE] = np.roll(picture, 77, axis=1)[INSIDE]
    return changed


def jpeg(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def filtered(kind):
    return lambda picture: np.asarray(Image.fromarray(picture).filter(kind))


#: What a service does to all of a picture.
DRIFTS = {
    "nothing": lambda picture: picture,
    "lighter": lambda picture: whole(picture + 15.0),
    "much darker": lambda picture: whole(picture - 40.0),
    "contrast": lambda picture: whole((picture - 128.0) * 1.2 + 128),
    "gamma 0.7": lambda picture: whole(255 * (picture / 255) ** 0.7),
    "gamma 1.4": lambda picture: whole(255 * (picture / 255) ** 1.4),
    "a gradient": lambda picture: whole(picture + (X / 6 - 20.0)[..., None] * [1, 0.5, -1]),
    "JPEG at 75": lambda picture: jpeg(picture, 75),
    "JPEG at 30": lambda picture: jpeg(picture, 30),
    "noise": lambda picture: whole(picture + np.random.default_rng(5).normal(0, 8, picture.shape)),
    "no noise": filtered(ImageFilter.MedianFilter(5)),
    "blur": filtered(ImageFilter.GaussianBlur(2)),
    "sharper": filtered(ImageFilter.UnsharpMask(2, 100, 0)),
    "one px to the right": lambda picture: np.roll(picture, 1, axis=1),
    "warmer": lambda picture: whole(picture * [1.1, 1.0, 0.85]),
    "another picture": lambda picture: np.rot90(picture).copy(),
    "inverted": lambda picture: 255 - picture,
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_service_that_changes_all_of_the_picture_shows_nothing_beyond(drift):
    assert found(DRIFTS[drift](photograph())) is None


@pytest.mark.parametrize("drift", DRIFTS)
def test_neither_does_one_that_also_repaired_what_it_was_to_repair(drift):
    assert found(DRIFTS[drift](repaired(photograph()))) is None


def disc(picture, radius, colour, x=120, y=120):
    painted = picture.copy()
    painted[(X - x) ** 2 + (Y - y) ** 2 <= radius**2] = colour
    return painted


@pytest.mark.parametrize("drift", ["nothing", "lighter", "gamma 0.7", "a gradient", "JPEG at 75", "blur"])
@pytest.mark.parametrize("colour", [(220, 40, 30), (20, 30, 25), (240, 240, 240)], ids=str)
def test_a_disc_that_is_larger_than_the_part_is_found_whole(drift, colour):
    shown = found(DRIFTS[drift](disc(repaired(photograph()), 54, colour)))
    assert shown is not None
    beyond = ((X - 120) ** 2 + (Y - 120) ** 2 <= 54**2) & ~INSIDE
    assert (shown[beyond] == 255).all()
    far = (X - 120) ** 2 + (Y - 120) ** 2 > (54 + 14) ** 2
    assert not shown[far & ~INSIDE].any()


def test_its_edge_is_soft():
    shown = found(disc(photograph(), 54, (220, 40, 30)))
    assert len(np.unique(shown[120, 160:])) > 3


def test_something_that_does_not_touch_the_inside_is_not_shown():
    assert found(disc(repaired(photograph()), 6, (220, 40, 30), x=172)) is None


def test_the_fading_edge_of_the_inside_stays_where_nothing_reaches_beyond():
    shown = found(disc(repaired(photograph()), 16, (220, 40, 30), x=160))
    assert shown[120, 170] == 255
    assert not shown[INSIDE & (X < 150)].any()
    assert not shown[:, :90].any()


def test_a_picture_too_small_to_compare_with_shows_nothing():
    sent, everything = photograph(), np.ones((SIZE, SIZE), bool)
    answer = disc(sent, 54, (220, 40, 30)).astype(np.float32)
    assert spilled(sent, answer, answer, Where(INSIDE, everything, ~everything, 2)) is None


def test_an_object_larger_than_the_margin_is_shown_as_far_as_that_goes():
    shown = found(disc(photograph(), 74, (220, 40, 30)))
    assert (shown[WITHIN & ~INSIDE & ((X - 120) ** 2 + (Y - 120) ** 2 < 74**2)] == 255).all()


@pytest.mark.parametrize(("feathered", "fade"), [(0, 1), (3, 8), (20, 64)])
def test_how_far_a_mask_fades_is_measured(feathered, fade):
    mask = Image.fromarray(INSIDE.astype(np.uint8) * 255)
    assert fade_of(np.asarray(mask.filter(ImageFilter.BoxBlur(feathered)))) <= fade
    assert fade_of(np.asarray(mask.filter(ImageFilter.BoxBlur(feathered)))) >= max(1, feathered)
