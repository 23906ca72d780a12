"""What is shown of the service's answer for a crop."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bridge.job import areas
from bridge.job.crop_work import CropWork
from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Size
from bridge.pixels.match_grain import kept_grain
from tests.unit.history_jobs import a_job


def job(**changes):
    return a_job(**{"context": 50.0, "grow": 0, "feather": 0, "match_colour": False, **changes})


def only_crop(asked, canvas, selected, pixels_of):
    """The crop of a job that has one; `pixels_of` gives its pixels, from its box."""
    planning = areas.plan(asked, None, selected, canvas, 4.0)
    (piece,) = planning.pieces
    return CropWork(planning, 1, piece, pixels_of(piece.crop.box))


def opaque(box):
    return np.zeros((box.height, box.width, 3), np.uint8)


def test_nothing_is_painted_where_the_layer_had_nothing():
    def half_transparent(box):
        pixels = np.full((box.height, box.width, 4), 255, np.uint8)
        pixels[:, :20, 3] = 0
        return pixels

    work = only_crop(job(), Size(64, 64), Box(10, 10, 20, 20), half_transparent)
    fitter = work.fitter(work.base(), work.mask())
    _colours, alpha = fitter.area(0, fitter.corrected(work.base(), match=False), 1)
    assert (alpha[:, :10] == 0).all()
    assert (alpha[:, 10:] == 255).all()


def drifted(base):
    return np.clip(np.rint(base.astype(np.float32) * 0.95 + 6), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("selected", [Box(1800, 1000, 40, 30), Box(1500, 900, 120, 90)], ids=str)
def test_of_a_small_selection_that_was_scaled_up_the_colours_are_mended_as_well(selected):
    fitted, original = through(drifted, selected)
    assert np.abs((fitted - original).mean(axis=(0, 1))).max() < 0.5


def test_what_was_scaled_up_much_is_corrected_in_its_own_size_and_compared_on_as_few_px():
    work = only_crop(job(), Size(2000, 2000), Box(900, 900, 100, 100), opaque)
    base, mask = work.base(), work.mask()
    assert base.shape[1] > 2 * work.pixels.shape[1]
    reference = work.fitter(base, mask).reference
    assert reference.sent.shape == work.pixels.shape
    sample, kept = reference.sample
    assert sample.shape[:2] == kept.shape
    assert 0.5 < sample.shape[1] / work.pixels.shape[1] < 2


def test_an_answer_in_the_right_colours_is_not_changed():
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    mask = np.full((64, 64), 255, np.uint8)
    mask[20:40, 20:40] = 0
    asked, canvas = job(match_colour=True, resolution="native"), Size(64, 64)
    work = only_crop(asked, canvas, Box(20, 20, 20, 20), lambda box: picture)
    corrected = work.fitter(picture, mask).corrected(picture, match=True)
    assert corrected.box == Box(0, 0, *canvas)
    assert np.abs(corrected.colours - picture).max() <= 0.01


def test_of_a_large_answer_only_what_is_shown_and_its_surroundings_are_corrected():
    asked = job(match_colour=True, resolution="native", context=400)
    work = only_crop(asked, Size(2000, 2000), Box(900, 900, 200, 200), opaque)
    size = work.piece.crop.size
    picture = np.full((size.height, size.width, 3), (90, 120, 150), np.uint8)
    corrected = work.fitter(picture, work.mask()).corrected(picture, match=True)
    assert corrected.colours.shape[:2] == (corrected.box.height, corrected.box.width)
    assert corrected.box.size.area < 0.1 * size.area


PHOTOGRAPH = Path(__file__).parents[3] / "scripts" / "photos" / "extreme-desert-hike.jpg"


def through(service, selected, **changes):
    """What a service makes of a part of a photograph, beside what was there: both float, over the layer's area."""
    pixels = np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    asked = job(**{"match_colour": True, "match_grain": True, "grow": 6, "feather": 3, **changes})
    canvas = Size(pixels.shape[1], pixels.shape[0])
    work = only_crop(asked, canvas, selected, lambda box: pixels[box.y : box.bottom, box.x : box.right])
    base = work.base()
    fitter = work.fitter(base, work.mask())
    fitted, _alpha = fitter.area(0, fitter.corrected(service(base), match=True), 1)
    area = work.planning.areas[0].box
    return fitted, pixels[area.y : area.bottom, area.x : area.right].astype(np.float32)


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


def finest(picture):
    return np.mean(np.diff(np.diff(picture, axis=0), axis=1) ** 2)


LARGE = Box(950, 1600, 1100, 900)


@pytest.mark.parametrize("grainy", [True, False])
def test_a_large_repair_gets_the_fine_detail_that_scaling_took(grainy):
    plain, original = through(lambda base: base, LARGE, match_grain=grainy)
    detailed, _original = through(lambda base: base, LARGE, match_grain=grainy, match_detail=True)
    if not grainy:
        assert finest(plain) < 0.5 * finest(original)
        assert finest(plain) < 0.8 * finest(detailed)
    assert finest(detailed) < 1.1 * finest(original), "its grain is not added twice"


def test_an_answer_that_is_softer_than_its_pixels_gets_more_detail():
    soft, original = through(blurred, LARGE, match_grain=False, match_detail=True)
    plain, _original = through(blurred, LARGE, match_grain=False)
    assert finest(plain) < 0.1 * finest(original)
    assert finest(soft) > 4 * finest(plain)


@pytest.mark.parametrize("selected", [Box(1800, 1000, 200, 150), Box(1500, 900, 400, 400)], ids=str)
def test_an_answer_that_was_hardly_scaled_is_left_alone(selected):
    (on, _original), (off, _same) = (through(blurred, selected, match_detail=wanted) for wanted in (True, False))
    np.testing.assert_array_equal(on, off)


def test_where_everything_is_regenerated_there_is_no_detail_to_take():
    work = only_crop(job(match_detail=True), Size(2400, 1800), Box(0, 0, 2400, 1800), opaque)
    fitter = work.fitter(work.base(), work.mask())
    assert work.lacks_detail
    assert fitter.surroundings(work.planning.areas[0], 1.0) is None
    colours, _alpha = fitter.area(0, fitter.corrected(work.base(), match=False), 1)
    assert not colours.any()


def test_detail_is_taken_from_nothing_transparent():
    rgb = np.random.default_rng(1).integers(0, 256, (1800, 2400, 3), dtype=np.uint8)
    alpha = np.full((1800, 2400, 1), 255, np.uint8)
    alpha[:, :700] = 0
    results = []
    for hidden in (0, 255):
        picture = np.dstack([np.where(alpha > 0, rgb, np.uint8(hidden)), alpha])
        asked = job(match_detail=True)
        selected = Box(900, 500, 900, 800)
        work = only_crop(asked, Size(2400, 1800), selected, lambda box, picture=picture: picture[box.slices])
        fitter = work.fitter(work.base(), work.mask())
        around = fitter.surroundings(work.planning.areas[0], 1.0)
        results.append(around.known)
        assert not (around.known & (around.photograph == hidden).all(axis=2)).any()
    np.testing.assert_array_equal(*results)


def test_a_smooth_thing_beside_rough_ones_stays_smooth():
    rough = np.random.default_rng(1).normal(128, 8, (200, 200, 3)).astype(np.float32)
    edited = np.zeros((200, 200), np.bool_)
    edited[60:140, 60:140] = True
    assert kept_grain(rough, rough, edited) == pytest.approx(1)
    assert kept_grain(rough * 0.2 + 100, rough, edited) < 0.1
    assert kept_grain(rough, np.full_like(rough, 128), edited) == 1


def painted_beyond(selected, radius, **changes):
    """The crop of a service that paints a red disc; its only area, what it shows, and through which mask."""
    pixels = np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    canvas = Size(pixels.shape[1], pixels.shape[0])
    asked = job(**{"prompt": "a ball", "grow": 2, "feather": 2, "spill": 40, **changes})
    work = only_crop(asked, canvas, selected, lambda box: pixels[box.slices])
    box, x, y = work.piece.crop.box, selected.x + selected.width / 2, selected.y + selected.height / 2
    down, across = np.mgrid[0 : box.height, 0 : box.width]
    disc = (across + box.x + 0.5 - x) ** 2 + (down + box.y + 0.5 - y) ** 2 <= radius**2
    answer = work.pixels.copy()
    answer[disc] = (230, 30, 40)
    fitter = work.fitter(work.base(), work.mask())
    fitted = fitter.fit(1, imaging.to_service(answer, work.piece.crop), 1)
    area = work.planning.areas[0]
    return area, fitted, disc[area.box.relative_to(box).slices]


def mask_in(fitted):
    """The mask that the layer has of its own; None if it has none."""
    contents = [content for patch, content in fitted if patch.file == "layer-mask-1-1-1.pgm"]
    if not contents:
        return None
    header, size, _most, values = contents[0].split(b"\n", 3)
    assert header == b"P5"
    width, height = map(int, size.split())
    return np.frombuffer(values, np.uint8).reshape(height, width)


@pytest.mark.parametrize("matched", [True, False])
@pytest.mark.parametrize("resolution", ["recommended", "native"])
@pytest.mark.parametrize("selected", [Box(1800, 1000, 100, 100), Box(1500, 900, 700, 700)], ids=str)
def test_of_a_disc_larger_than_the_selection_nothing_is_cut_off_within_the_margin(selected, resolution, matched):
    radius = selected.width // 2 + 24
    area, fitted, disc = painted_beyond(selected, radius, resolution=resolution, match_colour=matched)
    mask = mask_in(fitted)
    assert np.count_nonzero(disc & (area.mask == 0)) > 1000
    assert (mask[disc] >= 240).all()  # scaling leaves no hard edges
    assert (mask >= area.mask).all()
    assert not mask[area.most == 0].any()


def test_nothing_more_is_shown_without_a_margin_or_without_anything_beyond():
    selected = Box(1800, 1000, 100, 100)
    assert mask_in(painted_beyond(selected, 74, spill=0)[1]) is None
    assert mask_in(painted_beyond(selected, 46)[1]) is None


def test_an_object_larger_than_the_margin_fades_out_at_its_end():
    area, fitted, disc = painted_beyond(Box(1800, 1000, 100, 100), 98)
    mask = mask_in(fitted)
    assert (mask <= np.maximum(area.most, area.mask)).all()
    assert (mask[disc & (area.most == 255)] >= 240).all()
    assert mask[0].max() < 128
