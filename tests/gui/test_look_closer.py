"""*Regenerate…*: its picture can be looked at closely, at the pixels that *Insert* will place."""

import subprocess
from dataclasses import dataclass

import pytest
from gi.repository import Gimp

from driver import keys
from regenerating import GREEN, RED, choose, focus, generate, results
from screen import press, see, wait_until, x_window
from support import rendered, select, until

GRAY = {"answer": "colour", "rgb": [120, 120, 120]}


@pytest.fixture
def large(shown):
    """A selection whose crop is larger than the window's pane."""
    select(shown, 200, 150, 700, 600)
    Gimp.displays_flush()
    return shown


@dataclass
class Shot:
    """The pane as it is on the screen: RGB."""

    width: int
    height: int
    pixels: bytes

    def row(self, y):
        return self.pixels[3 * self.width * y : 3 * self.width * (y + 1)]

    def pixel(self, x, y):
        return tuple(self.row(y)[3 * x : 3 * x + 3])


def pane(name="*"):
    """The picture."""
    return see("icon", name)


def shot():
    """The pane now. Nothing covers it: neither another window nor a tip at the pointer."""
    window = x_window("^Regenerate$")
    subprocess.run(["xdotool", "windowraise", window], check=True)
    x, y, width, height = pane().place_in_window
    command = ["import", "-window", window, "-crop", f"{width}x{height}+{x}+{y}", "+repage", "-depth", "8", "rgb:-"]
    return Shot(width, height, subprocess.run(command, capture_output=True, check=True).stdout)


class Photograph:
    """An image's pixels, which are noise: a few of them are found at one place alone."""

    def __init__(self, image):
        self.width, rgba = image.get_width(), rendered(image)
        self.pixels = bytes(rgba[at] for at in range(len(rgba)) if at % 4 != 3)

    def row(self, x, y, count):
        start = 3 * (self.width * y + x)
        return self.pixels[start : start + 3 * count]

    def place(self, seen, zoom=1):
        """Which of its pixels is the first whole one of the pane, and where on the pane that is; None if none is."""
        for phase in range(zoom):
            row = seen.row(zoom)
            some = b"".join(row[3 * x : 3 * x + 3] for x in range(phase, phase + 20 * zoom, zoom))
            found = self.pixels.find(some)
            if found >= 0:
                return found // 3 % self.width, found // 3 // self.width, phase
        return None

    def difference(self, seen, at, zoom=1):
        """The largest difference to what is seen."""
        x, y, phase = at
        worst, count = 0, (seen.width - phase) // zoom
        for down in range(zoom, seen.height, zoom):
            row = seen.row(down)
            there = b"".join(row[3 * at : 3 * at + 3] for at in range(phase, phase + count * zoom, zoom))
            here = self.row(x, y + (down - zoom) // zoom, count)
            if there != here:
                worst = max(worst, *(abs(one - other) for one, other in zip(there, here, strict=True)))
        return worst


def zoomed(percent):
    """Waits until the window says that it shows the picture so large."""
    see("label", f"Zoom: {percent} %")


def percent():
    return int(see("label", "Zoom: * %").name.split()[1])


def find_place(photograph, zoom=1):
    """Waits until the pane shows the photograph in full size; where."""
    return wait_until(lambda: photograph.place(shot(), zoom), lambda: f"no pixel of it is seen, at {percent()} %")


def point_at(across, down):
    """Puts the pointer there, in parts of the pane."""
    x, y, width, height = pane().place
    to = (x + round(across * width), y + round(down * height))
    subprocess.run(["xdotool", "mousemove", *map(str, to)], check=True)
    return to


def click(*how):
    subprocess.run(["xdotool", "click", *how], check=True)


def before():
    press("toggle button", "Show before")


@pytest.mark.parametrize("layers_below", [0, 1])
def test_at_full_size_the_screen_shows_what_insert_places_soft_edges_included(large, server, window, layers_below):
    for layer in large.get_layers() * layers_below:  # then GIMP blends in linear light
        large.insert_layer(layer.copy(), None, 1)
        large.set_selected_layers([layer])
    server.script(GRAY)
    window()
    press("toggle button", "Area")
    see("spin button", "Feather (px)").set(30)
    generate(1)
    press("button", "1:1")
    zoomed(100)
    before()
    original = Photograph(large)
    at = find_place(original)
    assert original.difference(shot(), at) == 0
    before()
    count = len(large.get_layers())
    wait_until(lambda: not original.place(shot()))
    for _step in range(8):  # to the left edge of what was regenerated, where it is soft
        see("panel", "Picture").focus()
        keys("Left")
    before()
    at = find_place(original)
    before()
    wait_until(lambda: original.difference(shot(), at))
    seen = shot()
    press("button", "Insert")
    until(lambda: len(large.get_layers()) == count + 1)
    assert Photograph(large).difference(seen, at) <= 1


def test_at_400_percent_each_pixel_is_a_square(large, server, window):
    window()
    generate(1)
    before()
    press("button", "1:1")
    for _step in range(4):
        keys("ctrl+plus")
    zoomed(400)
    original = Photograph(large)
    at = find_place(original, 4)
    seen = shot()
    assert original.difference(seen, at, 4) == 0
    changes = {x % 4 for x in range(1, seen.width) if seen.pixel(x, 40) != seen.pixel(x - 1, 40)}
    assert len(changes) == 1


def test_the_wheel_zooms_at_the_pointer(large, server, window):
    window()
    generate(1)
    before()
    original = Photograph(large)
    press("button", "1:1")
    at = find_place(original)
    place = pane().place
    x, y = point_at(0.2, 0.3)
    under = shot().pixel(x - place[0], y - place[1])
    for _step in range(4):
        click("4")
    zoomed(400)
    find_place(original, 4)
    assert shot().pixel(x - place[0], y - place[1]) == under
    for _step in range(4):
        click("5")
    zoomed(100)
    wait_until(lambda: original.place(shot()) == at, lambda: f"{original.place(shot())} instead of {at}")


def test_a_double_click_shows_full_size_and_all_of_it_again(large, server, window):
    window()
    generate(1)
    original = Photograph(large)
    fit = percent()
    assert fit < 100
    before()
    point_at(0.5, 0.5)
    click("--repeat", "2", "--delay", "60", "1")
    zoomed(100)
    find_place(original)
    point_at(0.4, 0.6)  # elsewhere: it would be the third click
    click("--repeat", "2", "--delay", "60", "1")
    zoomed(fit)


def test_dragging_and_arrows_move_it_and_another_variation_keeps_the_place(large, server, window):
    server.script(GREEN, RED)
    window()
    see("spin button", "Variations").set(2)
    generate(2)
    press("button", "1:1")
    before()
    original = Photograph(large)
    x, y, _phase = find_place(original)
    point_at(0.5, 0.5)
    subprocess.run(["xdotool", "mousedown", "1"], check=True)
    for _step in range(3):
        subprocess.run(["xdotool", "mousemove_relative", "--", "-10", "-7"], check=True)
    subprocess.run(["xdotool", "mouseup", "1"], check=True)
    wait_until(lambda: original.place(shot()) == (x + 30, y + 21, 0), lambda: f"{original.place(shot())}, {x, y}")
    focus("panel", "Picture")
    keys("Right", "Down")
    wait_until(lambda: (original.place(shot()) or (0, 0))[0] > x + 30)
    at = find_place(original)
    assert at[1] > y + 21
    see("radio button", "Result 2,*").press()
    wait_until(lambda: not original.place(shot()))
    zoomed(100)
    before()
    assert find_place(original) == at


def test_the_picture_can_be_held_to_compare_at_every_zoom(large, server, window):
    server.script(GREEN)
    window()
    generate(1)
    press("button", "1:1")
    original = Photograph(large)
    point_at(0.5, 0.5)
    subprocess.run(["xdotool", "mousedown", "1"], check=True)
    find_place(original)
    subprocess.run(["xdotool", "mouseup", "1"], check=True)
    wait_until(lambda: not original.place(shot()))


def test_what_will_be_sent_can_be_looked_at_closely_too(large, server, window):
    select(large, 100, 100, 900, 20)  # its crop is mostly surroundings
    Gimp.displays_flush()
    window()
    fit = percent()
    press("button", "1:1")
    zoomed(100)
    original = Photograph(large)
    see("panel", "Picture").focus()
    keys(*["Down"] * 20)
    find_place(original)
    keys("ctrl+0")
    zoomed(fit)
    assert not results()


def test_after_the_image_was_closed_results_can_still_be_looked_at(large, server, window):
    window()
    generate(1)
    before()
    original = Photograph(large)
    choose("Close [!A]*")
    press("button", "1:1")
    find_place(original)
