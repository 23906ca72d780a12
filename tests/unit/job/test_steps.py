"""What of the selection is sent, and what of the answer is shown."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from bridge.job import steps
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Size
from bridge.pixels.match_grain import kept_grain
from bridge.protocol import Job


def job(**changes):
    values = {
        "prompt": "", "negative_prompt": "", "quality": "LOW", "seed": 7, "cfg_scale": 2.5, "variations": 1,
        "sample": "layer", "context": 50.0, "grow": 0, "feather": 0, "engine": "auto", "areas": "auto",
        "resolution": "recommended", "fill_transparent": False, "match_colour": False, "match_grain": False,
        "source": 1,
    }  # fmt: skip
    return Job(**{**values, **changes})


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
    planning = steps.plan(asked, selection, selected, canvas, 4.0)
    owned = [number for piece in planning.pieces for number in planning.areas_of(piece)]
    assert sorted(owned) == list(range(len(planning.areas)))
    for piece in planning.pieces:
        crop = piece.crop
        mask = steps.service_mask(planning, crop)
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
    planning = steps.plan(job(areas="separate"), selection, Box(1000, 2000, 400, 300), Size(6000, 4000), 4.0)
    assert [area.box for area in planning.areas] == [Box(1010, 2010, 10, 10), Box(1350, 2250, 10, 10)]
    assert all((area.mask == 255).all() for area in planning.areas)


def test_six_dust_spots_in_a_24_megapixel_photograph_keep_its_resolution():
    canvas, selection = Size(6000, 4000), np.zeros((3800, 5800), np.uint8)
    for x, y in [(0, 0), (5790, 0), (2900, 1900), (0, 3790), (5790, 3790), (2900, 200)]:
        selection[y : y + 10, x : x + 10] = 255
    planning = steps.plan(job(grow=6, feather=3), selection, Box(100, 100, 5800, 3800), canvas, 4.0)
    assert len(planning.pieces) == 6
    assert all(piece.crop.scale >= 1 for piece in planning.pieces)


def test_a_crop_marks_what_other_requests_remove_too():
    selection = np.zeros((100, 100), np.uint8)
    selection[0:10, 0:10] = selection[60:70, 60:70] = 255
    planning = steps.plan(job(areas="separate"), selection, Box(900, 900, 200, 200), Size(2000, 2000), 4.0)
    for piece in planning.pieces:
        assert planning.edited(piece.crop.box).sum() == 200


def test_an_empty_selection_is_said_so():
    with pytest.raises(steps.NothingToDoError):
        steps.plan(job(), np.zeros((5, 5), np.uint8), Box(0, 0, 5, 5), Size(50, 50), 4.0)


def test_transparent_parts_become_part_of_what_is_regenerated():
    asked = job(fill_transparent=True, grow=3, feather=2)
    planning = steps.plan(asked, None, Box(10, 10, 20, 20), Size(200, 200), 4.0)
    (piece,) = planning.pieces
    source = np.full((piece.crop.box.height, piece.crop.box.width, 4), 255, np.uint8)
    source[:, -10:, 3] = 0
    for masked in (True, False):
        ((_box, mask),) = [
            (area.box, area.mask) for area in steps.with_transparency(planning, source, asked, masked).areas
        ]
        assert (mask[:, -10:] == 255).all()
        assert bool(mask[20, 20]) == masked
    opaque = source[..., :3]
    with pytest.raises(steps.NothingToDoError, match="nothing is transparent"):
        steps.with_transparency(planning, opaque, asked, masked=False)


def no_grain():
    pytest.fail("nobody asked for grain")


def test_nothing_is_painted_where_the_layer_had_nothing():
    asked = job()
    planning = steps.plan(asked, None, Box(10, 10, 20, 20), Size(64, 64), 4.0)
    (piece,), (area,) = planning.pieces, planning.areas
    source = np.full((piece.crop.box.height, piece.crop.box.width, 4), 255, np.uint8)
    source[:, :20, 3] = 0
    size = piece.crop.size
    answer = imaging.Answer(np.zeros((size.height, size.width, 3), np.float32), Box(0, 0, *size))
    _colours, alpha = steps.fit(asked, planning, piece.crop, area, source, answer, no_grain, 1)
    assert (alpha[:, :10] == 0).all()
    assert (alpha[:, 10:] == 255).all()


def compared(planning, piece, picture, mask):
    return steps.reference(planning, piece, picture, picture, mask)


def drifted(base):
    return np.clip(np.rint(base.astype(np.float32) * 0.95 + 6), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("selected", [Box(1800, 1000, 40, 30), Box(1500, 900, 120, 90)], ids=str)
def test_of_a_small_selection_that_was_scaled_up_the_colours_are_mended_as_well(selected):
    fitted, original = through(drifted, selected)
    assert np.abs((fitted - original).mean(axis=(0, 1))).max() < 0.5


def test_what_was_scaled_up_much_is_corrected_in_its_own_size_and_compared_on_as_few_px():
    planning = steps.plan(job(), None, Box(900, 900, 100, 100), Size(2000, 2000), 4.0)
    (piece,) = planning.pieces
    source = np.zeros((piece.crop.box.height, piece.crop.box.width, 3), np.uint8)
    base, mask = imaging.to_service(source, piece.crop), steps.service_mask(planning, piece.crop)
    assert base.shape[1] > 2 * source.shape[1]
    reference = steps.reference(planning, piece, source, base, mask)
    assert reference.sent.shape == source.shape
    sample, kept = reference.sample
    assert sample.shape[:2] == kept.shape
    assert 0.5 < sample.shape[1] / source.shape[1] < 2


def test_an_answer_in_the_right_colours_is_not_changed():
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    mask = np.full((64, 64), 255, np.uint8)
    mask[20:40, 20:40] = 0
    asked, canvas = job(match_colour=True, resolution="native"), Size(64, 64)
    planning = steps.plan(asked, None, Box(20, 20, 20, 20), canvas, 4.0)
    (piece,) = planning.pieces
    corrected = steps.corrected(asked, compared(planning, piece, picture, mask), picture)
    assert corrected.box == Box(0, 0, *canvas)
    assert np.abs(corrected.colours - picture).max() <= 0.01


def test_of_a_large_answer_only_what_is_shown_and_its_surroundings_are_corrected():
    asked = job(match_colour=True, resolution="native", context=400)
    planning = steps.plan(asked, None, Box(900, 900, 200, 200), Size(2000, 2000), 4.0)
    (piece,) = planning.pieces
    picture = np.full((piece.crop.size.height, piece.crop.size.width, 3), (90, 120, 150), np.uint8)
    mask = imaging.mask_to_service(planning.edited(piece.crop.box), piece.crop)
    corrected = steps.corrected(asked, compared(planning, piece, picture, mask), picture)
    assert corrected.colours.shape[:2] == (corrected.box.height, corrected.box.width)
    assert corrected.box.size.area < 0.1 * piece.crop.size.area


PHOTOGRAPH = Path(__file__).parents[3] / "scripts" / "photos" / "extreme-desert-hike.jpg"


def through(service, selected):
    """What a service makes of a part of a photograph, beside what was there: both float, over the layer's area."""
    pixels = np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    asked = job(match_colour=True, match_grain=True, grow=6, feather=3)
    planning = steps.plan(asked, None, selected, Size(pixels.shape[1], pixels.shape[0]), 4.0)
    (piece,), (area,) = planning.pieces, planning.areas
    box = piece.crop.box
    source = pixels[box.y : box.bottom, box.x : box.right]
    base = imaging.to_service(source, piece.crop)
    reference = steps.reference(planning, piece, source, base, steps.service_mask(planning, piece.crop))
    corrected = steps.corrected(asked, reference, service(base))
    grain = partial(steps.grain, planning, piece.crop, area, source)
    fitted, _alpha = steps.fit(asked, planning, reference.crop, area, source, corrected, grain, 1)
    return fitted, pixels[area.box.y : area.box.bottom, area.box.x : area.box.right].astype(np.float32)


@pytest.mark.parametrize(
    "selected", [Box(1800, 1000, 200, 150), Box(1500, 900, 400, 400), Box(1500, 900, 700, 500)], ids=str
)
def test_a_scaled_answer_that_changes_nothing_shows_the_photograph_as_it_was(selected):
    fitted, original = through(lambda base: base, selected)
    assert 10 * np.log10(255**2 / np.mean((fitted - original) ** 2)) >= 40


def blurred(base):
    return np.asarray(Image.fromarray(base).filter(ImageFilter.GaussianBlur(2)))


def test_a_service_that_takes_the_grain_away_everywhere_gets_it_put_back():
    selected = Box(1500, 900, 400, 400)
    smooth, original = through(blurred, selected)
    fine = [np.mean(np.diff(picture, axis=1) ** 2) for picture in (smooth, original)]
    assert fine[0] > 0.6 * fine[1]


def test_a_smooth_thing_beside_rough_ones_stays_smooth():
    rough = np.random.default_rng(1).normal(128, 8, (200, 200, 3)).astype(np.float32)
    edited = np.zeros((200, 200), np.bool_)
    edited[60:140, 60:140] = True
    assert kept_grain(rough, rough, edited) == pytest.approx(1)
    assert kept_grain(rough * 0.2 + 100, rough, edited) < 0.1
    assert kept_grain(rough, np.full_like(rough, 128), edited) == 1
