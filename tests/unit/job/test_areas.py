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
    asked = job(
        grow=draw(st.integers(0, 20)),
        feather=draw(st.integers(0, 20)),
        areas=draw(st.sampled_from(["auto", "together", "separate"])),
        resolution=draw(st.sampled_from(["recommended", "native"])),
    )
    return canvas, selected, (spots * 255).astype(np.uint8), asked


@given(selections())
@settings(max_examples=60, deadline=None)
def test_all_that_the_layer_shows_was_regenerated(planned):
    canvas, selected, selection, asked = planned
    planning = areas.plan(asked, selection, selected, canvas, 4.0)
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
        ((_box, mask),) = [
            (area.box, area.mask) for area in areas.with_transparency(planning, source, asked, masked).areas
        ]
        assert (mask[:, -10:] == 255).all()
        assert bool(mask[20, 20]) == masked
    opaque = source[..., :3]
    with pytest.raises(areas.NothingToDoError, match="nothing is transparent"):
        areas.with_transparency(planning, opaque, asked, masked=False)


def test_an_edge_that_fades_is_filled_to_the_last_pixel():
    asked = job(fill_transparent=True, feather=20)
    planning = areas.plan(asked, None, Box(0, 0, 150, 100), Size(200, 100), 4.0)
    source = np.full((100, 200, 4), 255, np.uint8)
    source[..., 3] = np.clip(np.arange(200) * 4 - 200, 0, 255)
    (area,) = areas.with_transparency(planning, source, asked, masked=True).areas
    assert (area.mask[source[..., 3] < 255] == 255).all()
    assert 0 < area.mask[50, 155] < 255  # opaque: it fades as ever
    assert area.mask[50, 180] == 0
