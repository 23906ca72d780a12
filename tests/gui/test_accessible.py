"""Photio's windows for those who use a keyboard, a screen reader, or eyes that need contrast."""

import collections
import os
import subprocess
from pathlib import Path

import pytest

from driver import keys
from regenerating import choose, ended, generate, notice
from screen import State, focused, look, see, wait_until
from support import PLUG_IN, processes, run, wait_for_end

WINDOWS = ("Regenerate…", "Expand…", "History…", "Settings…")

#: Roles of widgets that do something, whether the keyboard gets there or not.
ACTING = {"push button", "button", "toggle button", "check box", "radio button", "combo box", "spin button", "slider",
          "text", "password text", "entry", "list item", "list box", "menu item", "page tab", "link"}  # fmt: skip

#: What Photio names itself; the rest is inside of GTK's own widgets.
INNER = {"scroll bar", "window", "menu"}


@pytest.fixture
def opened(shown, server, window):
    """Opens one of the windows, with something in it."""

    def begin(entry):
        if entry == "History…":
            run("photio-remove", shown)
        if entry == "Regenerate…":
            window()
            server.script({"answer": "status", "status_code": 401, "body": "no"})
            generate_and_fail()
            generate(1)
            notice_again(server)
        else:
            choose(entry)
            wait_until(lambda: len(look()) > 8 and focused())

    yield begin
    for _window in range(3):
        if processes(PLUG_IN):
            keys("Escape")
    ended()


def generate_and_fail():
    from screen import press

    press("button", "Generate")
    notice("*")


def notice_again(server):
    """Everything that can be seen is to be seen at once: results and a notice."""
    server.script({"answer": "status", "status_code": 401, "body": "no"})
    generate_and_fail()


@pytest.fixture(params=["dark", "light"])
def theme(request):
    """The colours of plug-ins' windows: GIMP writes them into a file, which they read when they start."""
    file = Path(os.environ["GIMP3_DIRECTORY"]) / "theme.css"
    written = file.read_text()
    colours = written.replace("gimp-dark.css", f"gimp-{request.param}.css")
    if request.param == "light":
        colours = colours.replace("/* prefer-dark-theme */", "")
    file.write_text(colours)
    yield request.param
    file.write_text(written)


@pytest.mark.parametrize("entry", WINDOWS)
def test_every_widget_has_a_name(opened, entry):
    opened(entry)
    nameless = [
        seen.role
        for seen in wait_until(look)
        if not seen.name and seen.role not in INNER and (seen.role in ACTING or seen.has(State.FOCUSABLE))
    ]
    assert nameless == []


@pytest.mark.parametrize("entry", WINDOWS)
def test_no_letter_is_the_shortcut_of_two_widgets(opened, entry):
    opened(entry)
    letters = collections.defaultdict(set)
    for seen in wait_until(look):
        action = seen.node.get_action_iface()
        bound = action.get_key_binding(0) if action and action.get_n_actions() else ""
        if "<Alt>" in bound.split(";")[0]:
            letters[bound.split(";")[0]].add((seen.role, seen.name))
    assert letters
    assert {letter: widgets for letter, widgets in letters.items() if len(widgets) > 1} == {}


def stops():
    """Every widget that Tab stops at, and where it is; without combo boxes, whose focus is inside of them, unseen."""
    found = [wait_until(now)]
    for _step in range(60):
        keys("Tab")
        wait_until(lambda before=found[-1]: now() != before, f"Tab leads nowhere: {found}")
        if (here := now()) == found[0]:
            return [stop for stop in found if stop]
        found.append(here)
    raise AssertionError(f"Tab goes round without end: {found}")


def now():
    here = focused()
    return here and (here.name, here.place)


def test_tab_goes_through_the_window_in_reading_order(opened):
    opened("Regenerate…")
    middle = see("text", "Prompt").place[0] - 10  # it has a frame
    bottom = see("button", "Save Settings").place[1]
    top = see("info bar", "*")
    end_of_top = top.place[1] + top.place[3]

    def order(stop):
        x, y, _width, height = stop[1]
        zone = 0 if y < end_of_top else 3 if y + height > bottom else 2 if x >= middle else 1
        return (zone, (y + height // 2) // 20, x)

    visited = stops()
    assert len(visited) > 15
    first = visited.index(min(visited, key=order))
    turned = visited[first:] + visited[:first]
    assert [name for name, _place in turned] == [name for name, _place in sorted(turned, key=order)]


def readable():
    """Every label that is to be read; what cannot be used now may be paler."""
    return [seen for seen in look() if seen.role == "label" and seen.name.strip() and seen.has(State.SENSITIVE)]


def photographed(picture):
    """The labels in a picture of the screen, if nothing changed while it was taken."""
    before = readable()
    subprocess.run(["import", "-window", "root", "-depth", "8", str(picture)], check=True)
    after = readable()
    return (
        after if [(seen.name, seen.place) for seen in before] == [(seen.name, seen.place) for seen in after] else None
    )


def test_text_can_be_read_in_both_themes(opened, theme, tmp_path):
    for entry in WINDOWS:
        opened(entry)
        picture = tmp_path / "screen.ppm"
        pale = {}
        labels = wait_until(lambda picture=picture: photographed(picture))
        for seen in labels:
            ratio = contrast(picture, seen.place)
            if ratio and ratio < 4.5:
                pale[seen.name] = ratio
        assert pale == {}, f"{entry}, {theme}"
        while pids := processes(PLUG_IN):
            keys("Escape")
            wait_for_end(pids[0])


def test_in_the_history_the_selected_row_stands_out_in_both_themes(shown, server, theme, tmp_path):
    run("photio-remove", shown, variations=3)
    choose("History…")
    wait_until(lambda: (seen := focused()) and seen.role == "list item")
    subprocess.run(["xdotool", "mousemove", "1", "1"], check=True)  # a row under the pointer looks different, too
    keys("Down")
    wait_until(lambda: [row.has(State.SELECTED) for row in listed()] == [False, True, False])
    colours = wait_until(lambda: (now := row_colours(tmp_path)) == row_colours(tmp_path) and now)  # it fades in
    above, selected, below = ([luminance(colour) for colour in both] for both in colours)
    for other in (above, below):
        assert ratio(selected[0], other[1]) >= 3  # a bar at the edge; WCAG 2.2, 1.4.11
        assert ratio(selected[1], other[1]) >= 1.4
        assert (selected[1] < other[1]) == (theme == "light")  # towards the text's colour
    keys("Escape")
    ended()


def row_colours(folder):
    """The colours of each row: see `edge_and_ground`."""
    picture = folder / "screen.ppm"
    wait_until(lambda: photographed(picture))
    return [edge_and_ground(picture, row.place) for row in listed()]


def listed():
    return [seen for seen in look() if seen.role == "list item"]


def edge_and_ground(picture, place):
    """The colour at the left edge of a row, and the one that most of it has."""
    x, y, width, height = place
    _kind, size, _depth, pixels = picture.read_bytes().split(b"\n", 3)
    across = int(size.split()[0])
    rows = [pixels[3 * (row * across + x) : 3 * (row * across + x + width)] for row in range(y + 2, y + height - 2)]
    most = [collections.Counter(row[at : at + 3] for row in rows for at in places).most_common(1)[0][0]
            for places in ([6], range(width // 2 * 3, len(rows[0]), 3))]  # fmt: skip
    return most


def ratio(one, other):
    """WCAG's contrast of two luminances."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def contrast(picture, place):
    """The ratio (WCAG 2.2) of a text's colour to what is behind it; None for what is folded away or not on screen."""
    x, y, width, height = place
    if width < 3 or height < 3:
        return None
    _kind, size, _depth, pixels = picture.read_bytes().split(b"\n", 3)
    across = int(size.split()[0])
    rows = [pixels[3 * (row * across + x) : 3 * (row * across + x + width)] for row in range(y, y + height)]
    colours = collections.Counter(row[at : at + 3] for row in rows for at in range(0, len(row) - 2, 3))
    if len(colours) < 4:
        return None  # scrolled out of sight: no text there
    behind = luminance(colours.most_common(1)[0][0])
    return max((max(behind, each) + 0.05) / (min(behind, each) + 0.05) for each in map(luminance, colours))


def luminance(colour):
    """0–1, by WCAG's formula."""
    linear = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
