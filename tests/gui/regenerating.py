"""The window of *Regenerate…* as its tests use it."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import signal
from pathlib import Path

import pytest
from gi.repository import Gimp, GLib

import screen
from driver import keys
from screen import find, look, press, see, wait_until
from support import BRIDGE, PLUG_IN, make_image, processes, select, wait_for_end

GREEN = {"answer": "colour", "rgb": [10, 200, 30]}
RED = {"answer": "colour", "rgb": [250, 20, 30]}

#: Every traceback of a plug-in goes to GIMP's standard error, which is ours too.
_STDERR = f"/proc/{os.getpid()}/fd/2"

_menu: dict[tuple[str | int, str], screen.Seen] = {}  # GIMP's is large, so it is searched once


def choose(entry: str, gimp: str | int = "gimp") -> None:
    """Chooses an entry of GIMP's menus; `gimp`: of which one, where there are two."""

    def chosen():
        known = _menu.get((gimp, entry))
        if known and known.has(screen.State.SENSITIVE) and (action := known.node.get_action_iface()):
            with contextlib.suppress(GLib.Error):  # what it does can take longer than the bus waits
                action.do_action(0)
            return True
        if found := _in_menu(entry, gimp):  # GIMP makes its menus anew now and then
            _menu[gimp, entry] = screen.Seen(found, "menu item", entry)
        return False

    wait_until(chosen, f"{entry} cannot be chosen")


def _in_menu(entry: str, gimp: str | int):
    waiting = screen.roots(gimp)
    while waiting:
        node = waiting.pop(0)
        if node.get_role_name() == "menu item" and fnmatch.fnmatchcase(node.get_name() or "", entry):
            return node
        waiting = [node.get_child_at_index(index) for index in range(node.get_child_count())] + waiting
        waiting = [node for node in waiting if node is not None]
    return None


@pytest.fixture
def shown():
    """An image in a window, with a selection."""
    image = make_image(1152, 896)
    select(image, 500, 400, 100, 100)
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    yield image
    if display.is_valid():
        display.delete()


@pytest.fixture
def window(shown):
    """Opens *Regenerate…* from the menu; closes it at the end, and looks whether it ever lost its temper."""
    for remembered in Path(os.environ["GIMP3_DIRECTORY"]).glob("plug-in-settings/*photio-regenerate*"):
        remembered.unlink()  # what the last test asked for
    beginning = os.path.getsize(_STDERR) if os.path.isfile(_STDERR) else 0

    def begin():
        choose("Regenerate…")
        wait_until(ready, lambda: f"the window is not ready: {screen.told()}")

    yield begin
    for _window in range(3):  # one that runs, one that an error opened, and its own
        if processes(PLUG_IN) and find("*", "*"):
            keys("Escape")
    for pid in [*processes(PLUG_IN), *processes(BRIDGE)]:
        end(pid)
    if os.path.isfile(_STDERR):
        with open(_STDERR, encoding="utf-8", errors="replace") as said:
            said.seek(beginning)
            assert "Traceback" not in said.read()


def end(pid: int) -> None:
    """What a test that failed has left behind would confuse the next one, and all that follow.

    Raises:
        AssertionError: it had to be killed.
    """
    try:
        wait_for_end(pid)
    except AssertionError:
        os.kill(pid, signal.SIGKILL)
        raise


def ready() -> bool:
    """Whether the window shows what would be sent, or says why nothing can be."""
    return bool(line()) and bool(find("button", "Generate"))


def interactively(name: str, image: Gimp.Image, drawables: list[Gimp.Layer] | None = None) -> Gimp.PDBStatusType:
    """Runs a procedure as the menu does; its status."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.INTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables or image.get_layers()[-1:])
    return procedure.run(config).index(0)


def focus(role: str, name: str) -> None:
    """Waits until a widget has the focus."""

    def there():
        seen = find(role, name)
        return seen and seen.has(screen.State.FOCUSED)

    wait_until(there, lambda: f"{role} “{name}” does not get the focus, but {screen.focused()}")


def line() -> str:
    """The line below the preview."""
    return next((seen.text for seen in look() if seen.role == "label" and " · " in seen.name), "")


def line_with(words: str) -> str:
    """Waits until the line below the preview has these words."""
    return wait_until(lambda: line() if words in line() else "", lambda: f"“{line()}” never became “{words}”")


def ended() -> None:
    """Waits until no process of Photio is left."""
    for pid in [*processes(PLUG_IN), *processes(BRIDGE)]:
        wait_for_end(pid)


def close() -> None:
    """Closes the window, and waits until it is gone."""
    press("button", "Close")
    for pid in processes(PLUG_IN):
        wait_for_end(pid)


def notice(text: str) -> screen.Seen:
    """Waits for a sentence above everything else."""
    return see("info bar", text)


def results() -> list[str]:
    """What a screen reader says of each thumbnail."""
    return [seen.name for seen in look() if seen.role == "radio button" and seen.name.startswith("Result ")]


def generate(count: int = 1) -> None:
    """Generates, and waits until there are so many results in all."""
    press("button", "Generate")
    wait_until(lambda: len(results()) == count, lambda: f"{results()}, and {screen.told()}")


def stage(words: str) -> None:
    """Waits until the bar says so."""
    wait_until(lambda: words in shown_stage(), lambda: f"“{shown_stage()}” never became “{words}”")


def shown_stage() -> str:
    """What the bar says; empty: there is none."""
    bar = find("progress bar", "Progress")
    return bar.text if bar else ""


def press_generate() -> None:
    """Generates, and does not wait."""
    press("button", "Generate")


def no_windows() -> None:
    """Waits until the plug-in has ended."""
    wait_until(lambda: processes(PLUG_IN) == [])


def undo() -> None:
    """Takes back one step, with GIMP's menu."""
    choose("Undo [!H]*")
