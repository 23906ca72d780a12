"""What all scenes of `screenshots.py` share: the photograph in GIMP's window, and how the windows are opened."""

from pathlib import Path

from gi.repository import Gimp, Gio

from gimp import pictures
from screenshots import driver
from screenshots.driver import photograph, press, widget, widget_of, window, words

PROMPT = "an untouched dune in the evening sun"
SEED = "1866"

#: Where another thing could be selected, far from the object: left, top, width, height, in parts of the photograph.
ELSEWHERE = (0.80, 0.12, 0.05, 0.06)

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


def open_settings():
    """The window, with the keyboard where a key is typed."""
    open_window("_Settings…")
    widget("password text", words("_Key"), "focus")
