"""Into how many requests what is new on a larger canvas is divided."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.job.planning import LARGEST_SCALE_DOWN
from bridge.job.tiles import MOST_TILES, strips, tiles
from bridge.pixels.geometry import Box, Size, plan_crop


def crop_of(canvas, part):
    return plan_crop(part, max(64, min(part.size) // 2), canvas)


def plan(canvas, before, together=False):
    return tiles(canvas, before, partial(crop_of, canvas), together)


CASES = [
    # a canvas that one request shows sharply enough
    (Size(1200, 800), Box(200, 0, 1000, 800), 1),
    # 16:9 from 3:2 at 24 megapixels: two strips that are 667 px wide and 4000 px high
    (Size(7111, 4000), Box(555, 0, 6000, 4000), 6),
    # one edge of it
    (Size(6600, 4000), Box(0, 0, 6000, 4000), 3),
    # all around, at 12 megapixels
    (Size(4400, 3400), Box(200, 200, 4000, 3000), 8),
]


@pytest.mark.parametrize(("canvas", "before", "count"), CASES)
def test_as_few_requests_as_the_resolution_allows(canvas, before, count):
    crops = plan(canvas, before)
    assert len(crops) == count
    assert all(crop.scale >= 1 / LARGEST_SCALE_DOWN for crop in crops)


def test_more_than_eight_requests_are_never_made_and_the_resolution_falls_instead():
    crops = plan(Size(16000, 12000), Box(2000, 2000, 12000, 8000))
    assert 1 <= len(crops) <= MOST_TILES
    assert min(crop.scale for crop in crops) < 1 / LARGEST_SCALE_DOWN


def test_together_is_one_request_however_much_that_is_scaled_down():
    (crop,) = plan(Size(7111, 4000), Box(555, 0, 6000, 4000), together=True)
    assert crop.scale < 1 / LARGEST_SCALE_DOWN


@st.composite
def expansions(draw):
    width, height = draw(st.integers(1, 5000)), draw(st.integers(1, 5000))
    left, top, right, bottom = (draw(st.sampled_from([0, 0, 1, 40, 700, 3000])) for _edge in range(4))
    return Size(left + width + right, top + height + bottom), Box(left, top, width, height)


@given(expansions())
@settings(max_examples=80, deadline=None)
def test_every_new_pixel_is_shown_and_every_later_request_shows_what_is_already_there(expansion):
    canvas, before = expansion
    if before.size == canvas:
        return
    crops = plan(canvas, before)
    assert 1 <= len(crops) <= MOST_TILES
    there = np.zeros((canvas.height // 8 + 1, canvas.width // 8 + 1), np.bool_)  # each eighth px, to be quick

    def mark(box):
        there[-(-box.y // 8) : -(-box.bottom // 8), -(-box.x // 8) : -(-box.right // 8)] = True

    known = [before]
    mark(before)
    for crop in crops:
        assert Box(0, 0, *canvas).contains(crop.box)
        assert any(crop.box.overlaps(box) for box in known)
        known.append(crop.box)
        mark(crop.box)
    assert there[: -(-canvas.height // 8), : -(-canvas.width // 8)].all()


@pytest.mark.parametrize("upright_first", [True, False])
def test_the_strips_are_all_that_is_new_and_none_overlaps_another(upright_first):
    canvas, before = Size(100, 80), Box(10, 20, 60, 50)
    boxes = [strip.box for strip in strips(canvas, before, upright_first)]
    covered = np.zeros((80, 100), np.uint8)
    for box in boxes:
        covered[box.slices] += 1
    covered[before.slices] += 1
    assert (covered == 1).all()
