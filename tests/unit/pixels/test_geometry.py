"""What is cut out of the canvas and sent."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.pixels.geometry import (
    LEAST_CONTEXT,
    RECOMMENDED_SIZES,
    STRETCH_LIMIT,
    Box,
    Crop,
    Padding,
    Size,
    bounds,
    context_for,
    disjoint,
    plan_crop,
    stretch,
)

NOTHING = Padding(0, 0, 0, 0)


def test_the_recommended_sizes_are_those_of_the_documentation():
    assert sorted(RECOMMENDED_SIZES.values()) == [
        (768, 1344), (832, 1216), (1024, 1024), (1152, 896), (1216, 832), (1344, 768), (1536, 640),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("area", "context", "canvas", "expected"),
    [
        # room on all sides: context grows to the best-fitting shape, around the selection's middle
        ((2000, 1000, 600, 400), 300, (6000, 4000), Crop(Box(1657, 700, 1286, 1000), NOTHING, Size(1152, 896))),
        ((2000, 1000, 400, 400), 200, (6000, 4000), Crop(Box(1800, 800, 800, 800), NOTHING, Size(1024, 1024))),
        # in a corner the crop is pushed inside
        ((1490, 990, 10, 10), 64, (1500, 1000), Crop(Box(1426, 926, 74, 74), NOTHING, Size(1024, 1024))),
        # the whole of a canvas that has a recommended shape
        ((0, 0, 1344, 768), 672, (1344, 768), Crop(Box(0, 0, 1344, 768), NOTHING, Size(1344, 768))),
        # the whole of a 3:2 photograph: no shape fits, so some rows are mirrored
        ((0, 0, 3000, 2000), 64, (3000, 2000), Crop(Box(0, 0, 3000, 2000), Padding(0, 26, 0, 27), Size(1216, 832))),
        # a panorama: its whole short side
        ((0, 0, 4000, 300), 64, (4000, 300), Crop(Box(0, 0, 4000, 300), Padding(0, 683, 0, 684), Size(1536, 640))),
        # a single pixel of a single-pixel image
        ((0, 0, 1, 1), 64, (1, 1), Crop(Box(0, 0, 1, 1), NOTHING, Size(1024, 1024))),
    ],
)
def test_crops_are_where_a_retoucher_would_put_them(area, context, canvas, expected):
    assert plan_crop(Box(*area), context, Size(*canvas)) == expected


@pytest.mark.parametrize(
    ("selection", "percent", "expected"),
    [((0, 0, 600, 400), 50, 300), ((0, 0, 10, 20), 50, LEAST_CONTEXT), ((0, 0, 600, 400), 0, LEAST_CONTEXT),
     ((0, 0, 600, 400), 400, 2400)],
)  # fmt: skip
def test_context_follows_the_longer_side_and_is_never_less_than_64_px(selection, percent, expected):
    assert context_for(Box(*selection), percent) == expected


@st.composite
def areas_in_canvases(draw):
    side = st.one_of(st.integers(1, 60), st.integers(1, 20_000))
    canvas = Size(draw(side), draw(side))
    width, height = draw(st.integers(1, canvas.width)), draw(st.integers(1, canvas.height))
    x, y = draw(st.integers(0, canvas.width - width)), draw(st.integers(0, canvas.height - height))
    return Box(x, y, width, height), canvas


@given(areas_in_canvases(), st.integers(LEAST_CONTEXT, 5000))
@example((Box(0, 0, 300, 2000), Size(300, 5000)), 1000)
def test_every_crop_covers_the_area_inside_the_canvas_at_a_recommended_size(planned, context):
    area, canvas = planned
    crop = plan_crop(area, context, canvas)
    whole = Box(0, 0, *canvas)
    assert whole.contains(crop.box)
    assert crop.box.contains(area)
    assert crop.size in RECOMMENDED_SIZES.values()
    assert stretch(crop.frame, crop.size) <= STRETCH_LIMIT
    assert min(crop.padding) >= 0


@given(areas_in_canvases(), st.integers(LEAST_CONTEXT, 5000))
@example((Box(0, 0, 1, 1), Size(33, 55)), 64)
def test_nothing_is_mirrored_while_a_shape_fits_around_the_area(planned, context):
    area, canvas = planned
    crop = plan_crop(area, context, canvas)
    left, top, right, bottom = crop.padding
    if left + right:
        assert crop.box.width == canvas.width
    if top + bottom:
        assert crop.box.height == canvas.height
    if crop.padding == NOTHING and crop.box.width < canvas.width and crop.box.height < canvas.height:
        shown = crop.box.within(area.grown(context).within(Box(0, 0, *canvas)))
        assert shown == area.grown(context).within(Box(0, 0, *canvas))


@given(areas_in_canvases())
def test_boxes_keep_their_meaning_when_they_are_moved_and_cut(planned):
    box, canvas = planned
    whole = Box(0, 0, *canvas)
    assert box.grown(5).within(whole).contains(box)
    assert box.relative_to(box) == Box(0, 0, *box.size)
    assert box.within(Box(box.right, box.y, 5, 5)).is_empty


@given(areas_in_canvases(), st.integers(-50, 50), st.integers(-50, 50))
def test_boxes_overlap_when_they_have_a_pixel_in_common(planned, dx, dy):
    box, _ = planned
    moved = Box(box.x + dx, box.y + dy, *box.size)
    assert box.overlaps(moved) == moved.overlaps(box) == (not box.within(moved).is_empty)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ((), ()),
        # edges that touch have no pixel in common
        (((5, 0, 5, 5), (0, 0, 5, 5), (0, 5, 5, 5)), ((0, 0, 5, 5), (5, 0, 5, 5), (0, 5, 5, 5))),
        (((0, 0, 5, 5), (4, 4, 5, 5)), ((0, 0, 9, 9),)),
        # the bounds of two take in a third that overlapped neither
        (((7, 0, 2, 2), (0, 0, 5, 5), (4, 4, 5, 5), (9, 0, 2, 2)), ((0, 0, 9, 9), (9, 0, 2, 2))),
    ],
)
def test_overlapping_boxes_become_one(boxes, expected):
    assert disjoint(Box(*box) for box in boxes) == expected


def test_bounds_hold_every_box_and_no_more():
    assert bounds([Box(3, 9, 2, 2), Box(7, 1, 4, 1)]) == Box(3, 1, 8, 10)
