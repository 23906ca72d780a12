"""Finds and uses widgets through the accessibility bus, as a screen reader does. Run with the system's Python.

widgets.py APPLICATION ROLE NAME press         presses it
widgets.py APPLICATION ROLE NAME type TEXT     replaces its text
widgets.py APPLICATION ROLE NAME read          prints its text, value or name
widgets.py APPLICATION ROLE NAME nameless      prints the roles of all below it that take the focus and have no name
widgets.py APPLICATION ROLE NAME focus         waits until it has the focus
widgets.py APPLICATION ROLE NAME told PATTERN  waits until its description is like that
widgets.py APPLICATION ROLE NAME names         prints the names of all such widgets, perhaps none

In NAME and PATTERN, * stands for anything and [!H] for any letter but H.
"""

import fnmatch
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

PATIENCE = 180  # seconds: only so that a test that waits in vain ends


def below(node):
    """The node and all below it."""
    yield node
    for index in range(node.get_child_count()):
        child = node.get_child_at_index(index)
        if child is not None:
            yield from below(child)


def applications(name):
    """The programs whose names begin like that."""
    desktop = Atspi.get_desktop(0)
    found = [desktop.get_child_at_index(index) for index in range(desktop.get_child_count())]
    return [root for root in found if root is not None and root.get_name().startswith(name)]


def find(application, role, name):
    """The first such widget that can be seen, or None."""
    for root in applications(application):
        for node in below(root):
            if node.get_role_name() == role and fnmatch.fnmatchcase(node.get_name(), name):
                return node
    return None


def wait_for(application, role, name):
    """That widget, as soon as it is there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            node = find(application, role, name)
        except GLib.Error:  # it went away while we looked
            node = None
        if node is not None:
            return node
        time.sleep(0.05)  # between two looks: the bus is GIMP's main loop too
    there = sorted(
        {
            node.get_name()
            for root in applications(application)
            for node in below(root)
            if node.get_role_name() == role and name[:4] in node.get_name()
        }
    )
    sys.exit(f"{application}: there is no {role} “{name}”, but {there}")


def focusable(root):
    """All below the node that the Tab key could get to."""
    return [node for node in below(root) if node.get_state_set().contains(Atspi.StateType.FOCUSABLE)]


def wait_for_focus(node):
    """Returns when the node has the focus."""
    end = time.monotonic() + PATIENCE
    while not node.get_state_set().contains(Atspi.StateType.FOCUSED):
        if time.monotonic() > end:
            sys.exit(f"{node.get_role_name()} “{node.get_name()}” does not get the focus")
        node.clear_cache_single()
        time.sleep(0.05)


def wait_for_description(node, pattern):
    """Returns when the node's description is like that."""
    end = time.monotonic() + PATIENCE
    while not fnmatch.fnmatchcase(node.get_description(), pattern):
        if time.monotonic() > end:
            sys.exit(f"{node.get_role_name()} “{node.get_name()}” never says “{pattern}”")
        node.clear_cache_single()
        time.sleep(0.05)


def names(application, role, name):
    """The names of all such widgets, in reading order."""
    while True:
        try:
            nodes = [node for root in applications(application) for node in below(root)]
            found = [node.get_name() for node in nodes if node.get_role_name() == role]
            return [each for each in found if fnmatch.fnmatchcase(each, name)]
        except GLib.Error:  # one went away while we looked
            time.sleep(0.05)


def main(application, role, name, verb, *text):
    """The command line."""
    if verb == "names":
        print(*names(application, role, name), sep="\n")
        return
    node = wait_for(application, role, name)
    if verb == "press":
        node.get_action_iface().do_action(0)
    elif verb == "type":
        node.get_editable_text_iface().set_text_contents(text[0])
    elif verb == "nameless":
        print(*[widget.get_role_name() for widget in focusable(node) if not widget.get_name()])
    elif verb == "focus":
        wait_for_focus(node)
    elif verb == "told":
        wait_for_description(node, text[0])
    elif verb == "read":
        texts = node.get_text_iface()
        print(Atspi.Text.get_text(texts, 0, -1) if texts else node.get_name())


main(*sys.argv[1:])
