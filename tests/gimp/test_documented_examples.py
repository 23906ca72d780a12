"""The examples of docs/scripting.md do what the page says, as they stand there, in this GIMP."""

import json
import os
import re
import shutil
import subprocess

import pytest
from gi.repository import Gegl, Gimp, Gio

from support import PYTHON, TESTS, pixels

CHECKOUT = TESTS.parent
PAGE = (CHECKOUT / "docs" / "scripting.md").read_text()
PHOTOGRAPH = CHECKOUT / "scripts" / "photos" / "extreme-desert-hike.jpg"

#: The files that the page asks to save: a name in the paragraph before, and what is in the file.
FILES = dict(re.findall(r"Save it as `([\w.]+)`:\n\n```(?:python|scheme)\n(.*?)```\n", PAGE, re.DOTALL))
COMMANDS = re.findall(r"^```sh\n(.*?)```\n", PAGE, re.DOTALL | re.MULTILINE)

#: What no test can run, by how it begins: it fetches packages, or never ends.
NOT_RUN = ("python3 -m venv ", "python3 -m bridge serve")


@pytest.fixture
def folder(tmp_path):
    """A folder with the files that the page asks to save, and a photograph."""
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    shutil.copy(PHOTOGRAPH, tmp_path / "photo.jpg")
    return tmp_path


def command(words):
    """The only command of the page with these words in it."""
    (found,) = [each for each in COMMANDS if words in each]
    return found


def run_in(folder, text, **variables):
    """Runs it as a reader would; what it printed."""
    environment = {**os.environ, "PHOTIO_RUN": "", **variables}
    done = subprocess.run(["sh", "-e", "-c", text], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def load(file):
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(file)))


def save(image, file):
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(file)), None)


def provenance(layer):
    return json.loads(bytes(layer.get_parasite("photio-regen").get_data()))


def test_every_example_of_the_page_is_run_here():
    run = ("'remove.py'", "'expand.py'", "'dust.py'", "remove.scm", "bridge regen")
    left = [each for each in COMMANDS if not each.startswith(NOT_RUN) and not any(words in each for words in run)]
    assert left == []
    assert sorted(FILES) == ["dust.py", "expand.py", "remove.py", "remove.scm"]
    assert len(re.findall(r"```(?:python|scheme)", PAGE)) == len(FILES)


@pytest.mark.parametrize("example", ["'remove.py'", "remove.scm"])
def test_a_rectangle_is_removed_and_the_layers_are_saved(folder, example):
    run_in(folder, command(example))
    result, photograph = load(folder / "result.xcf"), load(folder / "photo.jpg")
    assert [layer.get_name() for layer in result.get_layers()] == [
        "Photio: removed",
        photograph.get_layers()[0].get_name(),
    ]
    assert pixels(result.get_layers()[1]) == pixels(photograph.get_layers()[0])
    told = provenance(result.get_layers()[0])
    assert (told["engine"], told["seed"]) == ("offline", 7)


def test_a_photograph_becomes_wider_and_keeps_its_place(folder):
    photograph = load(folder / "photo.jpg")
    assert photograph.crop(480, 400, 1100, 2120)  # a small part, for it takes less time
    save(photograph, folder / "photo.jpg")
    run_in(folder, command("'expand.py'"))
    wide, photograph = load(folder / "wide.xcf"), load(folder / "photo.jpg")
    assert (wide.get_width(), wide.get_height()) == (711, 400)
    assert tuple(wide.get_layers()[-1].get_offsets())[1:] == (0, 0)
    assert pixels(wide.get_layers()[-1]) == pixels(photograph.get_layers()[0])
    assert provenance(wide.get_layers()[0])["engine"] == "offline"


def test_a_script_that_fails_says_why_and_has_an_exit_status(folder):
    (folder / "photo.jpg").unlink()
    shutil.copy(CHECKOUT / "scripts" / "photos" / "extreme-desert-hike-object.png", folder / "photo.jpg")
    text = FILES["remove.py"].replace("600, 400, 60, 40", "1, 1, 1, 1").replace("REPLACE", "SUBTRACT")
    (folder / "remove.py").write_text(text)
    printed = run_in(folder, command("'remove.py'").rstrip() + " || echo status $?")
    assert "Nothing is selected" in printed
    assert "status 64" in printed


def test_what_a_channel_marks_is_repaired_in_every_scan_and_the_others_are_named(folder):
    (folder / "scans").mkdir()
    for name in ("one, eins, 一", "without a mask"):
        image = load(folder / "photo.jpg")
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 1500, 500, 40, 30)
        Gimp.Selection.save(image).set_name("dust" if name != "without a mask" else "stars")
        Gimp.Selection.none(image)
        save(image, folder / "scans" / f"{name}.xcf")
        image.delete()
    printed = run_in(folder, command("'dust.py'"))
    assert re.findall("not repaired: (.*)", printed) == ["scans/without a mask.xcf"]
    assert "No channel, path, layer mask or layer is called “dust”. There are: “stars”" in printed
    for name, count in (("one, eins, 一", 2), ("without a mask", 1)):
        assert len(load(folder / "scans" / f"{name}.xcf").get_layers()) == count


def with_packages(folder):
    """Where `python3` is one that has the bridge's packages, as after the page's first step."""
    programs = folder / "programs"
    programs.mkdir()
    (programs / "python3").write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    (programs / "python3").chmod(0o755)
    (folder / "bridge").symlink_to(CHECKOUT / "bridge")
    return f"{programs}:{os.environ['PATH']}"


def differences(one, other, box):
    """The average of how much two pictures differ in a box, 0–255."""
    area = Gegl.Rectangle.new(*box)
    both = [
        image.get_layers()[0].get_buffer().get(area, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE) for image in (one, other)
    ]
    return sum(abs(a - b) for a, b in zip(*both, strict=True)) / len(both[0])


def test_the_command_line_removes_what_a_mask_shows(folder):
    photograph = load(folder / "photo.jpg")
    assert photograph.crop(480, 400, 1100, 2120)  # a small part, for it takes less time
    area = (200, 180, 60, 40)
    object_ = bytes([20, 90, 200]) * (60 * 40)
    photograph.get_layers()[0].get_buffer().set(Gegl.Rectangle.new(*area), "R'G'B' u8", object_)
    save(photograph, folder / "photo.jpg")
    mask = Gimp.Image.new(480, 400, Gimp.ImageBaseType.GRAY)
    layer = Gimp.Layer.new(mask, "mask", 480, 400, Gimp.ImageType.GRAY_IMAGE, 100, Gimp.LayerMode.NORMAL)
    mask.insert_layer(layer, None, 0)
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, 480, 400), "Y' u8", bytes(480 * 400))
    layer.get_buffer().set(Gegl.Rectangle.new(*area), "Y' u8", bytes([255]) * (60 * 40))
    save(mask, folder / "mask.png")
    printed = run_in(folder, command("bridge regen"), PATH=with_packages(folder))
    assert "result.png" in printed
    before, after = load(folder / "photo.jpg"), load(folder / "result.png")
    assert (after.get_width(), after.get_height()) == (480, 400)
    assert differences(before, after, area) > 50
    assert differences(before, after, (0, 0, 480, 60)) < 2  # two programs decode a JPEG nearly the same
