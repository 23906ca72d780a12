"""`python -m bridge regen` takes the same steps as *Remove Object*: of the same answers, it makes the same pixels."""

import array
import random
import subprocess

import pytest
from gi.repository import Gegl, Gimp, Gio

from support import BRIDGE, PYTHON, make_image, pixels, rendered, run, select

WIDTH, HEIGHT = 300, 220
EVERYWHERE = Gegl.Rectangle.new(0, 0, WIDTH, HEIGHT)
SEED = 4711


def photograph(precision):
    """Colours that change slowly, with the noise of a camera."""
    image = make_image(WIDTH, HEIGHT, precision=precision)
    noise = random.Random(3)
    values = array.array("H")
    for y in range(HEIGHT):
        for x in range(WIDTH):
            values.extend(noise.randrange(2500) + ramp for ramp in (x * 200, y * 270, (x + y) * 110))
    image.get_layers()[0].get_buffer().set(EVERYWHERE, "R'G'B' u16", values.tobytes())
    return image


def mask_of(image):
    """The selection as a grey image, in which white is selected."""
    mask = Gimp.Image.new(WIDTH, HEIGHT, Gimp.ImageBaseType.GRAY)
    layer = Gimp.Layer.new(mask, "mask", WIDTH, HEIGHT, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL)
    mask.insert_layer(layer, None, 0)
    layer.get_buffer().set(EVERYWHERE, "Y' u8", pixels(image.get_selection(), "Y u8"))
    return mask


def save(image, path):
    """Writes a file in the way that GIMP exports it."""
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(path)), None)


def by_command_line(folder, *options):
    """What the command makes of photograph.png and mask.png, as an image."""
    files = ["--base", folder / "photograph.png", "--mask", folder / "mask.png", "--out", folder / "out.png"]
    command = [PYTHON, "-I", BRIDGE, "regen", *files, "--mask-means", "edit", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(folder / "out.png")))


@pytest.mark.parametrize("edges", ["hard", "feathered"])
@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_NON_LINEAR"])
@pytest.mark.parametrize("service", ["repaints", "offline engine"])
def test_the_command_line_makes_the_pixels_that_remove_object_makes(server, tmp_path, service, precision, edges):
    image = photograph(getattr(Gimp.Precision, precision))
    select(image, 90, 60, 110, 80)
    if edges == "feathered":
        Gimp.Selection.feather(image, 24)
        # has greys of every kind, also those next to black and white
        assert len(set(pixels(image.get_selection(), "Y u8"))) > 200
    save(image, tmp_path / "photograph.png")
    save(mask_of(image), tmp_path / "mask.png")
    before = rendered(image, "R'G'B' u16")
    engine = "offline" if service == "offline engine" else "photio"
    server.script({"answer": "invert"}, {"answer": "invert"})

    run("photio-remove", image, seed=float(SEED), engine=engine)
    in_gimp = array.array("H", rendered(image, "R'G'B' u16"))
    loaded = by_command_line(tmp_path, "--seed", str(SEED), "--engine", engine)
    on_the_command_line = array.array("H", rendered(loaded, "R'G'B' u16"))

    if engine == "photio":
        in_one_way, in_the_other = server.requests
        assert in_one_way == in_the_other
    assert in_gimp.tobytes() != before
    differences = [abs(one - other) for one, other in zip(in_gimp, on_the_command_line, strict=True)]
    # GIMP composites the layer through its mask in floating point and rounds once more than the command, which blends
    # the same values itself: one step of the picture's own precision.
    step = 257 if precision == "U8_NON_LINEAR" else 1
    assert max(differences) <= step
