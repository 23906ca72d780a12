"""The disjoint parts of a selection."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bridge.job.islands import MOST_ISLANDS, islands
from bridge.pixels.geometry import Box, bounds, disjoint


def painted(width, height, *boxes):
    mask = np.zeros((height, width), np.uint8)
    for x, y, w, h in boxes:
        mask[y : y + h, x : x + w] = 255
    return mask


def touching_parts(mask, reach):
    """Slow and plain: flood fill over pixels at most `reach` columns and rows from each other."""
    unseen = {(int(x), int(y)) for y, x in np.argwhere(mask)}
    parts = []
    while unseen:
        waiting, part = deque([unseen.pop()]), []
        while waiting:
            x, y = waiting.popleft()
            part.append(Box(x, y, 1, 1))
            near = [
                (x + dx, y + dy)
                for dx in range(-reach, reach + 1)
                for dy in range(-reach, reach + 1)
                if (x + dx, y + dy) in unseen
            ]
            unseen.difference_update(near)
            waiting.extend(near)
        parts.append(bounds(part))
    return disjoint(parts)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ((), ()),
        (((5, 7, 1, 1),), ((5, 7, 1, 1),)),
        (((0, 0, 200, 100),), ((0, 0, 200, 100),)),
        # from top to bottom, then from left to right
        (((150, 60, 9, 9), (3, 60, 9, 9), (90, 2, 9, 9)), ((90, 2, 9, 9), (3, 60, 9, 9), (150, 60, 9, 9))),
        # an empty column is enough to see two parts, but not to pay for two requests
        (((10, 10, 20, 20), (31, 10, 20, 20)), ((10, 10, 41, 20),)),
        # 16 px are
        (((10, 10, 20, 20), (46, 10, 20, 20)), ((10, 10, 20, 20), (46, 10, 20, 20))),
        # an L around a dot; the dot is in its bounds
        (((10, 10, 8, 80), (10, 82, 80, 8), (70, 20, 3, 3)), ((10, 10, 80, 80),)),
        # a ring around a dot
        (((10, 10, 80, 5), (10, 85, 80, 5), (10, 10, 5, 80), (85, 10, 5, 80), (48, 48, 2, 2)), ((10, 10, 80, 80),)),
        # a dot in the angle of an L but above its bounds
        (((0, 12, 8, 36), (0, 40, 61, 8), (40, 8, 8, 2)), ((40, 8, 8, 2), (0, 12, 61, 36))),
        # at the mask's right and lower edges, which cut cells in two
        (((198, 97, 2, 3), (0, 99, 1, 1)), ((198, 97, 2, 3), (0, 99, 1, 1))),
    ],
)  # fmt: skip
def test_parts_are_told_apart_as_a_retoucher_would(boxes, expected):
    assert islands(painted(200, 100, *boxes)) == expected


def test_faint_pixels_of_a_feathered_selection_belong_to_it():
    mask = painted(100, 50, (20, 20, 10, 10))
    mask[15, 40] = 1
    assert islands(mask, 4) == (Box(40, 15, 1, 1), Box(20, 20, 10, 10))


def test_the_array_may_be_read_only_or_part_of_another():
    mask = painted(300, 200, (20, 20, 10, 10), (150, 100, 10, 10))[10:190:2, 10:290]
    mask.flags.writeable = False
    assert islands(mask) == (Box(10, 5, 10, 5), Box(140, 45, 10, 5))


def test_a_mask_without_pixels_has_no_parts():
    assert islands(np.zeros((0, 5), np.uint8)) == islands(np.zeros((5, 0), np.uint8)) == ()


def test_a_speckled_selection_falls_into_no_more_parts_than_anybody_could_pay_for():
    mask = np.zeros((2000, 2000), np.uint8)
    mask[::40, ::40] = 255
    parts = islands(mask)
    assert 1 <= len(parts) <= MOST_ISLANDS
    assert bounds(parts) == Box(0, 0, 1961, 1961)


def test_the_mask_of_a_24_megapixel_photograph_is_no_trouble():
    spots = [Box(x, y, 31, 17) for y in (100, 3900) for x in (50, 3001, 5969)]
    assert islands(painted(6000, 4000, *spots)) == tuple(spots)
    assert islands(np.full((4000, 6000), 255, np.uint8)) == (Box(0, 0, 6000, 4000),)


def blobs(draw):
    """A few rectangles and single pixels: apart more often than noise is."""
    width, height = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    mask = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(0, 8))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        mask[y : y + draw(st.integers(1, 12)), x : x + draw(st.integers(1, 12))] = draw(st.integers(1, 255))
    return mask


masks = st.one_of(
    st.composite(blobs)(),
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 255), fill=st.just(0)),
)


@given(masks, st.integers(1, 20))
def test_every_selected_pixel_is_in_exactly_one_tight_box(mask, least_gap):
    parts = islands(mask, least_gap)
    times = np.zeros(mask.shape, int)
    for box in parts:
        times[box.y : box.bottom, box.x : box.right] += 1
        inside = mask[box.y : box.bottom, box.x : box.right]
        assert inside.shape == (box.height, box.width)
        assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()  # noqa: PT018
    assert times.max(initial=0) <= 1
    assert (times[mask > 0] == 1).all()


@given(masks)
def test_without_a_gap_the_parts_are_those_of_a_flood_fill(mask):
    assert islands(mask, 1) == touching_parts(mask, 1)


@given(masks, st.integers(1, 20))
def test_parts_that_touch_are_one_and_parts_with_the_gap_between_them_are_apart(mask, least_gap):
    parts = islands(mask, least_gap)
    assert all(any(box.contains(one) for box in parts) for one in touching_parts(mask, 1))
    assert all(any(box.contains(one) for box in touching_parts(mask, least_gap)) for one in parts)
