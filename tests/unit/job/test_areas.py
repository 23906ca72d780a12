"""Which parts of a selection are sent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.job import areas
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Size
from tests.unit.history_jobs import a_job


def job(**changes):
    return a_job(**{"context": 50.0, "grow": 0, "feather": 0, "match_colour": False, **changes})


@st.composite
def selections(draw):
    canvas = Size(draw(st.integers(1, 400)), draw(st.integers(1, 400)))
    width, height = draw(st.integers(1, canvas.width)), draw(st.integers(1, canvas.height))
    selected = Box(
        draw(st.integers(0, canvas.width - width)), draw(st.integers(0, canvas.height - height)), width, height
    )
    spots = np.random.default_rng(draw(st.integers(0, 99))).random((height, width)) < draw(st.floats(0, 0.02))
    spots[0, 0] = True
    grow = draw(st.integers(0, 20))
    asked = job(
        grow=grow,
        feather=draw(st.integers(0, grow)),  # more would leave too little of a single pixel
        spill=draw(st.sampled_from([0, 8, 30])),
        areas=draw(st.sampled_from(["auto", "together", "separate"])),
        resolution=draw(st.sampled_from(["recommended", "native"])),
    )
    return canvas, selected, (spots * 255).astype(np.uint8), asked


@given(selections())
@settings(max_examples=60, deadline=None)
def test_all_that_the_layer_shows_was_regenerated(planned):
    canvas, selected, selection, asked = planned
    planning = areas.plan(asked, selection, selected, canvas, 4.0)
    assert not planning.remarks
    owned = [number for piece in planning.pieces for number in planning.areas_of(piece)]
    assert sorted(owned) == list(range(len(planning.areas)))
    for piece in planning.pieces:
        crop = piece.crop
        mask = imaging.mask_to_service(planning.edited(crop.box), crop)
        assert set(np.unique(mask)) <= {0, 255}
        for area in planning.areas:
            common = area.box.within(crop.box)
            if common.is_empty:
                continue
            inner = common.relative_to(area.box)
            ys, xs = np.nonzero(area.mask[inner.y : inner.bottom, inner.x : inner.right])
            rows = (ys + common.y - crop.box.y + crop.padding.top + 0.5) * crop.size.height / crop.frame.height
            columns = (xs + common.x - crop.box.x + crop.padding.left + 0.5) * crop.size.width / crop.frame.width
            assert (mask[rows.astype(int), columns.astype(int)] == 0).all()


def test_every_selected_pixel_is_in_just_one_area():
    selection = np.zeros((300, 400), np.uint8)
    selection[10:20, 10:20] = selection[250:260, 350:360] = 255
    planning = areas.plan(job(areas="separate"), selection, Box(1000, 2000, 400, 300), Size(6000, 4000), 4.0)
    assert [area.box for area in planning.areas] == [Box(1010, 2010, 10, 10), Box(1350, 2250, 10, 10)]
    assert all((area.mask == 255).all() for area in planning.areas)


def test_six_dust_spots_in_a_24_megapixel_photograph_keep_its_resolution():
    canvas, selection = Size(6000, 4000), np.zeros((3800, 5800), np.uint8)
    for x, y in [(0, 0), (5790, 0), (2900, 1900), (0, 3790), (5790, 3790), (2900, 200)]:
        selection[y : y + 10, x : x + 10] = 255
    planning = areas.plan(job(grow=6, feather=3), selection, Box(100, 100, 5800, 3800), canvas, 4.0)
    assert len(planning.pieces) == 6
    assert all(piece.crop.scale >= 1 for piece in planning.pieces)


def test_a_crop_marks_what_other_requests_remove_too():
    selection = np.zeros((100, 100), np.uint8)
    selection[0:10, 0:10] = selection[60:70, 60:70] = 255
    planning = areas.plan(job(areas="separate"), selection, Box(900, 900, 200, 200), Size(2000, 2000), 4.0)
    for piece in planning.pieces:
        assert planning.edited(piece.crop.box).sum() == 200


def test_an_empty_selection_is_said_so():
    with pytest.raises(areas.NothingToDoError):
        areas.plan(job(), np.zeros((5, 5), np.uint8), Box(0, 0, 5, 5), Size(50, 50), 4.0)


def test_transparent_parts_become_part_of_what_is_regenerated():
    asked = job(fill_transparent=True, grow=3, feather=2)
    planning = areas.plan(asked, None, Box(10, 10, 20, 20), Size(200, 200), 4.0)
    (piece,) = planning.pieces
    source = np.full((piece.crop.box.height, piece.crop.box.width, 4), 255, np.uint8)
    source[:, -10:, 3] = 0
    for masked in (True, False):
        ((_box, mask),) = [(area.box, area.mask) for area in areas.with_transparency(planning, source, masked).areas]
        assert (mask[:, -10:] == 255).all()
        assert bool(mask[20, 20]) == masked
    opaque = source[..., :3]
    with pytest.raises(areas.NothingToDoError, match="nothing is transparent"):
        areas.with_transparency(planning, opaque, masked=False)


def selection_of(canvas, *boxes, value=255):
    selection = np.zeros((canvas.height, canvas.width), np.uint8)
    for x, y, width, height in boxes:
        selection[y : y + height, x : x + width] = value
    return selection


def planned(asked, canvas, selection):
    return areas.plan(asked, selection, Box(0, 0, *canvas), canvas, 4.0)


def test_a_forgotten_pixel_far_away_is_no_second_paid_request():
    canvas = Size(6000, 4000)
    found = planned(job(), canvas, selection_of(canvas, (100, 100, 200, 150), (5900, 3900, 1, 1)))
    assert [area.box for area in found.areas] == [Box(100, 100, 200, 150)]
    assert len(found.pieces) == 1
    assert ["1 selected speck" in remark for remark in found.remarks] == [True]


@pytest.mark.parametrize(
    "small",
    [
        (900, 700, 12, 12),  # not a thousand times smaller
        (900, 700, 1, 20),  # long
        (310, 100, 1, 1),  # a crumb of the large part
    ],
    ids=str,
)
def test_what_somebody_may_have_meant_stays_selected(small):
    canvas = Size(1000, 800)
    found = planned(job(grow=6, feather=3), canvas, selection_of(canvas, (100, 100, 200, 190), small))
    assert not found.remarks
    shown = found.edited(Box(0, 0, *canvas))
    assert shown[small[1], small[0]]


def test_many_specks_are_counted_and_none_of_them_is_in_the_mask():
    canvas = Size(1000, 800)
    specks = [(500 + 40 * number, 700, 2, 2) for number in range(5)]
    found = planned(job(grow=2), canvas, selection_of(canvas, (100, 100, 200, 190), *specks))
    assert found.remarks[0].startswith("5 selected specks")
    assert not found.edited(Box(400, 600, 600, 200)).any()


def test_a_selection_that_gimp_shows_no_ants_for_is_refused_before_it_is_paid_for():
    canvas = Size(400, 300)
    with pytest.raises(areas.WeakError, match="marching ants"):
        planned(job(), canvas, selection_of(canvas, (100, 100, 120, 120), value=51))
    planned(job(), canvas, selection_of(canvas, (100, 100, 120, 120), value=128))


def test_a_weak_part_beside_a_strong_one_is_left_out_with_a_remark():
    canvas = Size(1000, 800)
    selection = selection_of(canvas, (100, 100, 200, 190)) + selection_of(canvas, (700, 500, 90, 90), value=60)
    found = planned(job(), canvas, selection)
    assert [area.box for area in found.areas] == [Box(100, 100, 200, 190)]
    assert "less than half" in found.remarks[0]


def test_feathering_that_leaves_nothing_to_be_seen_is_refused():
    canvas = Size(400, 300)
    selection = selection_of(canvas, (180, 130, 20, 20))
    with pytest.raises(areas.WeakError, match="Feathered by 50 px"):
        planned(job(feather=50), canvas, selection)
    planned(job(feather=50, grow=50), canvas, selection)
    planned(job(feather=6), canvas, selection)


@pytest.mark.parametrize("resolution", ["recommended", "native"])
@pytest.mark.parametrize("spill", [8, 60, 300])
def test_the_margin_for_the_rest_of_an_object_is_in_the_layer_and_in_the_crop(resolution, spill):
    canvas, selected = Size(3000, 2000), Box(1200, 900, 200, 100)
    asked = job(spill=spill, grow=2, feather=2, resolution=resolution, context=0)
    found = areas.plan(asked, None, selected, canvas, 4.0)
    (area,) = found.areas
    assert area.box == selected.grown(4 + spill)
    assert found.crops[0].box.contains(area.box.grown(32))
    assert not area.mask[:spill].any()
    assert area.most[1, area.box.width // 2] < 255
    assert area.most[spill // 2 + 2, area.box.width // 2] == 255
    edited = found.edited(found.crops[0].box)
    assert np.count_nonzero(edited) == np.count_nonzero(area.mask)


def test_an_edge_that_fades_is_filled_to_the_last_pixel():
    asked = job(fill_transparent=True, feather=20)
    planning = areas.plan(asked, None, Box(0, 0, 150, 100), Size(200, 100), 4.0)
    source = np.full((100, 200, 4), 255, np.uint8)
    source[..., 3] = np.clip(np.arange(200) * 4 - 200, 0, 255)
    (area,) = areas.with_transparency(planning, source, masked=True).areas
    assert (area.mask[source[..., 3] < 255] == 255).all()
    assert 0 < area.mask[50, 155] < 255  # opaque: it fades as ever
    assert area.mask[50, 180] == 0
