"""The retouch layer in a real window: a hundred repairs, and a hundred times Undo."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from gi.repository import Gegl, Gimp

from bridge.protocol import Finished, Patch, Result
from canvas import stacking
from canvas.placing import place_at
from driver import keys
from regenerating import GREEN, RED, close, generate, interactively, undo
from screen import press, see
from support import configure, pixels, rendered, select, until

REPAIRS = 100
WIDE, HIGH = 6000, 4000
SPOT = 150


@pytest.fixture
def photograph():
    """A photograph of 24 MP in a window, with a selection that is no rectangle."""
    image = Gimp.Image.new(WIDE, HIGH, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(image, "photograph", WIDE, HIGH, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, 600, 400), "R'G'B' u8", os.urandom(600 * 400 * 3))
    image.insert_layer(layer, None, 0)
    image.undo_disable()
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 100, 100, 120, 90)
    image.undo_enable()
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    yield image
    display.delete()


def repair(folder, number):
    """A repair of one colour, a bit of it over the one before, and its files: as the bridge writes them."""
    where = (number * 57 % (WIDE - SPOT), number * 31 % (HIGH - SPOT), SPOT, SPOT)
    header = f"P7\nWIDTH {SPOT}\nHEIGHT {SPOT}\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n".encode()
    pixel = bytes(value for channel in (2 * number, 255 - number, 7, 255) for value in (channel, channel))
    (folder / f"{number}.pam").write_bytes(header + pixel * SPOT**2)
    coverage = bytes(min(255, 8 * min(x, y, SPOT - 1 - x, SPOT - 1 - y)) for y in range(SPOT) for x in range(SPOT))
    (folder / "mask.pgm").write_bytes(f"P5\n{SPOT} {SPOT}\n255\n".encode() + coverage)
    made = Result((Patch(f"{number}.pam", where),), 1, number, json.dumps({"format": 1, "seed": number}))
    return Finished(where, (Patch("mask.pgm", where),), (made,), ())


def state(image):
    """What there is in the image: all its pixels as a checksum, its selection, and how its layers were made."""
    whole = hashlib.sha256(pixels(image.get_selection(), "Y u8"))
    for layer in image.get_layers():
        whole.update(pixels(layer))
        whole.update(pixels(layer.get_mask(), "Y u8") if layer.get_mask() else b"")
        whole.update(" ".join(sorted(layer.get_parasite_list())).encode())
    return whole.hexdigest()


def memory():
    """Of GIMP, in MB."""
    return int(Path(f"/proc/{os.getppid()}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def test_a_hundred_repairs_are_one_layer_and_undo_takes_back_one_after_the_other(photograph, tmp_path):
    (source,) = photograph.get_layers()
    states, used = {0: state(photograph)}, {}
    for number in range(1, REPAIRS + 1):
        target = stacking.collecting(photograph, "layer", source, None, None)
        place_at(target, repair(tmp_path, number), tmp_path, "")
        used[number] = memory()
        if number in (1, 99):
            states[number] = state(photograph)
    Gimp.displays_flush()
    assert [layer.get_name() for layer in photograph.get_layers()] == ["Photio: retouch", "photograph"]
    one_copy = WIDE * HIGH * 4 >> 20
    assert used[90] - used[40] < 4 * one_copy, used  # fifty copies would be kept for undo otherwise
    for left in range(REPAIRS - 1, -1, -1):
        undo()
        until(lambda left=left: repairs(photograph) == left)
        if left in states:
            assert state(photograph) == states[left], left
    assert photograph.get_layers() == [source]


def repairs(image):
    """How many the image has."""
    return sum(name.startswith("photio-regen") for name in image.get_layers()[0].get_parasite_list())


def test_what_the_settings_say_holds_for_remove_object_and_undo_takes_back_one_repair(shown, server):
    configure(origin=server.origin, key_storage="file", insert_as="retouch")
    server.script(RED, GREEN)
    looked = [rendered(shown)]
    for left in (100, 160):
        select(shown, left, 100, 100, 100)
        assert interactively("photio-remove", shown) == Gimp.PDBStatusType.SUCCESS
        looked.append(rendered(shown))
    assert [layer.get_name() for layer in shown.get_layers()] == ["Photio: retouch", "photograph"]
    assert len({bytes(look) for look in looked}) == 3
    undo()
    until(lambda: repairs(shown) == 1)
    assert rendered(shown) == looked[1]
    until(lambda: undo() or len(shown.get_layers()) == 1)  # the selections are steps, too
    assert rendered(shown) == looked[0]


def test_in_the_window_insert_adds_to_the_retouch_layer_or_makes_a_layer_as_chosen_at_that_moment(
    shown, server, window
):
    server.script(RED, GREEN)
    window()
    press("toggle button", "Area")
    choose_insertion(1)
    generate(1)
    keys("alt+i")
    until(lambda: repairs(shown) == 1)
    generate(2)
    keys("alt+i")
    until(lambda: repairs(shown) == 2)
    choose_insertion(0)
    keys("alt+i")
    until(lambda: len(shown.get_layers()) == 3)
    assert sorted(layer.get_name() for layer in shown.get_layers())[:2] == ["Photio: removed", "Photio: retouch"]
    close()


def choose_insertion(number):
    """Chooses an option of *Insert as* in the window, from 0."""
    see("combo box", "Insert as").node.get_selection_iface().select_child(number)
