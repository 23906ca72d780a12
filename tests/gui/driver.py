"""Uses windows as a person does: widgets by way of accessibility, keys by way of the display."""

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from support import PLUG_IN, processes

WIDGETS = str(Path(__file__).with_name("widgets.py"))


def widget(*arguments):
    """Uses a widget (see widgets.py); what was read from it."""
    done = subprocess.run(["/usr/bin/python3", WIDGETS, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def keys(*names):
    """Presses keys, one after the other, in the window that has the focus: "Tab", "alt+o", "Return"."""
    subprocess.run(["xdotool", "key", "--delay", "40", *names], check=True)


def write(text):
    """Types a text into the widget that has the focus."""
    subprocess.run(["xdotool", "type", "--delay", "20", text], check=True)


def screenshot(file):
    """The whole screen as a PNG, for people to look at."""
    subprocess.run(["import", "-window", "root", str(file)], check=True)


def meanwhile(*steps):
    """Does something in a thread, while the test's own waits in a procedure; call what it returns, to join it."""
    failures = []

    def work():
        try:
            for step in steps:
                step()
        except BaseException as failure:  # noqa: BLE001  (handed over to the test's thread, which waits)
            failures.append(failure)
            for pid in processes(PLUG_IN):
                os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=work)
    thread.start()
    return lambda: (thread.join(), [pytest.fail(str(failure)) for failure in failures])
