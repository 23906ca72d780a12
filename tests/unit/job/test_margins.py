"""Grow, feather and spill that follow the size of the selection."""

import pytest

from bridge.job.margins import resolved
from bridge.protocol import AUTOMATIC
from tests.unit.history_jobs import a_job

AUTO = {"grow": AUTOMATIC, "feather": AUTOMATIC, "spill": AUTOMATIC}


def margins(job, longest):
    found = resolved(job, longest)
    return found.grow, found.feather, found.spill


@pytest.mark.parametrize(
    ("longest", "removing", "adding"),
    [
        (1, (6, 3, 0), (2, 2, 8)),
        (300, (6, 3, 0), (2, 2, 15)),
        (1000, (12, 6, 0), (4, 4, 50)),
        (2500, (30, 15, 0), (10, 10, 96)),
        (9000, (48, 24, 0), (16, 16, 96)),
    ],
)
def test_automatic_margins_follow_the_selection_and_are_never_less_than_they_were(longest, removing, adding):
    assert margins(a_job(prompt=" ", **AUTO), longest) == removing
    assert margins(a_job(prompt="a cat", **AUTO), longest) == adding


def test_what_is_given_in_px_stays():
    assert margins(a_job(grow=0, feather=7, spill=3), 4000) == (0, 7, 3)


@pytest.mark.parametrize(("percent", "px"), [(0, 0), (10, 40), (500, 500)])
def test_a_spill_in_percent_is_one_of_the_longer_side(percent, px):
    found = resolved(a_job(spill=percent, spill_unit="percent"), 400)
    assert (found.spill, found.spill_unit) == (px, "px")


def test_what_was_chosen_once_is_not_chosen_again():
    once = resolved(a_job(prompt="a cat", **AUTO), 1000)
    assert resolved(once, 200) == once
