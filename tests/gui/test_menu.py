"""Filters > Photio in a real window, by way of accessibility and keyboard."""

import json

import pytest
from gi.repository import Gimp

from driver import meanwhile, widget
from regenerating import interactively
from support import (
    BRIDGE,
    PLUG_IN,
    every_layer,
    make_image,
    pixels,
    processes,
    rendered,
    run,
    select,
    until,
    wait_for_end,
)


@pytest.fixture
def shown():
    """An image in a window, with a selection."""
    image = make_image(1152, 896)
    select(image, 500, 400, 100, 100)
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    yield image
    display.delete()


def test_remove_object_in_the_menu_needs_no_dialog_and_one_undo_takes_it_back(shown):
    selection, before = pixels(shown.get_selection(), "Y u8"), rendered(shown)
    widget("gimp", "menu item", "Remove Object", "press")
    until(lambda: len(shown.get_layers()) == 2)
    assert shown.get_layers()[0].get_name() == "Photio: removed"
    assert rendered(shown) != before
    for pid in processes(PLUG_IN):
        wait_for_end(pid)
    widget("gimp", "menu item", "Undo Remove Object", "press")
    until(lambda: len(shown.get_layers()) == 1)
    assert rendered(shown) == before
    assert pixels(shown.get_selection(), "Y u8") == selection


@pytest.mark.parametrize(
    "changes",
    [
        {"variations": 3},
        {"areas": "separate"},
        {"sample": "visible", "resolution": "native"},
        {"fill_transparent": True},
        {"match_colour": False, "match_grain": False},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_one_undo_takes_back_whatever_was_inserted(shown, server, changes):
    shown.select_rectangle(Gimp.ChannelOps.ADD, 50, 50, 20, 20)
    before, names = rendered(shown), [layer.get_name() for layer in every_layer(shown)]
    server.script(*[{"answer": "invert"}] * 3)
    run("photio-remove", shown, **changes)
    assert len(every_layer(shown)) > len(names)
    widget("gimp", "menu item", "Undo [!H]*", "press")
    until(lambda: len(shown.get_layers()) == 1)
    assert [layer.get_name() for layer in every_layer(shown)] == names
    assert rendered(shown) == before


def test_one_undo_takes_back_what_a_named_mask_changed_and_nothing_else(shown, server):
    Gimp.Selection.save(shown).set_name("dust")
    select(shown, 5, 5, 30, 30)
    selection, before = pixels(shown.get_selection(), "Y u8"), rendered(shown)
    server.script({"answer": "invert"})
    run("photio-remove", shown, mask_name="dust")
    assert rendered(shown) != before
    widget("gimp", "menu item", "Undo [!H]*", "press")
    until(lambda: len(shown.get_layers()) == 1)
    assert rendered(shown) == before
    assert pixels(shown.get_selection(), "Y u8") == selection
    assert [channel.get_name() for channel in shown.get_channels()] == ["dust"]


def test_one_undo_takes_back_a_reroll_and_shows_the_old_layer_again(shown, server):
    (old,) = run("photio-remove", shown)
    before = rendered(shown)
    server.script({"answer": "invert"})
    run("photio-reroll", shown, [old])
    assert not old.get_visible()
    widget("gimp", "menu item", "Undo [!H]*", "press")
    until(lambda: len(shown.get_layers()) == 2)
    assert old.get_visible()
    assert rendered(shown) == before


def test_an_unanswered_request_can_be_cancelled_in_the_status_bar_and_is_not_lost(shown, server, journal):
    server.script({"hold": "before-answer"})
    bridges = []
    done = meanwhile(
        lambda: server.wait("body"),
        lambda: bridges.extend(processes(BRIDGE)),
        lambda: widget("gimp", "button", "Cancel", "press"),
    )
    status = interactively("photio-remove", shown)
    done()
    assert status != Gimp.PDBStatusType.SUCCESS
    assert len(shown.get_layers()) == 1
    server.release()
    wait_for_end(*bridges)
    (folder,) = journal()
    assert json.loads((folder / "request.json").read_text())["state"] == "received"


def test_an_upload_can_be_cancelled_in_the_status_bar_and_the_next_one_works_at_once(shown, server, journal):
    server.script({"hold": "before-body"})
    widget("gimp", "menu item", "Remove Object", "press")
    server.wait("headers")
    ours = processes(PLUG_IN) + processes(BRIDGE)
    widget("gimp", "button", "Cancel", "press")
    for pid in ours:
        wait_for_end(pid)
    assert len(shown.get_layers()) == 1
    assert journal() == []
    run("photio-remove", shown)
    assert len(shown.get_layers()) == 2
    server.release()  # only now: nobody had to wait for what was cancelled
    server.wait("dropped")
    assert [bool(request) for request in server.requests] == [False, True]


def test_an_error_is_one_sentence_in_gimp_itself(shown, server):
    server.script({"answer": "status", "status_code": 401, "body": "no"})
    assert interactively("photio-remove", shown) == Gimp.PDBStatusType.EXECUTION_ERROR
    assert "key" in Gimp.get_pdb().get_last_error()
