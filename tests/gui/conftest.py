"""The fixtures of `support`, for every test here; and `driver` can be imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from support import (  # noqa: F401
    BRIDGE,
    PLUG_IN,
    empty_home,
    journal,
    no_image_left,
    nobody_at_work,
    processes,
    running_server,
    server,
)

sys.path.insert(0, str(Path(__file__).parent))

from regenerating import end, shown, window  # noqa: F401  (`driver` is beside them)
from setting_up import Environment, playing

LISTENER = """
import gi
gi.require_version("Atspi", "2.0")
from gi.repository import Atspi
listener = Atspi.EventListener.new(lambda event: None)
listener.register("window:activate")
print("ready", flush=True)
Atspi.event_main()
"""


@pytest.fixture(scope="session", autouse=True)
def screen_reader():
    """One program that listens all the time, as a screen reader does.

    GTK's bridge to accessibility takes its key listeners away when the last such program goes; when that happens while
    a key is being told, as after each `widget` here, GTK 3 crashes (`key_listener_list` in gtkaccessibility.c).
    """
    reader = subprocess.Popen(["/usr/bin/python3", "-c", LISTENER], stdout=subprocess.PIPE, text=True)
    assert reader.stdout.readline()
    yield
    reader.kill()
    reader.wait()


@pytest.fixture(autouse=True)
def no_plug_in_left():
    """A window that stands still would be in the way of every test that follows."""
    yield
    for pid in processes(PLUG_IN):
        end(pid)


@pytest.fixture(autouse=True)
def no_message_left():
    """GIMP's messages stay until they are read, and would lie above the windows of the tests that follow."""
    _close_messages()
    yield
    _close_messages()


def _close_messages():
    found = subprocess.run(["xdotool", "search", "--name", "^GIMP Message$"], capture_output=True, text=True)
    for message in found.stdout.split():  # one that goes by itself is fine
        subprocess.run(
            ["xdotool", "windowactivate", "--sync", message, "key", "Escape"], capture_output=True, timeout=180
        )


@pytest.fixture
def environment():
    """The bridge's packages, there or not."""
    packages = Environment(BRIDGE)
    yield packages
    packages.mend()


@pytest.fixture
def player(environment):
    """We are the process that sets up, and nothing is set up yet."""
    environment.hide()
    with playing(BRIDGE) as who:
        yield who
