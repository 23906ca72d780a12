"""How several areas become requests."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.job.planning import AREAS, LARGEST_SCALE_DOWN, RESOLUTIONS, plan_pieces
from bridge.pixels.geometry import (
    LEAST_CONTEXT,
    RECOMMENDED_SIZES,
    Box,
    Crop,
    Padding,
    Size,
    bounds,
    context_for,
    disjoint,
    plan_crop,
    plan_native_crop,
)

PHOTOGRAPH = Size(6000, 4000)
NOTHING = Padding(0, 0, 0, 0)
LEAST_SCALE = 1 / LARGEST_SCALE_DOWN
NATIVE_LIMIT = 4.0


def context(area):
    return context_for(area, 50)


def spot(x, y, side=40):
    return Box(x, y, side, side)


def planned_crops(*arguments):
    return tuple(piece.crop for piece in planned(*arguments))


def planned(parts, canvas, areas, resolution="recommended", limit=NATIVE_LIMIT):
    return plan_pieces(tuple(parts), context, canvas, areas, resolution, limit)


@pytest.mark.parametrize(
    ("parts", "areas", "expected"),
    [
        # far apart: each on its own, unless the user wants them in one picture
        ((spot(100, 100), spot(5000, 3000)), "auto", (spot(100, 100), spot(5000, 3000))),
        ((spot(100, 100), spot(5000, 3000)), "separate", (spot(100, 100), spot(5000, 3000))),
        ((spot(100, 100), spot(5000, 3000)), "together", (Box(100, 100, 4940, 2940),)),
        # one crop holds both without loss
        ((spot(100, 100), spot(400, 100)), "auto", (Box(100, 100, 340, 40),)),
        ((spot(100, 100), spot(400, 100)), "separate", (spot(100, 100), spot(400, 100))),
        # two neighbours whose crops overlap, a third far away
        ((spot(100, 100), spot(220, 100), spot(5000, 3000)), "auto", (Box(100, 100, 160, 40), spot(5000, 3000))),
        # crops that only nearly touch
        ((spot(9, 9), spot(190, 9), spot(5000, 3000)), "auto", (spot(9, 9), spot(190, 9), spot(5000, 3000))),
        # overlapping areas are one, whatever the user chose
        ((spot(100, 100), spot(130, 130), spot(5000, 3000)), "separate", (Box(100, 100, 70, 70), spot(5000, 3000))),
        # overlapping crops that would lose resolution together
        ((spot(100, 100, 600), spot(1000, 100, 600)), "auto", (spot(100, 100, 600), spot(1000, 100, 600))),
        # from top to bottom, then from left to right
        ((spot(9, 3000), spot(5000, 9), spot(9, 9)), "auto", (spot(9, 9), spot(5000, 9), spot(9, 3000))),
        ((), "auto", ()),
    ],
)  # fmt: skip
def test_areas_are_joined_where_a_retoucher_would_join_them(parts, areas, expected):
    assert tuple(piece.area for piece in planned(parts, PHOTOGRAPH, areas)) == expected


def test_a_single_area_is_sent_as_it_was_before_there_could_be_several():
    area = Box(2000, 1000, 2600, 1400)
    for areas in AREAS:
        assert planned_crops((area,), PHOTOGRAPH, areas) == (plan_crop(area, 1300, PHOTOGRAPH),)


def test_a_spot_beside_a_large_object_rides_along_in_its_crop():
    large, near, far = Box(1000, 1000, 2000, 1500), spot(3100, 1500), spot(5500, 3500)
    alone = plan_crop(large, context(large), PHOTOGRAPH)
    assert alone.scale < LEAST_SCALE
    assert alone.box.contains(near)
    pieces = planned((large, near, far), PHOTOGRAPH, "auto")
    assert pieces[0].area == bounds([large, near])
    assert pieces[0].crop == alone
    assert [piece.area for piece in pieces[1:]] == [far]


def test_neighbours_are_joined_where_the_coarser_loses_nothing():
    wide, below = Box(1000, 1000, 3000, 100), spot(2500, 1620)
    alone = plan_crop(wide, 64, PHOTOGRAPH)
    assert alone.scale < LEAST_SCALE
    (piece,) = plan_pieces((wide, below), lambda _: 64, PHOTOGRAPH, "auto", "recommended", NATIVE_LIMIT)
    assert piece.area == bounds([wide, below])
    assert piece.crop.scale == alone.scale


def test_two_neighbours_are_not_joined_across_a_third_that_would_lose_by_it():
    left, below, wide = spot(1000, 1000), spot(1100, 1100), Box(1060, 1010, 2150, 70)
    pieces = plan_pieces((left, below, wide), lambda _: 64, PHOTOGRAPH, "auto", "recommended", NATIVE_LIMIT)
    assert [piece.area for piece in pieces] == [left, bounds([below, wide])]


@given(st.lists(st.tuples(st.integers(0, 1940), st.integers(0, 1940), st.integers(1, 60)), min_size=6, max_size=6))
def test_six_dust_spots_across_a_photograph_come_back_at_its_own_resolution(offsets):
    spots = [spot(n % 3 * 2000 + x, n // 3 * 2000 + y, side) for n, (x, y, side) in enumerate(offsets)]
    assume(planned(spots, PHOTOGRAPH, "together")[0].crop.scale < LEAST_SCALE)
    for resolution in RESOLUTIONS:
        assert all(piece.crop.scale >= 1 for piece in planned(spots, PHOTOGRAPH, "auto", resolution))


@pytest.mark.parametrize(
    ("area", "canvas", "limit", "expected"),
    [
        # rounded up to multiples of 8 by more context
        ((900, 900, 600, 401), (6000, 4000), 4.0, Crop(Box(600, 596, 1200, 1008), NOTHING, Size(1200, 1008))),
        # in a corner the crop grows inwards
        ((0, 0, 10, 20), (6000, 4000), 4.0, Crop(Box(0, 0, 80, 88), NOTHING, Size(80, 88))),
        # no room for more context: mirrored
        ((0, 0, 101, 99), (101, 99), 4.0, Crop(Box(0, 0, 101, 99), Padding(1, 2, 2, 3), Size(104, 104))),
        ((0, 0, 1, 1), (1, 1), 4.0, Crop(Box(0, 0, 1, 1), Padding(3, 3, 4, 4), Size(8, 8))),
        # exactly at the limit, and beyond it
        ((0, 0, 2000, 2000), (2000, 2000), 4.0, Crop(Box(0, 0, 2000, 2000), NOTHING, Size(2000, 2000))),
        ((0, 0, 4000, 4000), (4000, 4000), 4.0, Crop(Box(0, 0, 4000, 4000), NOTHING, Size(2000, 2000))),
        ((0, 0, 6000, 4000), (6000, 4000), 4.0, Crop(Box(0, 0, 6000, 4000), NOTHING, Size(2448, 1632))),
        ((0, 0, 1000, 20000), (1000, 20000), 4.0, Crop(Box(0, 0, 1000, 20000), NOTHING, Size(440, 8800))),
        # a little stretch rather than mirrored rows; mirrored columns where it would be seen
        ((0, 0, 800, 1208), (800, 1208), 0.242, Crop(Box(0, 0, 800, 1208), NOTHING, Size(400, 600))),
        ((0, 0, 24, 96), (24, 96), 0.0002, Crop(Box(0, 0, 24, 96), Padding(4, 0, 4, 0), Size(8, 24))),
    ],
)  # fmt: skip
def test_native_crops_keep_the_photographs_own_pixels_up_to_the_limit(area, canvas, limit, expected):
    area = Box(*area)
    assert plan_native_crop(area, context(area), Size(*canvas), limit) == expected


def test_a_choice_that_does_not_exist_is_not_guessed_at():
    with pytest.raises(ValueError, match="areas='some'"):
        planned((spot(9, 9),), PHOTOGRAPH, "some")
    with pytest.raises(ValueError, match="resolution='huge'"):
        planned((spot(9, 9),), PHOTOGRAPH, "auto", "huge")


@st.composite
def parts_in_canvases(draw):
    longest = draw(st.sampled_from([40, 1500, 9000]))
    canvas = Size(draw(st.integers(1, longest)), draw(st.integers(1, longest)))
    largest = draw(st.sampled_from([20, 400, longest]))
    parts = []
    for _ in range(draw(st.integers(1, 7))):
        width = draw(st.integers(1, min(largest, canvas.width)))
        height = draw(st.integers(1, min(largest, canvas.height)))
        x, y = draw(st.integers(0, canvas.width - width)), draw(st.integers(0, canvas.height - height))
        parts.append(Box(x, y, width, height))
    return tuple(parts), canvas


modes = given(parts_in_canvases(), st.sampled_from(AREAS), st.sampled_from(RESOLUTIONS))


@modes
def test_every_part_is_regenerated_exactly_once_and_in_view(drawn, areas, resolution):
    parts, canvas = drawn
    pieces = planned(parts, canvas, areas, resolution)
    for part in parts:
        assert sum(piece.area.overlaps(part) for piece in pieces) == 1
        assert any(piece.area.contains(part) for piece in pieces)
    assert bounds(parts) == bounds(piece.area for piece in pieces)
    for piece in pieces:
        assert piece.crop.box.contains(piece.area)
        assert Box(0, 0, *canvas).contains(piece.crop.box)
        assert min(piece.crop.padding) >= 0


@modes
def test_the_order_in_which_parts_are_named_changes_nothing(drawn, areas, resolution):
    parts, canvas = drawn
    pieces = planned(parts, canvas, areas, resolution)
    assert planned(reversed(parts), canvas, areas, resolution) == pieces
    assert sorted(pieces, key=lambda piece: (piece.area.y, piece.area.x)) == list(pieces)


@given(parts_in_canvases(), st.sampled_from(AREAS), st.sampled_from([0.25, 4.0]))
def test_native_crops_are_never_enlarged_and_only_reduced_beyond_the_limit(drawn, areas, limit):
    parts, canvas = drawn
    for crop in planned_crops(parts, canvas, areas, "native", limit):
        assert crop.size.width % 8 == crop.size.height % 8 == 0
        assert crop.size.area <= limit * 1e6
        if crop.frame.area <= limit * 1e6 and crop.frame.width % 8 == crop.frame.height % 8 == 0:
            assert crop.size == crop.frame
        assert crop.scale <= 1
        assert crop.scale == 1 or (crop.frame.width + 8) * (crop.frame.height + 8) > limit * 1e6
        ratio = (crop.frame.width * crop.size.height) / (crop.frame.height * crop.size.width)
        assert 1 / 1.02 - 1e-9 <= ratio <= 1.02 + 1e-9


@modes
def test_recommended_crops_have_recommended_sizes_and_no_choice_costs_more_than_one_request_a_part(
    drawn, areas, resolution
):
    parts, canvas = drawn
    crops = planned_crops(parts, canvas, areas, resolution)
    assert 1 <= len(crops) <= len(parts)
    if areas == "together":
        assert len(crops) == 1
    if areas == "separate":
        assert len(crops) == len(disjoint(parts))
    if resolution == "recommended":
        assert all(crop.size in RECOMMENDED_SIZES.values() for crop in crops)


@given(parts_in_canvases(), st.sampled_from(RESOLUTIONS))
def test_joining_costs_no_part_more_than_1_5_of_its_resolution_unless_a_neighbour_has_less_already(drawn, resolution):
    parts, canvas = drawn
    alone = planned(parts, canvas, "separate", resolution)
    for piece in planned(parts, canvas, "auto", resolution):
        scales = [one.crop.scale for one in alone if piece.area.contains(one.area)]
        assert piece.crop.scale >= min(LEAST_SCALE, *scales)


@given(parts_in_canvases(), st.sampled_from(RESOLUTIONS))
def test_no_two_crops_overlap_that_one_could_replace_without_loss(drawn, resolution):
    parts, canvas = drawn
    pieces = planned(parts, canvas, "auto", resolution)
    areas = [piece.area for piece in pieces]
    for number, one in enumerate(pieces):
        for other in pieces[:number]:
            if one.crop.box.overlaps(other.crop.box):
                pair = bounds([one.area, other.area])
                joined = next(area for area in disjoint([pair, *areas]) if area.contains(pair))
                (crop,) = planned_crops((joined,), canvas, "together", resolution)
                assert crop.scale < LEAST_SCALE
                near = other.area.grown(LEAST_CONTEXT).within(Box(0, 0, *canvas))
                assert joined != pair or one.crop.scale > other.crop.scale or not one.crop.box.contains(near)
