"""The scenes of `screenshots.py`, each from an empty GIMP to a picture. Runs inside GIMP."""

import json
import sys
import traceback

from gi.repository import Gimp

from screenshots import driver, expand_scenes, setup_scenes  # noqa: F401  (they register their scenes)
from screenshots.driver import give_key, keys, press, run, widget, widget_of, words
from screenshots.stage import (
    PROMPT,
    SCENES,
    SEED,
    Stage,
    generate,
    open_regenerate,
    open_settings,
    open_window,
    scene,
)

#: The text of the empty history window.
NO_RESULT_YET = (
    "There is no result yet. Everything that Remove Object, Regenerate… and Re-roll Layer make is kept "
    "here, also what no image got: so nothing that was paid for is lost."
)


@scene
def menu(stage):
    """The menu, open."""
    widget_of("gimp", "menu", driver.gimp_words("Filte_rs"), "press")
    widget_of("gimp", "menu", "Photio", "press")
    stage.shoot("menu", "root")
    keys("Escape", "Escape", "Escape")


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
