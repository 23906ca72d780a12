"""Looks at windows through accessibility from within the test's own process: what is to be seen now, and where.

`driver.widget` starts a program for each look; here a look takes milliseconds, so that tests can wait for what they
want to see. Everything not showing at the moment is left out.
"""

from __future__ import annotations

import contextlib
import fnmatch
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

PATIENCE = 180  # seconds: only so that a test that waits in vain ends

State = Atspi.StateType


@dataclass(frozen=True)
class Seen:
    """A widget as a screen reader knows it."""

    node: Atspi.Accessible
    role: str
    name: str

    def has(self, state: Atspi.StateType) -> bool:
        """Whether it is in that state now."""
        self.node.clear_cache_single()
        return bool(self.node.get_state_set().contains(state))

    @property
    def text(self) -> str:
        """What is written in it; of what has no text of its own, its description."""
        texts = self.node.get_text_iface()
        if texts:
            return str(Atspi.Text.get_text(texts, 0, -1))
        self.node.clear_cache_single()
        return str(self.node.get_description())

    @property
    def value(self) -> float:
        """The number in it."""
        return float(self.node.get_value_iface().get_current_value())

    @property
    def place(self) -> tuple[int, int, int, int]:
        """x, y, width and height on the screen, px."""
        box = self.node.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
        return (box.x, box.y, box.width, box.height)

    @property
    def place_in_window(self) -> tuple[int, int, int, int]:
        """Likewise, counted from its window's corner."""
        box = self.node.get_component_iface().get_extents(Atspi.CoordType.WINDOW)
        return (box.x, box.y, box.width, box.height)

    def set(self, number: float) -> None:
        """Puts another number into it."""
        self.node.get_value_iface().set_current_value(number)

    def write(self, text: str) -> None:
        """Replaces its text."""
        self.node.get_editable_text_iface().set_text_contents(text)

    def press(self) -> None:
        """Does what it is there for."""
        self.node.get_action_iface().do_action(0)

    def focus(self) -> None:
        """Puts the focus there."""
        self.node.get_component_iface().grab_focus()


def roots(application: str | int) -> list[Atspi.Accessible]:
    """The programs whose names begin like that; or the one that is this process."""
    desktop = Atspi.get_desktop(0)
    found = [desktop.get_child_at_index(index) for index in range(desktop.get_child_count())]
    if isinstance(application, int):
        return [root for root in found if root is not None and root.get_process_id() == application]
    return [root for root in found if root is not None and (root.get_name() or "").startswith(application)]


def showing(node: Atspi.Accessible) -> Iterator[Atspi.Accessible]:
    """All below the node that is to be seen, in reading order; what is folded away is the only exception."""
    for index in range(node.get_child_count()):
        child = node.get_child_at_index(index)
        if child is None:
            continue
        child.clear_cache_single()
        if child.get_state_set().contains(State.SHOWING):
            yield child
            yield from showing(child)


def looking(application: str) -> Iterator[Seen]:
    """One after the other, all that is to be seen of a program now.

    Raises:
        GLib.Error: it changed meanwhile.
    """
    for root in roots(application):
        for node in showing(root):
            yield Seen(node, node.get_role_name(), node.get_name() or "")


def look(application: str = "photio") -> list[Seen]:
    """All that is to be seen of a program now; empty when it changed while we looked."""
    try:
        return list(looking(application))
    except GLib.Error:
        return []


def find(role: str, name: str, application: str = "photio") -> Seen | None:
    """The first such widget, or None. In `name`, * stands for anything."""
    matching = (
        seen for seen in looking(application) if role in (seen.role, "*") and fnmatch.fnmatchcase(seen.name, name)
    )
    try:
        return next(matching, None)
    except GLib.Error:
        return None


def wait_until(condition, why="it never happened"):
    """Blocks until `condition` holds, windows that come and go meanwhile included; what it gave."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            value = condition()
        except GLib.Error:  # what we asked was going away
            value = None
        if value:
            return value
        said = why() if callable(why) else why
        assert time.monotonic() < end, said
        time.sleep(0.05)  # between two looks: they take the looked at's time


def x_window(title: str) -> str:
    """The display's number of the visible window with this title (a regular expression), as soon as it is there."""

    def search() -> str | None:
        # xdotool fails, too, if any other window, a tooltip for example, goes away while it looks at all of them
        command = ["xdotool", "search", "--onlyvisible", "--name", title]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        return found.stdout.split()[-1] if found.returncode == 0 and found.stdout else None

    return wait_until(search, f"no window “{title}”")


def see(role: str, name: str = "*", application: str = "photio") -> Seen:
    """That widget, as soon as it is there."""
    return wait_until(lambda: find(role, name, application), lambda: f"no {role} “{name}”, but {told(application)}")


def told(application: str = "photio") -> list[str]:
    """All that is to be seen, for the message of a test that failed."""
    return [f"{seen.role} “{seen.name}”" for seen in look(application) if seen.name]


def press(role: str, name: str, application: str = "photio") -> None:
    """Waits for a widget that can be used, and presses it."""

    def pressed():
        seen = find(role, name, application)
        if seen is None or not seen.has(State.SENSITIVE):
            return False
        with contextlib.suppress(GLib.Error):  # what it does can take longer than the bus waits
            seen.press()
        return True

    wait_until(pressed, lambda: f"no {role} “{name}” to press, but {told(application)}")


def gone(role: str, name: str) -> None:
    """Waits until there is no such widget."""
    wait_until(lambda: look() and not find(role, name), f"{role} “{name}” stays")


def focused() -> Seen | None:
    """What has the focus."""
    return next((seen for seen in look() if seen.has(State.FOCUSED)), None)
