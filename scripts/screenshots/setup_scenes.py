"""The scenes of the window that sets Photio up. What its process does is played."""

import os
import subprocess
from contextlib import contextmanager

from screenshots import driver
from screenshots.driver import keys, press, widget, words
from screenshots.stage import open_settings, open_window, scene

#: What the real process says without a network, and what it knows from `uv`.
NOT_FETCHED = "Photio's packages could not be fetched: check the internet connection, then try again."
UNREACHABLE = """error: Failed to fetch: `https://packages.example/simple/numpy/`
  Caused by: error sending request for url (https://packages.example/simple/numpy/)
  Caused by: client error (Connect)
  Caused by: dns error: failed to lookup address information: Name or service not known"""


@contextmanager
def set_up(open_it, *arguments):
    """The window that sets up, with the plan of the real process. The rest is played. Yields that process.

    Args:
        open_it: makes the plug-in open it.
        arguments: of the real process.
    """
    command = ["/usr/bin/python3", "-I", "-B", driver.BRIDGE, "setup", "--plan", *arguments]
    fresh = {**os.environ, "XDG_DATA_HOME": "/home/jo/.local/share"}  # where nothing is set up
    plan = subprocess.run(command, env=fresh, capture_output=True, text=True, check=True).stdout
    with driver.setting_up.playing(driver.BRIDGE) as player:
        open_it()
        attempt = player.started()
        attempt.print(plan.splitlines()[0])
        widget("label", "*/home/jo/.local/share/photio*", "read")
        try:
            yield attempt
        finally:
            attempt.end(130)
            driver.close_windows()


@contextmanager
def not_set_up():
    """The window that *Remove Object* opens where nothing is set up; see `set_up`."""
    environment = driver.setting_up.Environment(driver.BRIDGE)
    environment.hide()
    try:
        with set_up(lambda: open_window("_Remove Object")) as attempt:
            yield attempt
    finally:
        environment.mend()


@scene
def setup_before(stage):
    """What would be fetched."""
    with not_set_up():
        stage.shoot("setup-before")


@scene
def setup_running(stage):
    """In the middle of the largest step."""
    with not_set_up() as attempt:
        press("_Set Up")
        attempt.progress("packages", 12, 31)
        widget("progress bar", words("Progress"), "told", "*12*31*")
        stage.shoot("setup-running")


@scene
def setup_failed(stage):
    """An error, its details and what may help."""
    with not_set_up() as attempt:
        press("_Set Up")
        attempt.fail("network", words(NOT_FETCHED), UNREACHABLE)
        press("_Details", "toggle button")
        stage.shoot("setup-failed")


@scene
def setup_done(stage):
    """The last step."""
    with not_set_up() as attempt:
        press("_Set Up")
        attempt.progress("packages", 31, 31)
        attempt.progress("check")
        widget("progress bar", words("Progress"), "told", words("Checking that everything works…"))
        stage.shoot("setup-done")


@scene
def setup_neural(stage):
    """MI-GAN, from the settings."""

    def add():
        open_settings()
        keys("ctrl+Next")
        press("A_dd MI-GAN…")

    with set_up(add, "--neural"):
        stage.shoot("setup-neural")
