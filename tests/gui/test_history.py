"""*History…*: what was ever made is listed, found, inserted again and deleted; with the keyboard alone."""

import json
import os
import resource
import signal
import subprocess
import time

import pytest
from gi.repository import Gimp

from driver import keys, meanwhile, widget, write
from screen import focused, x_window
from support import (
    BRIDGE,
    PLUG_IN,
    PdbError,
    configure,
    make_image,
    pixels,
    processes,
    rendered,
    run,
    select,
    until,
    wait_for_end,
)

GREEN = {"answer": "colour", "rgb": [10, 200, 30]}


@pytest.fixture
def shown():
    """An image in a window, with a selection."""
    image = make_image(1152, 896)
    select(image, 500, 400, 100, 100)
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    yield image
    display.delete()


def has_focus(row):
    """Whether the keyboard is on that row."""
    here = focused()
    return here is not None and here.name == row


@pytest.fixture
def window():
    """Opens the history of the image that is in front; closed again at the end."""

    def begin(count):
        widget("gimp", "menu item", "History…", "press")
        until(lambda: len(rows()) == count)
        if count:
            until(lambda: has_focus(rows()[0]))  # only then keys get there

    yield begin
    leave()


def leave():
    """Closes the window, if it is there, with the keyboard."""
    if pids := processes(PLUG_IN):
        subprocess.run(["xdotool", "windowactivate", "--sync", x_window("Photio History")], check=True, timeout=180)
        keys("Escape", "Escape")  # the search's, the window's
        for pid in pids:
            wait_for_end(pid)


def rows():
    """What a screen reader says of each row."""
    return widget("photio", "list item", "*", "names").splitlines()


def notice(text):
    """Waits for a sentence in the window."""
    widget("photio", "label", text, "read")


def asked():
    """Waits for the question whether to delete what was paid for, until keys get there."""
    notice("This result was paid for, and no image got it.")
    until(lambda: (here := focused()) and "button" in here.role)


def layers(image, count):
    until(lambda: len(image.get_layers()) == count)
    return image.get_layers()


def take_away(image, layer):
    """Removes a result that was inserted, as somebody does who thinks better of it later."""
    image.remove_layer(layer)
    Gimp.displays_flush()


def test_results_are_listednewest_first_each_with_what_became_of_it(shown, server, window):
    configure(origin=server.origin, key_storage="file")
    run("photio-remove", shown, engine="offline")
    run("photio-regenerate", shown, shown.get_layers()[-1:], prompt="a red boat", seed=77.0, variations=2)
    window(3)
    newest, second, oldest = rows()
    assert newest.startswith("a red boat, for")
    assert newest.endswith(", Photio, seed 77, Inserted")
    assert second.endswith(", Photio, seed 78, Inserted")
    assert oldest.startswith("Removed, for")
    assert ", Offline, seed" in oldest
    assert shown.get_name() in oldest


def test_typing_searches_prompts_and_seeds(shown, server, window):
    run("photio-regenerate", shown, prompt="a brass bell", seed=4711.0)
    run("photio-regenerate", shown, shown.get_layers()[-1:], prompt="a red boat", seed=77.0)
    window(2)
    write("BELL brass")
    until(lambda: len(rows()) == 1)
    assert rows()[0].startswith("a brass bell")
    keys("Escape")
    until(lambda: len(rows()) == 2)
    keys("ctrl+f")
    write("77")
    until(lambda: len(rows()) == 1)
    assert rows()[0].startswith("a red boat")
    write("7")
    notice("No result has these words*777*")


def test_in_its_own_image_a_result_comes_to_its_old_place_and_one_undo_takes_it_back(shown, server, window):
    server.script(GREEN)
    before = rendered(shown)
    (direct,) = run("photio-regenerate", shown, prompt="a brass bell")
    with_it, place, name = rendered(shown), tuple(direct.get_offsets())[1:], direct.get_name()
    assert with_it != before
    take_away(shown, direct)
    window(1)
    keys("Return")
    again, _photograph = layers(shown, 2)
    notice("Inserted into * at its old place.")
    assert (tuple(again.get_offsets())[1:], again.get_name()) == (place, name)
    assert rendered(shown) == with_it
    widget(
        "gimp", "menu item", "Undo History", "press"
    )  # the upper one of two of that name: GIMP calls the step after its menu entry
    layers(shown, 1)
    assert rendered(shown) == before


def test_of_several_results_only_the_chosen_one_is_inserted(shown, server, window):
    server.script(GREEN, {"answer": "colour", "rgb": [250, 20, 30]})
    group, *_variations = run("photio-remove", shown, variations=2, seed=5.0, match_colour=False, match_grain=False)
    colours = {
        request["seed"]: colour for request, colour in zip(server.requests, ([10, 200, 30], [250, 20, 30]), strict=True)
    }
    take_away(shown, group)
    window(2)
    newest, other = rows()
    assert (", seed 5," in newest, ", seed 6," in other) == (True, True)
    until(lambda: has_focus(newest))
    keys("Down")
    until(lambda: has_focus(other))
    keys("Return")
    inserted, _photograph = layers(shown, 2)
    assert not inserted.is_group()
    middle = 4 * (450 * 1152 + 550)
    assert rendered(shown)[middle : middle + 4] == bytes([*colours[6], 255])


def test_on_a_full_disk_each_result_is_inserted_with_its_own_picture_and_the_window_says_what_is_not_noted(
    shown, server, window, journal
):
    colours = ([10, 200, 30], [250, 20, 30], [20, 30, 250])
    server.script(*({"answer": "colour", "rgb": colour} for colour in colours))
    for _colour in colours:
        take_away(shown, run("photio-remove", shown, match_colour=False, match_grain=False)[0])
    window(3)
    until(lambda: sum(len(list(folder.glob("picture-*"))) for folder in journal()) == 3)
    (bridge,) = processes(BRIDGE)
    resource.prlimit(bridge, resource.RLIMIT_FSIZE, (10, 10))  # no file can be longer than 10 bytes
    for count, colour in enumerate(reversed(colours), 2):  # the newest is the first one
        until(lambda: has_focus(rows()[count - 2]))  # noqa: B023  (it is called at once)
        keys("Return")
        *_others, inserted, _photograph = layers(shown, count)
        notice("The history could not be brought up to date: *request.json* cannot be written: make room*")
        middle = 4 * (inserted.get_height() // 2 * inserted.get_width() + inserted.get_width() // 2)
        assert pixels(inserted)[middle : middle + 3] == bytes(colour)
        keys("Down")


def test_in_another_image_it_comes_to_the_middle_of_the_selection(shown, server, window):
    run("photio-remove", shown)
    other = make_image(1152, 896)  # as large, but another
    select(other, 100, 50, 300, 200)
    display = Gimp.Display.new(other)
    Gimp.displays_flush()
    window(1)
    keys("Return")
    inserted, _photograph = layers(other, 2)
    notice("Inserted into *, in the middle of the selection.")
    _known, x, y = inserted.get_offsets()
    width, height = inserted.get_width(), inserted.get_height()
    assert (x, y) == ((100 + 400 - width) // 2, (50 + 250 - height) // 2)
    assert len(shown.get_layers()) == 2
    leave()
    display.delete()


def test_what_cannot_be_inserted_is_said_and_stays_in_the_history(shown, server, window):
    run("photio-remove", shown)
    other = make_image()
    other.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.MONO, 2, False, False, "")
    display = Gimp.Display.new(other)
    Gimp.displays_flush()
    window(1)
    keys("Return")
    notice("Photio cannot work on indexed images*")
    assert len(other.get_layers()) == len(rows()) == 1
    leave()
    display.delete()


def test_an_answer_that_came_after_the_plug_in_was_killed_is_marked_and_can_be_inserted(shown, server, window):
    server.script({"hold": "before-answer", **GREEN})
    bridges = []
    done = meanwhile(
        lambda: server.wait("body"),
        lambda: bridges.extend(processes(BRIDGE)),
        lambda: [os.kill(pid, signal.SIGKILL) for pid in processes(PLUG_IN)],
    )
    with pytest.raises(PdbError):
        run("photio-regenerate", shown, prompt="a brass bell")
    done()
    server.release()
    for pid in bridges:
        wait_for_end(pid)
    window(1)
    assert rows()[0].endswith("Paid for, not inserted yet")
    keys("Return")
    layers(shown, 2)
    until(lambda: rows()[0].endswith("Inserted"))


def test_deleting_what_was_paid_for_and_never_inserted_asks_once(shown, server, journal, window):
    server.script({"hold": "before-answer", **GREEN})
    done = meanwhile(lambda: server.wait("body"), lambda: [os.kill(pid, signal.SIGKILL) for pid in processes(PLUG_IN)])
    with pytest.raises(PdbError):
        run("photio-remove", shown)
    done()
    server.release()
    for pid in processes(BRIDGE):
        wait_for_end(pid)
    window(1)
    (row,) = rows()
    keys("Delete")
    asked()
    keys("Escape")
    until(lambda: has_focus(row))
    keys("Delete")
    asked()
    keys("alt+d")
    until(lambda: not rows())
    leave()
    assert not [folder for folder in journal() if folder.is_dir()]


def test_another_deletion_can_be_undone_until_the_window_closes(shown, journal, window):
    run("photio-remove", shown)
    window(1)
    keys("Delete")
    until(lambda: not rows())
    widget("photio", "button", "Undo", "press")
    until(lambda: len(rows()) == 1)
    keys("Delete")
    until(lambda: not rows())
    assert [folder for folder in journal() if folder.is_dir()]
    leave()
    assert not [folder for folder in journal() if folder.is_dir()]


def grow_old(folder, days):
    """As if the job had been begun so many days ago."""
    record = json.loads((folder / "request.json").read_text())
    (folder / "request.json").write_text(json.dumps({**record, "started": time.time() - days * 86400}))


def test_applied_limits_take_what_is_beyond_them_while_the_window_is_open(shown, journal, window):
    run("photio-remove", shown)
    (old,) = [folder for folder in journal() if folder.is_dir()]
    run("photio-remove", shown, shown.get_layers()[-1:])
    grow_old(old, 9)
    window(2)
    keys("alt+k")
    widget("photio", "spin button", "Keep for (days)", "focus")
    keys("ctrl+a")
    write("5")
    keys("Tab")
    widget("photio", "button", "Apply", "press")
    until(lambda: len(rows()) == 1)
    assert not old.exists()
    assert processes(PLUG_IN), "the window is still open"


def test_an_empty_history_says_what_will_be_there(shown, window):
    window(0)
    notice("There is no result yet*")
