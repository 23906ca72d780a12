"""The fixtures of `support`, for every test here; and `driver` can be imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from support import empty_home, journal, no_image_left, running_server, server  # noqa: F401

sys.path.insert(0, str(Path(__file__).parent))

from regenerating import shown, window  # noqa: F401  (`driver` is beside them)


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
            ["xdotool", "windowactivate", "--sync", message, "key", "Escape"], capture_output=True, timeout=20
        )
