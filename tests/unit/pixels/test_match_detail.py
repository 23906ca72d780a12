"""A repair that was scaled up gets the fine detail of its surroundings, where they are like it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.pixels.match_detail import Surroundings, match_detail

ROOT = Path(__file__).parents[3]
PHOTO = ROOT / "scripts" / "photos" / "extreme-desert-hike.jpg"
HEIGHT, WIDTH, FACTOR = 480, 640, 2.5
Y, X = np.mgrid[:HEIGHT, :WIDTH]
HOLE = ((Y - HEIGHT / 2) / 90) ** 2 + ((X - WIDTH / 2) / 110) ** 2 < 1
PLACE = (120, 180)
INNER = np.s_[120:360, 180:460]


def softened(picture, factor=FACTOR):
    image = Image.fromarray(picture)
    small = image.resize((round(WIDTH / factor), round(HEIGHT / factor)), Image.Resampling.LANCZOS)
    return np.asarray(small.resize(image.size, Image.Resampling.LANCZOS))


def around(picture, factor=FACTOR, hole=HOLE):
    return Surroundings(picture, softened(picture, factor), ~hole, PLACE, factor)


def detailed(picture, repair=None, factor=FACTOR, seed=1):
    """The photograph with the repair in its hole, with detail and without: what a service keeps, unless given."""
    repair = softened(picture, factor)[INNER] if repair is None else repair[INNER]
    found = match_detail(repair.astype(np.float32), HOLE[INNER], around(picture, factor), seed)
    both = []
    for colours in (found, repair):
        placed = picture.astype(np.float32)
        placed[INNER][HOLE[INNER]] = colours[HOLE[INNER]]
        both.append(placed)
    return both


def fine(picture, where=HOLE):
    """The power of the finest differences, levels²."""
    luma = picture.astype(np.float64).mean(axis=2)
    differences = np.diff(np.diff(luma, axis=0), axis=1) ** 2
    return differences[where[1:, 1:]].mean()


def coarse(picture):
    """What a px of the repair shows, before it is scaled up: averages over 5 × 5 px."""
    return picture.reshape(HEIGHT // 5, 5, WIDTH // 5, 5, 3).mean(axis=(1, 3))


@pytest.fixture(scope="module", params=[(1040, 1980), (2600, 1700)], ids=["bushes", "hills"])
def photograph(request):
    x, y = request.param
    return np.asarray(Image.open(PHOTO).convert("RGB").crop((x, y, x + WIDTH, y + HEIGHT)))


def lawn(seed=1):
    """Blades that are 2 px wide, brighter and darker."""
    blades = np.random.default_rng(seed).integers(-30, 31, (HEIGHT // 6, WIDTH // 2))
    texture = blades.repeat(6, axis=0).repeat(2, axis=1)
    return np.clip(np.stack([60 + texture, 120 + texture, 40 + texture], axis=-1), 0, 255).astype(np.uint8)


def test_a_repair_that_was_scaled_up_gets_as_much_fine_detail_as_the_photograph_had(photograph):
    on, off = detailed(photograph)
    assert fine(off) < 0.35 * fine(photograph)
    assert 0.5 * fine(photograph) < fine(on) < 1.3 * fine(photograph)


def test_what_the_repair_shows_stays_where_it_is(photograph):
    on, off = detailed(photograph)
    moved = np.abs(coarse(on) - coarse(off)).mean(axis=2)
    assert moved.max() < 0.25 * np.ptp(coarse(off))
    assert moved[coarse(np.repeat(HOLE[..., None], 3, axis=2))[..., 0] > 0].mean() < 1.5


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_an_edge_stays_where_it_is_and_gets_no_second_one(shift):
    scene = lawn()
    scene[:, WIDTH // 2 :] = np.clip(scene[:, WIDTH // 2 :].astype(int) // 3 + 170, 0, 255)
    # the repair continues it a few px beside
    on, off = detailed(scene, softened(np.roll(scene, shift, axis=1)))
    rows, columns = slice(HEIGHT // 2 - 60, HEIGHT // 2 + 60), slice(WIDTH // 2 - 12, WIDTH // 2 + 16)
    after, before = (picture[rows, columns, 1].mean(axis=0) for picture in (on, off))
    middle = np.argmax(before > 165)  # the lawn has 120 on the left and 210 on the right
    assert (after[: middle - 2] < 140).all()
    assert (after[middle + 2 :] > 190).all()
    assert np.diff(after).max() > 1.2 * np.diff(before).max()
    truth = np.roll(scene, shift, axis=1)[rows, columns, 1].mean(axis=0)
    near = slice(middle - 3, middle + 3)
    assert np.abs(after - truth)[near].sum() < 1.1 * np.abs(before - truth)[near].sum()


def test_nothing_changes_outside_the_repair(photograph):
    repair = softened(photograph)[INNER].astype(np.float32)
    before = repair.copy()
    found = match_detail(repair, HOLE[INNER], around(photograph), 1)
    np.testing.assert_array_equal(repair, before)
    np.testing.assert_array_equal(found[~HOLE[INNER]], repair[~HOLE[INNER]])
    assert (found != repair)[HOLE[INNER]].mean() > 0.3


def test_a_ball_on_a_lawn_gets_no_grass():
    distance = np.hypot(Y - HEIGHT / 2, X - WIDTH / 2)
    shade = (1 - distance / 150)[..., None]
    # the last one is as green as the lawn: it gets a little
    for colour, most in (((230, 30, 40), 0.01), ((140, 140, 140), 0.01), ((90, 160, 60), 3)):
        ball = np.where(distance[..., None] < 70, np.array(colour) * shade, softened(lawn()))
        on, off = detailed(lawn(), ball.astype(np.float32))
        assert np.abs(on - off)[distance < 60].mean() < most, colour
        assert np.abs(on - off)[HOLE & (distance > 80)].mean() > 6, colour


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_flat_repair_stays_flat(level, photograph):
    flat = np.full((HEIGHT, WIDTH, 3), level, np.float32)
    for picture in (photograph, lawn()):
        on, off = detailed(picture, flat)
        inner = np.hypot(Y - HEIGHT / 2, X - WIDTH / 2) < 80
        assert fine(on, inner) < 0.1 * fine(picture, ~HOLE)
        assert np.abs(on - off)[inner].mean() < 0.2


def test_a_gradient_of_16_bits_in_other_surroundings_keeps_its_steps():
    gradient = np.repeat((210 + X / 64)[..., None], 3, axis=2).astype(np.float32)
    found = match_detail(gradient[INNER], HOLE[INNER], around(lawn()), 1)
    middle = np.s_[70:170, 90:190]  # beside the lawn, patches have some of it
    np.testing.assert_array_equal(found[middle], gradient[INNER][middle])


def test_a_black_and_white_photograph_stays_black_and_white(photograph):
    gray = np.repeat(photograph[..., 1:2], 3, axis=2)
    on, off = detailed(gray)
    assert fine(on) > 2 * fine(off)
    np.testing.assert_array_equal(on[..., 1:], on[..., :1].repeat(2, axis=2))


def test_the_seed_decides(photograph):
    one, again, other = (detailed(photograph, seed=seed)[0] for seed in (7, 7, 4_294_967_296))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize("factor", [1.3, 4, 7])
def test_it_works_at_any_scale(factor, photograph):
    on, off = detailed(photograph, factor=factor)
    assert fine(off) < fine(on) < 1.6 * fine(photograph)


def test_without_anything_to_copy_from_the_repair_stays_as_it_is(photograph):
    everywhere = np.ones_like(HOLE)
    soft = softened(photograph)
    found = match_detail(soft.astype(np.float32), everywhere, Surroundings(photograph, soft, ~everywhere, (0, 0), 2), 1)
    np.testing.assert_array_equal(found, soft)
    nothing = match_detail(soft.astype(np.float32), ~everywhere, Surroundings(photograph, soft, HOLE, (0, 0), 2), 1)
    np.testing.assert_array_equal(nothing, soft)


def test_what_is_not_known_gives_nothing():
    scene = lawn()
    scene[:, :160] = np.random.default_rng(2).integers(0, 256, (HEIGHT, 160, 3))  # transparent, and so of any colour
    known = ~HOLE & (X >= 160)
    soft = softened(scene)
    found = [
        match_detail(soft[INNER].astype(np.float32), HOLE[INNER], Surroundings(each, soft, known, PLACE, FACTOR), 1)
        for each in (scene, np.where(X[..., None] < 150, np.uint8(7), scene))
    ]
    np.testing.assert_array_equal(*found)


def test_pictures_that_do_not_belong_together_are_refused(photograph):
    repair = softened(photograph)[INNER].astype(np.float32)
    for place in ((300, 180), (120, 400)):
        with pytest.raises(ValueError, match="does not fit into"):
            match_detail(repair, HOLE[INNER], around(photograph)._replace(place=place), 1)
    with pytest.raises(ValueError, match="does not fit into"):
        match_detail(repair, HOLE[INNER], around(photograph)._replace(soft=photograph[1:]), 1)
    with pytest.raises(ValueError, match="does not fit into"):
        match_detail(repair[1:], HOLE[INNER], around(photograph), 1)


@given(st.data(), st.integers(1, 150), st.integers(1, 150), st.integers(1, 2**32), st.floats(1, 20))
@settings(max_examples=60, deadline=None)
def test_no_picture_and_no_mask_is_too_odd(data, height, width, seed, factor):
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    y, x, down, across = (data.draw(st.integers(0, 160)) for _ in range(4))
    edited = np.zeros((height, width), np.bool_)
    edited[y : y + down, x : x + across] = True
    soft = np.asarray(Image.fromarray(picture).resize((width, height), box=(0, 0, max(1, width - 1), height)))
    repair = (soft + data.draw(st.floats(-20, 20))).astype(np.float32)
    found = match_detail(repair, edited, Surroundings(picture, soft, ~edited, (0, 0), factor), seed)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[~edited], repair[~edited])


def hashed():
    """The hash of a repair in a photograph of whole numbers: for `test_every_processor_gives_the_same_bytes`."""
    digest = hashlib.sha256()
    for picture in (lawn(), np.repeat(lawn()[..., :1], 3, axis=2)):
        digest.update(detailed(picture)[0].tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize(
    "surroundings",
    [
        {"OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_NUM_THREADS": "2"},
        {"OPENBLAS_CORETYPE": "Prescott"},
        {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2"},
        {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_SKX AVX512_ICL AVX512_SPR"},
    ],
    ids=str,
)
def test_every_processor_gives_the_same_bytes(surroundings):
    code = "from tests.unit.pixels.test_match_detail import hashed; print(hashed())"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, env={**os.environ, **surroundings}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == hashed()
