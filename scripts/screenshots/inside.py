"""The scenes of `screenshots.py`, each from an empty GIMP to a picture. Runs inside GIMP."""

import json
import os
import subprocess
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path

from gi.repository import Gimp, Gio

from gimp import pictures
from screenshots import driver
from screenshots.driver import give_key, keys, photograph, press, run, widget, widget_of, window, words

PROMPT = "an untouched dune in the evening sun"
SEED = "1866"

#: Where another thing could be selected, far from the object: left, top, width, height, in parts of the photograph.
ELSEWHERE = (0.80, 0.12, 0.05, 0.06)

#: The text of the empty history window.
NO_RESULT_YET = (
    "There is no result yet. Everything that Remove Object, Regenerate… and Re-roll Layer make is kept "
    "here, also what no image got: so nothing that was paid for is lost."
)

#: What the real process says without a network, and what it knows from `uv`.
NOT_FETCHED = "Photio's packages could not be fetched: check the internet connection, then try again."
UNREACHABLE = """error: Failed to fetch: `https://packages.example/simple/numpy/`
  Caused by: error sending request for url (https://packages.example/simple/numpy/)
  Caused by: client error (Connect)
  Caused by: dns error: failed to lookup address information: Name or service not known"""

SCENES = {}


def scene(work):
    """Registers a scene under its state's name."""
    SCENES[work.__name__.replace("_", "-")] = work
    return work


class Stage:
    """The photograph in GIMP's window with the object selected, and a service."""

    def __init__(self, order):
        self._order = order
        photo = Path(order["photo"])
        self._photo, self.mask = photo, photo.with_name(f"{photo.stem}-object.png")
        self.service = driver.Service(*order["service"])
        self.image = self._display = None

    def clear(self):
        """As if nothing had ever been done."""
        driver.close_windows()
        if self._display:
            self._display.delete()
        self.service.clear()
        driver.forget_everything()
        self.image = pictures.load(self._photo)
        self.image.set_file(Gio.File.new_for_path(str(self._photo.with_suffix(".xcf"))))  # it needs a name
        pictures.select(self.image, self.mask)
        self._display = Gimp.Display.new(self.image)
        Gimp.displays_flush()
        driver.rest_pointer()

    def select_elsewhere(self, operation):
        """Another part of the photograph."""
        width, height = self.image.get_width(), self.image.get_height()
        left, top, wide, high = ELSEWHERE
        self.image.select_rectangle(operation, left * width, top * height, wide * width, high * height)

    def shoot(self, name, of=None):
        """Takes the picture of the plug-in's window, or of the screen."""
        file = Path(self._order["out"]) / f"{name}{self._order['suffix']}.png"
        photograph(file, of or window())
        print(f"          {file}", flush=True)


def open_window(label):
    """Opens one of the windows from the menu."""
    widget_of("gimp", "menu item", words(label), "press")


def open_regenerate(prompt=PROMPT, variations=1):
    """The window, once it shows what would be sent."""
    open_window("Re_generate…")
    widget("label", "*·*", "read")
    if prompt:
        widget("text", words("Prompt"), "type", prompt)
    widget("text", words("Seed"), "type", SEED)
    if variations > 1:
        widget("spin button", words("_Variations"), "type", str(variations))


def generate(results):
    """Generates, and waits for so many results."""
    press("_Generate")
    driver.wait_for("radio button", words("Result {number}, seed {seed}", number=results, seed="*"))


@scene
def menu(stage):
    """The menu, open."""
    widget_of("gimp", "menu", driver.gimp_words("Filte_rs"), "press")
    widget_of("gimp", "menu", "Photio", "press")
    stage.shoot("menu", "root")
    keys("Escape", "Escape", "Escape")


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


@scene
def regenerate_empty(stage):
    """No key, and nothing done before."""
    open_window("Re_generate…")
    widget("label", "*·*", "read")
    stage.shoot("regenerate-empty")


@scene
def regenerate_area(stage):
    """A prompt, and one of the folded parts."""
    give_key(stage.service)
    open_regenerate()
    press("_Area", "toggle button")
    widget("spin button", words("Conte_xt (%)"), "read")
    stage.shoot("regenerate-area")


@scene
def regenerate_areas(stage):
    """Two crops."""
    give_key(stage.service)
    stage.select_elsewhere(Gimp.ChannelOps.ADD)
    open_regenerate(prompt="")
    stage.shoot("regenerate-areas")


@scene
def regenerate_running(stage):
    """Three requests, waiting."""
    give_key(stage.service)
    stage.service.script(*[{"hold": "before-answer"}] * 3)
    open_regenerate(variations=3)
    press("_Generate")
    stage.service.wait("body")
    waiting = words("waiting, {seconds}", seconds=words("{seconds} s", seconds="[1-9]"))
    widget("label", f"*{waiting}*", "read")
    stage.shoot("regenerate-running")


@scene
def regenerate_results(stage):
    """Three results, the second of them inserted and shown."""
    give_key(stage.service)
    open_regenerate(variations=3)
    generate(3)
    press("_Insert")
    widget("radio button", words("Result {number}, inserted, seed {seed}", number=1, seed="*"), "read")
    stage.shoot("regenerate-results")


@scene
def regenerate_before(stage):
    """The same, as it was before."""
    give_key(stage.service)
    open_regenerate()
    generate(1)
    press("Show _before", "toggle button")
    stage.shoot("regenerate-before")


@scene
def regenerate_closer(stage):
    """A result, at 400 %."""
    give_key(stage.service)
    open_regenerate(variations=3)
    generate(3)
    zoom(4)
    stage.shoot("regenerate-closer")


@scene
def regenerate_closer_plan(stage):
    """What will be sent, at 100 %."""
    give_key(stage.service)
    open_regenerate()
    zoom(0)
    stage.shoot("regenerate-closer-plan")


def zoom(steps):
    """Shows the picture in full size, and so many steps larger."""
    press("1:1")
    for _step in range(steps):
        press("Zoom in (Ctrl +)")
    shown = words("{percent} %", percent=(100, 150, 200, 300, 400)[steps])
    widget("label", words("Zoom: {percent}", percent=shown), "read")


@scene
def regenerate_error(stage):
    """A key that the service does not know."""
    give_key(stage.service)
    stage.service.script({"answer": "status", "status_code": 401, "body": "Unauthorized"})
    open_regenerate()
    press("_Generate")
    widget("button", words("Enter _Key…"), "read")
    stage.shoot("regenerate-error")


@scene
def regenerate_cancelled(stage):
    """Cancelled too late to be free."""
    give_key(stage.service)
    stage.service.script({"hold": "before-answer"})
    open_regenerate()
    press("_Generate")
    stage.service.wait("body")
    press("_Cancel")
    widget("info bar", "*", "read")
    stage.shoot("regenerate-cancelled")


@scene
def remove_progress(stage):
    """GIMP's status bar."""
    give_key(stage.service)
    stage.service.script({"hold": "before-answer"})
    open_window("_Remove Object")
    stage.service.wait("body")
    widget_of("gimp", "button", driver.gimp_words("_Cancel"), "read")
    stage.shoot("remove-progress", "root")
    stage.service.clear()
    driver.until(lambda: len(stage.image.get_layers()) == 2)


@scene
def layers(stage):
    """A group of variations, the first one visible."""
    give_key(stage.service)
    run("photio-regenerate", stage.image, prompt=PROMPT, seed=float(SEED), variations=3)
    Gimp.displays_flush()
    stage.shoot("layers", "root")


@scene
def history(stage):
    """Results of both engines; some were never inserted."""
    give_key(stage.service)
    open_regenerate(variations=3)
    generate(3)
    press("_Insert")
    widget("radio button", words("Result {number}, inserted, seed {seed}", number=1, seed="*"), "read")
    driver.close_windows()
    run("photio-regenerate", stage.image, prompt="the ridge of the dune, wind-blown sand", seed=float(SEED) + 1)
    run("photio-remove", stage.image, engine="offline", seed=1.0)
    open_window("_History…")
    driver.until(lambda: len(driver.thumbnails()) >= 4)  # so many rows are in view
    stage.shoot("history")


@scene
def history_empty(stage):
    """Nothing yet."""
    open_window("_History…")
    widget("label", words(NO_RESULT_YET), "read")
    stage.shoot("history-empty")


@scene
def settings(stage):
    """A key that was tested."""
    give_key(stage.service)
    open_settings()
    press("_Test")
    widget("info bar", "?*", "read")
    stage.shoot("settings")


@scene
def settings_no_key(stage):
    """No key."""
    open_settings()
    stage.shoot("settings-no-key")


@scene
def settings_engine(stage):
    """The second page."""
    open_settings()
    keys("ctrl+Next")
    stage.shoot("settings-engine")


@scene
def settings_history(stage):
    """The third page."""
    open_settings()
    keys("ctrl+Next", "ctrl+Next")
    stage.shoot("settings-history")


@scene
def doctor(stage):
    """Its report, about an installation without a key."""
    open_settings()
    keys("ctrl+Next", "ctrl+Next")
    press("_Doctor…")
    widget("text", words("The doctor's report"), "read")
    stage.shoot("doctor")


def open_settings():
    """The window, with the keyboard where a key is typed."""
    open_window("_Settings…")
    widget("password text", words("_Key"), "focus")


def main():
    """All the scenes that were ordered; how many failed."""
    order = json.loads(sys.argv[1])
    stage, failed = Stage(order), 0
    for name in order["states"]:
        try:
            stage.clear()
            SCENES[name](stage)
        except Exception:  # noqa: BLE001  (one scene that fails is no reason to take none of the others)
            failed += 1
            print(f"          {name}: FAILED", flush=True)
            traceback.print_exc()
            stage.shoot(f"failed-{name}", "root")
    driver.close_windows()
    return failed


sys.exit(main())
