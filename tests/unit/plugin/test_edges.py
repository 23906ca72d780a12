"""The arithmetic of *Expand…*: ratios, percent, anchors, and edges that are dragged in a pane."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugin_side import plugin

with plugin("canvas.edges", "windows.expand.layout") as modules:
    edges, layout = modules

Edges = edges.Edges
SIZES = st.tuples(st.integers(1, 20000), st.integers(1, 20000))
SOME_EDGES = st.builds(Edges, *[st.integers(0, 5000)] * 4)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("16:9", 16 / 9), (" 3 : 2 ", 1.5), ("1/1", 1.0), ("2,35:1", 2.35), ("2.35:1", 2.35), ("4x5", 0.8),
        ("21×9", 21 / 9), ("", None), ("16", None), ("16:", None), ("0:1", None), ("1:0", None), ("a:b", None),
        ("1000:1", None), ("-1:2", None), ("16:9:2", None),
    ],
)  # fmt: skip
def test_a_ratio_is_read_as_people_write_it(text, ratio):
    assert edges.ratio_of(text) == ratio


@pytest.mark.parametrize(
    ("size", "before", "ratio", "anchor", "after"),
    [
        ((320, 240), Edges(), 16 / 9, "center", Edges(54, 0, 53, 0)),
        ((320, 240), Edges(), 1.0, "center", Edges(0, 40, 0, 40)),
        ((320, 240), Edges(), 1.0, "top", Edges(0, 0, 0, 80)),
        ((320, 240), Edges(), 1.0, "bottom-right", Edges(0, 80, 0, 0)),
        ((320, 240), Edges(), 2.0, "left", Edges(0, 0, 160, 0)),
        ((320, 240), Edges(), 2.0, "top-right", Edges(160, 0, 0, 0)),
        ((320, 240), Edges(10, 0, 0, 0), 1.0, "top", Edges(10, 0, 0, 90)),
        ((320, 240), Edges(), 4 / 3, "center", Edges()),
        ((1, 1), Edges(), 100.0, "right", Edges(99, 0, 0, 0)),
    ],
)
def test_a_ratio_moves_edges_outwards_and_the_anchor_says_which(size, before, ratio, anchor, after):
    assert edges.with_ratio(size, before, ratio, anchor) == after


@given(SIZES, SOME_EDGES, st.floats(0.01, 100), st.sampled_from(sorted(edges.ANCHORS)))
def test_with_a_ratio_nothing_becomes_smaller_and_the_ratio_is_right_to_a_px(size, before, ratio, anchor):
    after = edges.with_ratio(size, before, ratio, anchor)
    assert all(new >= old for new, old in zip(after, before, strict=True))
    width, height = after.canvas(size)
    assert abs(width - height * ratio) <= 1 or abs(height - width / ratio) <= 1


@given(SOME_EDGES, st.sampled_from(sorted(edges.ANCHORS)), SIZES)
def test_another_anchor_leaves_the_canvas_as_large_as_it_was(before, anchor, size):
    after = edges.anchored(before, anchor)
    assert after.canvas(size) == before.canvas(size)
    assert edges.anchored(after, anchor) == after


def test_percent_are_of_the_width_for_left_and_right_and_of_the_height_for_the_others():
    assert edges.of_percent((400, 200), (10.0, 10.0, 25.0, 0.25)) == Edges(40, 20, 100, 0)


@given(st.tuples(st.integers(100, 2000), st.integers(100, 2000)), SIZES, SOME_EDGES)
def test_all_of_the_new_canvas_is_in_the_pane_with_room_around_it(pane, size, given_edges):
    here = layout.fitted(pane, size, given_edges)
    x, y, width, height = here.canvas(given_edges)
    assert x >= 0
    assert y >= 0
    assert x + width <= pane[0] + 1
    assert y + height <= pane[1] + 1
    left, top, wide, high = here.picture()
    assert (left, top) >= (x, y) or (left >= x and top >= y)
    assert left + wide <= x + width + 1
    assert top + high <= y + height + 1


@pytest.mark.parametrize(
    ("at", "grabbed"),
    [
        ((300, 150), ()), ((203, 150), ("left",)), ((398, 150), ("right",)), ((300, 95), ("top",)),
        ((300, 204), ("bottom",)), ((199, 101), ("left", "top")), ((402, 199), ("right", "bottom")), ((150, 150), ()),
        ((200, 80), ()),
    ],
)  # fmt: skip
def test_the_pointer_takes_the_edges_that_it_is_near(at, grabbed):
    here = layout.Layout(0.5, (200.0, 100.0), (400, 200))  # the canvas is 200 … 400, 100 … 200 in the pane
    assert here.grabbed(at, Edges()) == grabbed


def test_of_a_canvas_that_is_tiny_in_the_pane_only_the_nearer_edge_is_taken():
    here = layout.Layout(0.01, (200.0, 100.0), (400, 20000))
    assert here.grabbed((205, 200), Edges()) == ("right",)
    assert here.grabbed((199, 200), Edges()) == ("left",)


def test_a_dragged_edge_follows_the_pointer_and_stops_at_the_picture():
    here = layout.Layout(0.5, (200.0, 100.0), (400, 200))
    before = Edges(10, 20, 30, 40)
    assert here.dragged(before, ("right",), (400, 150), (425, 190)) == Edges(10, 20, 80, 40)
    assert here.dragged(before, ("left", "top"), (200, 100), (195, 90)) == Edges(20, 40, 30, 40)
    assert here.dragged(before, ("bottom",), (300, 200), (300, 100)) == Edges(10, 20, 30, 0)
