"""Patches that are found and voted: what they are found by, and that every processor finds the same ones."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bridge.pixels.patch_features import describe
from bridge.pixels.patch_field import Descriptions, Layout, Search, enlarged, improve, nearest
from bridge.pixels.patch_scales import scales
from bridge.pixels.patch_vote import vote
from bridge.pixels.texture import textured, window
from tests.unit.pictures import striped_wall

ROOT = Path(__file__).parents[3]

#: As on these processors and with so many threads; what is missing here is left out by `_runs`.
PROCESSORS = {
    "this one": {},
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
    "one thread": {"OPENBLAS_NUM_THREADS": "1"},
    "Prescott": {"OPENBLAS_CORETYPE": "Prescott"},
    "Nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "Zen": {"OPENBLAS_CORETYPE": "Zen"},
    "SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "numpy without AVX2 and AVX-512": {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_SKX AVX512_ICL AVX512_SPR"},
    "mathematics without FMA": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"},
}
NEEDED = {"SkylakeX": " avx512f ", "Haswell": " avx2 ", "Zen": " avx2 "}


def noise(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


def hole_in(shape: tuple[int, int], rows: slice, columns: slice) -> np.ndarray:
    hole = np.zeros(shape, np.bool_)
    hole[rows, columns] = True
    return hole


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_whole_numbers_whose_distances_float32_holds_exactly(channels: int) -> None:
    worst = np.zeros((16, 32, channels), np.float32)
    worst[:, :16] = (255, 0, 255)[:channels]
    worst[:, 16:] = (0, 255, 0)[:channels]
    features = describe(worst)
    assert features.dtype == np.float32
    assert np.array_equal(features, np.rint(features))
    difference = features[8, 4].astype(float) - features[8, 28]
    assert 1e6 < (difference**2).sum() < 2**24


def test_like_patches_are_near_and_unlike_ones_are_far() -> None:
    picture = noise((40, 40, 3))
    picture[25:32, 25:32] = picture[5:12, 5:12]
    features = describe(picture)
    assert np.array_equal(features[28, 28], features[8, 8])
    assert ((features[28, 28] - features[8, 20]) ** 2).sum() > 1000


def test_the_exact_search_finds_the_patch_that_was_copied() -> None:
    picture = noise((48, 48, 3))
    hole = hole_in((48, 48), slice(30, 31), slice(30, 31))
    picture[24:37, 24:37] = picture[5:18, 5:18]
    layout = Layout(hole)
    field = nearest(layout, Descriptions(layout, picture), np.random.Generator(np.random.PCG64(1)))
    centre = layout.position[30 * 48 + 30]
    assert divmod(int(field.sources[centre]), 48) == (11, 11)
    assert field.distances[centre] == 0


def test_no_patch_is_taken_from_the_hole_from_the_padding_or_from_beyond_the_border() -> None:
    picture = noise((45, 51, 3))
    hole = hole_in((45, 51), slice(0, 12), slice(20, 30))
    for scaled in scales(picture, hole, 4)[:2]:
        layout = scaled.layout()
        usable = np.pad(scaled.known & ~scaled.hole, 3)
        for place in np.flatnonzero(layout.usable):
            row, column = divmod(int(place), layout.shape[1])
            assert usable[row : row + 7, column : column + 7].all()
        assert layout.usable.any()


def test_what_is_usable_at_a_small_scale_is_usable_at_the_larger_ones() -> None:
    picture, hole = noise((93, 101, 1)), hole_in((93, 101), slice(40, 93), slice(0, 33))
    layouts = [scaled.layout() for scaled in scales(picture, hole, 8)]
    small = layouts[2]
    field = nearest(small, Descriptions(small, scales(picture, hole, 8)[2].picture), np.random.default_rng(1))
    for layout in layouts[:2]:
        assert layout.usable[enlarged(field, layout).sources].all()


def test_searching_brings_patches_nearer() -> None:
    y, x = np.mgrid[:200, :240].astype(np.float32)
    waves = (128 + 60 * np.sin(x / 9 + y / 50) + 50 * np.sin(y / 7))[..., None]
    [scaled] = scales(waves, hole_in((200, 240), slice(80, 120), slice(90, 150)), 1)
    layout, generator = scaled.layout(), np.random.default_rng(1)
    descriptions = Descriptions(layout, scaled.picture)
    first = nearest(layout, descriptions, generator)
    nearer = improve(first, descriptions, generator, Search(steps=()))
    assert (nearer.distances <= first.distances).all()
    assert nearer.distances.sum() < 0.9 * first.distances.sum()
    assert improve(first, descriptions, generator, Search()).distances.sum() < 0.1 * first.distances.sum()


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_votes_from_a_constant_offset_copy_the_picture(channels: int) -> None:
    picture = noise((40, 60, channels))
    layout = Layout(hole_in((40, 60), slice(10, 20), slice(10, 20)))
    field = nearest(layout, Descriptions(layout, picture[..., :1]), np.random.default_rng(1))
    field.sources[:] = layout.wanted + 30
    voted = vote(field, picture, 0.3)
    assert np.allclose(voted[10:20, 10:20], picture[10:20, 40:50], atol=1e-3)
    outside = np.ones((40, 60), np.bool_)
    outside[10:20, 10:20] = False
    assert np.array_equal(voted[outside], picture[outside])


@pytest.mark.parametrize("rows", [slice(0, 20), slice(30, 83)])
@pytest.mark.parametrize("columns", [slice(0, 25), slice(70, 101)])
def test_a_hole_in_a_corner_is_filled_to_the_last_pixel(rows: slice, columns: slice) -> None:
    """The sides are no multiples of 4: the last block is completed."""
    picture = np.full((83, 101, 3), 100, np.float32)
    picture[::2] = 140
    hole = hole_in((83, 101), rows, columns)
    answer = textured(np.where(hole[..., None], np.float32(120), picture), hole, 1)
    assert np.array_equal(answer[~hole], picture[~hole])
    assert (np.abs(answer[hole] - 120) > 10).mean() > 0.9, "stripes, not the coarse picture's flat gray"


@pytest.mark.parametrize("kept", [1, 3, 6, 8, 20])
def test_a_hole_that_leaves_hardly_any_of_the_picture_is_filled_all_the_same(kept: int) -> None:
    picture = noise((120, 96, 3))
    hole = np.ones((120, 96), np.bool_)
    hole[:, :kept] = False
    answer = textured(picture, hole, 1)
    assert np.isfinite(answer).all()
    assert np.array_equal(answer[~hole], picture[~hole])
    assert np.array_equal(answer[hole], picture[hole]) == (kept < 7), "below a patch's size, the coarse picture stays"


def test_the_window_grows_until_there_is_something_to_take() -> None:
    hole = hole_in((400, 2000), slice(0, 400), slice(0, 300))
    rows, columns = window(hole)
    assert (rows, columns.start) == (slice(0, 400), 0)
    assert (columns.stop - 300) * 400 >= 300 * 400 / 2
    assert columns.stop < 2000


def test_a_gray_picture_is_filled_in_one_channel() -> None:
    scene = striped_wall()
    answer = textured(scene.rgb[..., :1].astype(np.float32), scene.hole, 1)
    assert answer.shape == (*scene.hole.shape, 1)


def test_other_seeds_choose_other_places() -> None:
    picture = np.random.default_rng(3).normal(128, 20, (160, 160, 3)).clip(0, 255).astype(np.float32)
    hole = hole_in((160, 160), slice(60, 100), slice(60, 100))
    picture[hole] = 128
    one, again, other = (textured(picture, hole, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert (np.abs(one - other)[hole] > 1).mean() > 0.2


def _digest() -> str:
    """A dozen fills, of which some need every branch; for the processes below."""
    digest = hashlib.sha256()
    for number, (size, where) in enumerate((((300, 411), (90, 150)), ((181, 203), (0, 70)), ((97, 300), (30, 97)))):
        shape = (size[0], size[1])
        picture = (noise((*shape, 3), number) + np.arange(shape[1], dtype=np.float32)[:, None]) / np.float32(2.57)
        hole = hole_in(shape, slice(*where), slice(*where))
        for pixels in (picture, picture[..., :1]):
            digest.update(textured(np.clip(pixels, 0, 255), hole, number + 1).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("processor", PROCESSORS)
def test_every_processor_and_number_of_threads_finds_the_same_texture(processor: str) -> None:
    if NEEDED.get(processor, "") not in Path("/proc/cpuinfo").read_text():
        pytest.skip(f"OpenBLAS's code for {processor} does not run here")
    code = "from tests.unit.pixels.test_patches import _digest; print(_digest())"
    environment = {**os.environ, **PROCESSORS[processor]}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == KNOWN


#: Of `_digest`, as it was first. It changes only where the texture is meant to.
KNOWN = "2e82373a486cf6eb1932aa21c0451f7989a58c5c3a6fd36690f9f91216aa66cf"
