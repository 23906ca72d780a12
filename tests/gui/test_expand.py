"""*Expand…*: new edges are typed, chosen as a ratio or dragged, and what is new is filled."""

import os
import subprocess
from pathlib import Path

import pytest
from gi.repository import Gimp

from driver import keys
from regenerating import choose, ended, generate, line_with, notice, results, stage, undo
from screen import State, find, look, press, see, wait_until
from support import PLUG_IN, pixels, processes, rendered

RED = {"answer": "colour", "rgb": [250, 20, 30]}
BEGINNING = "Drag an edge*"


@pytest.fixture
def expand(shown):
    """Opens *Expand…* from the menu, and closes it at the end."""
    for remembered in Path(os.environ["GIMP3_DIRECTORY"]).glob("plug-in-settings/*photio-expand*"):
        remembered.unlink()

    def begin():
        choose("Expand…")
        see("label", BEGINNING)
        see("button", "Generate")

    yield begin
    for _window in range(3):
        if processes(PLUG_IN) and find("*", "*"):
            keys("Escape")
    ended()


def size(image):
    return (image.get_width(), image.get_height())


def typed():
    """The numbers of the four edges."""
    return tuple(see("spin button", name).value for name in ("Left", "Top", "Right", "Bottom"))


def choose_ratio(text):
    see("text", "Ratio").write(text)


def test_a_ratio_is_filled_inserted_and_taken_back_with_one_undo(shown, server, expand):
    server.script(RED)
    before, (photograph,) = rendered(shown), shown.get_layers()
    expand()
    choose_ratio("16:9")
    wait_until(lambda: typed() == (220, 0, 221, 0), typed)
    see("label", "New canvas: 1593 × 896 px")
    line_with("1 request")
    assert server.requests == []
    generate(1)
    assert size(shown) == (1152, 896)
    press("button", "Insert")
    wait_until(lambda: size(shown) == (1593, 896))
    assert photograph.get_offsets()[1:] == (220, 0)
    assert len(shown.get_layers()) == 2
    wait_until(lambda: typed() == (0, 0, 0, 0), typed)
    assert results()[0].startswith("Result 1, inserted")
    undo()
    wait_until(lambda: size(shown) == (1152, 896))
    assert shown.get_layers() == [photograph]
    assert rendered(shown) == before


def test_edges_can_be_typed_in_px_and_in_percent(shown, server, expand):
    expand()
    see("spin button", "Left").set(100)
    see("label", "New canvas: 1252 × 896 px")
    press("combo box", "Unit")
    press("menu item", "%")
    see("spin button", "Bottom").set(50)
    see("label", "New canvas: 1252 × 1344 px")
    wait_until(lambda: typed()[3] == 50)


def test_the_anchor_says_where_the_picture_stays(shown, server, expand):
    expand()
    choose_ratio("1:1")
    wait_until(lambda: typed() == (0, 128, 0, 128), typed)
    press("radio button", "Anchor: Top left")
    wait_until(lambda: typed() == (0, 0, 0, 256), typed)
    press("radio button", "Anchor: Bottom")
    wait_until(lambda: typed() == (0, 256, 0, 0), typed)


def test_an_edge_can_be_dragged(shown, server, expand):
    expand()
    x, y, width, height = see("*", "The new canvas*").place
    image, pane = size(shown), (width, height)
    room = 2 * 0.15 * max(image)
    scale = min(pane[0] / (image[0] + room), pane[1] / (image[1] + room))
    start = (x + width // 2 + round(image[0] * scale / 2), y + height // 2 + 30)
    drag(start, (start[0] + 40, start[1]))
    wait_until(lambda: typed()[2] > 0, typed)
    left, top, right, bottom = typed()
    assert (left, top, bottom) == (0, 0, 0)
    assert abs(right - 40 / scale) < 3 / scale


def drag(start, end):
    """Presses at one point of the screen, and lets go at another."""
    middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
    steps = ["mousemove", *start, "mousedown", "1", "mousemove", *middle, "mousemove", *end, "mouseup", "1"]
    subprocess.run(["xdotool", *map(str, steps)], check=True)


def test_the_number_of_requests_is_shown_before_anything_is_sent(shown, server, expand):
    shown.scale(1152, 4000)
    Gimp.displays_flush()
    expand()
    see("spin button", "Right").set(300)
    line_with("3 requests")
    assert server.requests == []


def test_nothing_changes_when_it_is_cancelled(shown, server, expand):
    server.script({**RED, "hold": "before-answer"})
    before = rendered(shown)
    expand()
    see("spin button", "Right").set(100)
    line_with("1 request")
    press("button", "Generate")
    stage("Waiting")
    press("button", "Cancel")
    notice("Cancelled*")
    server.release()
    assert size(shown) == (1152, 896)
    assert rendered(shown) == before


def test_an_error_is_a_notice_and_the_canvas_stays(shown, server, expand):
    server.script({"answer": "status", "status_code": 401, "body": "no"})
    expand()
    see("spin button", "Top").set(100)
    line_with("1 request")
    press("button", "Generate")
    notice("*")
    assert size(shown) == (1152, 896)


def test_each_request_says_whether_its_turn_has_come(shown, server, expand):
    server.script({**RED, "hold": "before-answer"})
    shown.scale(1152, 4000)
    Gimp.displays_flush()
    expand()
    see("spin button", "Right").set(300)
    line_with("3 requests")
    press("button", "Generate")
    see("label", "Request 1: waiting*Request 2: after the earlier ones*")
    assert len(server.requests) == 1
    press("button", "Cancel")
    notice("Cancelled*")
    server.release()
    ended_alone(server)


def ended_alone(server):
    """Waits until the bridge has ended, and looks that it sent nothing more."""
    press("button", "Close")
    ended()
    assert len(server.requests) == 1


def test_another_edge_after_a_result_shows_the_canvas_again(shown, server, expand):
    expand()
    see("spin button", "Right").set(100)
    line_with("1 request")
    generate(1)
    wait_until(lambda: not find("*", "The new canvas*"))
    see("spin button", "Right").set(120)
    see("*", "The new canvas*")
    line_with("1 request")
    assert len(results()) == 1


def test_two_results_of_the_same_edges_can_both_be_inserted(shown, server, expand):
    expand()
    see("spin button", "Right").set(100)
    line_with("1 request")
    generate(1)
    press("button", "Generate")
    wait_until(lambda: len(results()) == 2)
    press("button", "Insert")
    wait_until(lambda: size(shown) == (1252, 896))
    press("radio button", "Result 1,*")
    press("button", "Insert")
    wait_until(lambda: len(shown.get_layers()) == 3)
    assert size(shown) == (1252, 896)


def test_the_window_never_takes_the_selection_away(shown, server, expand):
    selection = pixels(shown.get_selection(), "Y u8")
    expand()
    see("spin button", "Right").set(100)
    generate(1)
    assert pixels(shown.get_selection(), "Y u8") == selection
    assert any(seen.has(State.FOCUSED) for seen in look())
