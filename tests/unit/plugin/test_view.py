"""How the picture of *Regenerate…* is zoomed and moved, in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugin_side import plugin

BOX = (100, 200, 6000, 4000)
PANE = (600, 450)


@pytest.fixture(scope="module", autouse=True)
def view() -> Iterator[Any]:
    with plugin("windows.regenerate.view") as (module,):
        yield module.View().on(PANE).of(BOX)


def point(view: Any, x: float, y: float) -> tuple[float, float]:
    """The point of the canvas at a point of the pane."""
    left, top = view.corner
    return view.box[0] + (x - left) / view.scale, view.box[1] + (y - top) / view.scale


def test_at_first_all_of_it_is_in_view_in_the_middle(view: Any) -> None:
    assert view.scale == pytest.approx(0.1)
    assert view.visible == BOX
    assert view.corner == (0, 25)
    assert view.step == 10


def test_a_small_picture_is_magnified_but_not_without_end(view: Any) -> None:
    small = view.of((0, 0, 100, 100))
    assert small.scale == 3
    assert small.corner == (150, 75)


def test_at_full_size_the_middle_is_in_view(view: Any) -> None:
    assert view.zoomed(1.0).visible == (2800, 1975, 600, 450)


@pytest.mark.parametrize("at", [(150, 175), (80, 300), (420, 120), (300, 225)])
@pytest.mark.parametrize("zoom", [0.5, 1.0, 4.0])
def test_what_is_under_the_pointer_stays_there(view: Any, at: tuple[int, int], zoom: float) -> None:
    there = point(view, *at)
    assert point(view.zoomed(zoom, at), *at) == pytest.approx(there, abs=0.5 / zoom + 1e-6)


@pytest.mark.parametrize(("steps", "at"), [(1, (410.7, 80.6)), (3, (553.3, 45.0)), (5, (65.3, 404.9))])
def test_zooming_in_and_out_at_one_point_again_and_again_does_not_let_the_picture_creep(
    view: Any, steps: int, at: tuple[float, float]
) -> None:
    start = now = view.on((601, 452)).zoomed(0.5, at)
    for _turn in range(50):
        for larger in [True] * steps + [False] * steps:
            now = now.stepped(larger, at)
    assert now.centre == pytest.approx(start.centre, abs=1e-3)


def test_each_step_is_larger_and_the_way_back_ends_where_all_is_in_view(view: Any) -> None:
    seen = [view]
    for _step in range(20):
        seen.append(seen[-1].stepped(True))
    scales = [each.scale for each in seen]
    assert scales == sorted(scales)
    assert scales[-1] == 16
    assert {1.0, 2.0, 4.0, 8.0} < set(scales)
    back = seen[-1]
    for _step in range(30):
        back = back.stepped(False)
    assert back.zoom is None
    assert back.scale == view.scale


def test_a_picture_that_was_magnified_to_fit_can_be_shown_in_its_own_size(view: Any) -> None:
    small = view.of((0, 0, 100, 100))
    for _step in range(9):
        small = small.stepped(False)
    assert small.scale == 1
    assert small.visible == (0, 0, 100, 100)


def test_it_cannot_be_moved_beyond_its_edges(view: Any) -> None:
    full = view.zoomed(1.0)
    assert full.moved(1e6, 1e6).visible == (100, 200, 600, 450)
    assert full.moved(-1e6, -1e6).visible == (5500, 3750, 600, 450)
    assert full.moved(1e6, 1e6).moved(-10, -20).visible == (110, 220, 600, 450)
    assert view.moved(50, 50).visible == BOX


def test_another_picture_of_the_same_place_is_shown_there_and_one_of_elsewhere_as_a_whole(view: Any) -> None:
    full = view.zoomed(2.0, (10, 40))
    assert full.of(BOX).visible == full.visible
    assert full.of((0, 0, 8000, 5000)).visible == full.visible
    assert full.of((5000, 3000, 500, 500)).zoom is None


@given(
    box=st.tuples(*[st.integers(0, 20000)] * 2, *[st.integers(1, 20000)] * 2),
    pane=st.tuples(st.integers(1, 4000), st.integers(1, 3000)),
    moves=st.lists(st.tuples(st.floats(-1, 2), st.floats(-1, 2), st.integers(0, 5)), max_size=8),
)
def test_wherever_one_looks_what_is_in_view_lies_in_the_picture(
    view: Any, box: tuple[int, ...], pane: tuple[int, int], moves: list[tuple[float, float, int]]
) -> None:
    now = view.on(pane).of(box)
    for x, y, what in moves:
        at = (x * pane[0], y * pane[1])
        now = now.moved(*at) if what == 0 else now.fitted() if what == 1 else now.stepped(what % 2 == 0, at)
        left, top, across, down = now.visible
        assert across >= 1
        assert down >= 1
        assert box[0] <= left
        assert box[1] <= top
        assert left + across <= box[0] + box[2]
        assert top + down <= box[1] + box[3]
        wide = now.to_load()
        assert wide[0] <= left
        assert wide[0] + wide[2] >= left + across
        assert now.step * now.scale <= 1 or now.step == 1
