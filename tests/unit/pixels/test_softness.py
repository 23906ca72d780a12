"""How soft an answer really is, is measured by what it should have kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bridge.pixels.softness import SOFTNESSES, kept_detail, softened, softness

PHOTO = Path(__file__).parents[3] / "scripts" / "photos" / "extreme-desert-hike.jpg"
KEPT = np.ones((500, 600), np.bool_)
KEPT[150:350, 200:400] = False


@pytest.fixture(scope="module")
def sent():
    """A crop as the service gets it: scaled down, and so sharp to the last px."""
    image = Image.open(PHOTO).convert("RGB").crop((1300, 1100, 2800, 2350))
    return np.asarray(image.resize((600, 500), Image.Resampling.LANCZOS))


def of(answer, sent, kept=KEPT):
    return softness(np.asarray(answer, np.float32), kept_detail(sent, kept))


def test_an_answer_as_sharp_as_what_was_sent_is_not_called_soft(sent):
    assert of(sent, sent) == 1
    assert of(sent + np.random.default_rng(1).normal(0, 3, sent.shape), sent) == 1
    assert of(sent * 0.95 + 6, sent) <= 1.25


@pytest.mark.parametrize("factor", SOFTNESSES[1:])
def test_an_answer_that_had_fewer_px_is_that_much_softer(factor, sent):
    assert of(softened(sent, factor), sent) == pytest.approx(factor, abs=0.15)


def test_a_blurred_answer_is_softer_the_more_it_is_blurred(sent):
    found = [of(Image.fromarray(sent).filter(ImageFilter.GaussianBlur(px)), sent) for px in (0.8, 1.2, 1.6, 6)]
    assert 1 < found[0] < found[1] < found[2] < found[3] == SOFTNESSES[-1]


def test_what_was_to_be_regenerated_has_no_say(sent):
    answer = sent.copy()
    answer[~KEPT] = 128
    assert of(answer, sent) == 1


def test_where_nothing_shows_it_is_not_measured(sent):
    assert kept_detail(np.full_like(sent, 128), KEPT) is None
    assert kept_detail(sent, ~np.ones_like(KEPT)) is None
    assert kept_detail(sent[:10, :10], KEPT[:10, :10]) is None
