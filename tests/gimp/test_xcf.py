"""`scripts/xcf.py show` reads what this GIMP saves: every precision, kind of colours, packing and kind of layer."""

import json
import subprocess
from pathlib import Path

import pytest
from gi.repository import Gimp, Gio

from support import PYTHON, TESTS, add_layer, every_layer, make_image, run, select

SCRIPT = TESTS.parent / "scripts" / "xcf.py"

#: The packages of the tests; those that the script needs are pure Python, so the bridge's interpreter can have them.
PACKAGES = Path(pytest.__file__).resolve().parents[1]
NEEDED = ("gimpformats", "brackettree", "loguru", "blendmodes")

PRECISIONS = {
    Gimp.Precision.U8_LINEAR: "8-bit integer, linear",
    Gimp.Precision.U8_NON_LINEAR: "8-bit integer, perceptual",
    Gimp.Precision.U16_LINEAR: "16-bit integer, linear",
    Gimp.Precision.U16_NON_LINEAR: "16-bit integer, perceptual",
    Gimp.Precision.U32_LINEAR: "32-bit integer, linear",
    Gimp.Precision.U32_NON_LINEAR: "32-bit integer, perceptual",
    Gimp.Precision.HALF_LINEAR: "16-bit floating point, linear",
    Gimp.Precision.HALF_NON_LINEAR: "16-bit floating point, perceptual",
    Gimp.Precision.FLOAT_LINEAR: "32-bit floating point, linear",
    Gimp.Precision.FLOAT_NON_LINEAR: "32-bit floating point, perceptual",
    Gimp.Precision.DOUBLE_LINEAR: "64-bit floating point, linear",
    Gimp.Precision.DOUBLE_NON_LINEAR: "64-bit floating point, perceptual",
}


@pytest.fixture
def show(tmp_path):
    """Saves an image under a name, and tells what the script says of it."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in NEEDED:
        (packages / name).symlink_to(PACKAGES / name)

    def saved_and_shown(image, name="photo.xcf"):
        file = tmp_path / name
        assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(file)), None)
        path = {"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin"}
        command = [PYTHON, "-B", SCRIPT, "show", file, "--json"]
        done = subprocess.run(command, env=path, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    return saved_and_shown


def depth(layer):
    parent = layer.get_parent()
    return 1 + depth(parent) if parent else 0


def as_gimp_has_them(image):
    """The layers as the script ought to show them, apart from the mode."""
    return [
        {
            "name": layer.get_name(),
            "depth": depth(layer),
            "group": layer.is_group(),
            "size": [layer.get_width(), layer.get_height()],
            "offset": list(layer.get_offsets())[1:],
            "mask": [layer.get_width(), layer.get_height()] if layer.get_mask() else None,
            "visible": layer.get_visible(),
            "opacity": round(layer.get_opacity() / 100, 4),
        }
        for layer in every_layer(image)
    ]


def as_shown(picture):
    fields = ("name", "depth", "group", "size", "offset", "mask", "visible", "opacity")
    return [{name: layer[name] for name in fields} for layer in picture["layers"]]


def many_layers(precision=Gimp.Precision.U8_NON_LINEAR, base=Gimp.ImageBaseType.RGB):
    """Groups with masks, effects, a text, modes, a selection, a channel and a path."""
    image = make_image(90, 70, base, precision)
    image.get_layers()[0].add_mask(image.get_layers()[0].create_mask(Gimp.AddMaskType.WHITE))
    group = Gimp.GroupLayer.new(image, "Gruppe, 組")
    image.insert_layer(group, None, 0)
    inner = Gimp.GroupLayer.new(image, "inner")
    image.insert_layer(inner, group, 0)
    add_layer(image, "hidden", 20, 30, -7, 11, parent=inner, alpha=True).set_visible(False)
    effect = add_layer(image, "with an effect", 40, 30, 60, 50, parent=group)
    effect.append_filter(Gimp.DrawableFilter.new(effect, "gegl:gaussian-blur", "blurred"))
    effect.set_opacity(30)
    effect.set_mode(Gimp.LayerMode.MULTIPLY)
    group.add_mask(group.create_mask(Gimp.AddMaskType.BLACK))
    text = Gimp.TextLayer.new(image, "Text", Gimp.context_get_font(), 9, Gimp.Unit.pixel())
    image.insert_layer(text, None, 0)
    select(image, 4, 4, 20, 20)
    Gimp.Selection.save(image)
    path = Gimp.Path.new(image, "path")
    image.insert_path(path, None, 0)
    path.bezier_stroke_new_ellipse(30, 30, 9, 9, 0)
    return image


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda precision: precision.value_nick)
def test_layers_are_shown_as_they_are_at_every_precision(show, precision):
    image = many_layers(precision)
    picture = show(image)
    assert picture["precision"] == PRECISIONS[precision]
    assert (picture["size"], picture["colours"]) == ([90, 70], "RGB")
    assert as_shown(picture) == as_gimp_has_them(image)
    modes = {layer["name"]: layer["mode"] for layer in picture["layers"]}
    assert (modes["with an effect"], modes["photograph"]) == ("Multiply", "Normal")


@pytest.mark.parametrize("name", ["photo.xcf.gz", "photo.xcf.bz2", "photo.xcf.xz", "photo.xcfgz", "photo.xcfbz2"])
def test_what_gimp_packs_is_shown_as_it_is(show, name):
    image = many_layers(Gimp.Precision.U16_NON_LINEAR)
    assert show(image, name) == show(image)


def test_gray_and_indexed_images_are_shown(show):
    image = many_layers(base=Gimp.ImageBaseType.GRAY)
    assert show(image)["colours"] == "gray"
    image.flatten()
    add_layer(image, "above", 20, 30, -7, 11, alpha=True)
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 9, False, False, "")
    picture = show(image)
    assert picture["colours"] == "indexed"
    assert as_shown(picture) == as_gimp_has_them(image)


def test_files_with_short_offsets_are_shown(show):
    """GIMP still writes the oldest version that can hold an image, with pointers of 32 bits before version 11."""
    image = make_image(90, 70)
    add_layer(image, "above", 20, 30, -7, 11, alpha=True)
    for layer in image.get_layers():
        layer.set_mode(Gimp.LayerMode.NORMAL_LEGACY)
    picture = show(image)
    assert picture["version"] < 4
    assert as_shown(picture) == as_gimp_has_them(image)
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 9, False, False, "")
    assert show(image)["version"] < 11
    assert as_shown(show(image)) == as_gimp_has_them(image)


def test_layers_that_are_links_and_vectors_are_shown(show, tmp_path):
    image = many_layers()
    if not hasattr(Gimp, "LinkLayer"):
        pytest.skip("this GIMP has no such layers")
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(tmp_path / "linked.png")), None)
    link = Gimp.LinkLayer.new(image, Gio.File.new_for_path(str(tmp_path / "linked.png")))
    image.insert_layer(link, None, 0)
    link.scale(40, 30, False)
    vectors = Gimp.VectorLayer.new(image, image.get_paths()[0])
    image.insert_layer(vectors, None, 0)
    picture = show(image)
    assert picture["version"] == 25
    assert as_shown(picture) == as_gimp_has_them(image)


def test_how_photio_made_a_layer_is_shown_at_sixteen_bits(server, show):
    image = make_image(precision=Gimp.Precision.U16_LINEAR)
    select(image, 100, 80, 60, 40)
    run("photio-regenerate", image, prompt="a boat", seed=77.0)
    result, photograph = show(image, "photo.xcf.xz")["layers"]
    assert (result["provenance"]["prompt"], result["provenance"]["seed"]) == ("a boat", 77)
    assert photograph["provenance"] is None


def test_a_file_that_gimp_saved_and_somebody_cut_is_refused(show, tmp_path):
    show(many_layers(Gimp.Precision.FLOAT_LINEAR))
    whole = (tmp_path / "photo.xcf").read_bytes()
    (tmp_path / "cut.xcf").write_bytes(whole[: len(whole) // 3])
    command = [PYTHON, "-B", SCRIPT, "show", tmp_path / "cut.xcf"]
    path = {"PYTHONPATH": str(tmp_path / "packages"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "cut short" in done.stderr
