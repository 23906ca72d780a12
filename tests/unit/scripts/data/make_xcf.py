"""Made the XCF files beside it, in a real GIMP, once for each release:

scripts/gimp.py --release 3.0 run tests/unit/scripts/data/make_xcf.py tests/unit/scripts/data/gimp-3.0.xcf [16-bit.xcf]
"""

import json
import sys

from gi.repository import Gimp, Gio

PROVENANCE = {
    "format": 1,
    "plugin": "0.1.0",
    "job": "20261123-021000-1a2b3c",
    "variation": 1,
    "time": "2026-11-23T02:10:00Z",
    "engine": "photio",
    "prompt": "wet cobblestones",
    "negative_prompt": "",
    "quality": "high",
    "seed": 4294967296,
    "cfg_scale": 7.5,
    "variations": 2,
    "sample": "layer",
    "context": 50.0,
    "grow": 4,
    "feather": 6,
    "fill_transparent": False,
    "areas": "auto",
    "resolution": "recommended",
    "match_colour": True,
    "match_grain": True,
    "crops": [{"box": [10, 4, 40, 32], "padding": [0, 0, 0, 8], "size": [1024, 1024]}],
}


def add(image, name, box, parent, position, mode=Gimp.LayerMode.NORMAL, opacity=100):
    """A transparent layer."""
    x, y, width, height = box
    layer = Gimp.Layer.new(image, name, width, height, Gimp.ImageType.RGBA_IMAGE, opacity, mode)
    layer.set_offsets(x, y)
    image.insert_layer(layer, parent, position)
    return layer


def group(image, name, parent, position):
    """An empty group."""
    layer = Gimp.GroupLayer.new(image, name)
    image.insert_layer(layer, parent, position)
    return layer


def build(precision):
    """Two variations in a group with a mask, another group in it, a text layer, an effect, a selection."""
    image = Gimp.Image.new_with_precision(64, 48, Gimp.ImageBaseType.RGB, precision)
    photograph = add(image, "photograph", (0, 0, 64, 48), None, 0)
    photograph.add_mask(photograph.create_mask(Gimp.AddMaskType.WHITE))
    variations = group(image, "Photio: wet cobblestones", None, 0)
    first = add(image, "seed 4294967296", (-5, 7, 24, 20), variations, 0)
    first.attach_parasite(Gimp.Parasite.new("photio-regen", 1, json.dumps(PROVENANCE).encode()))
    add(image, "seed 8", (-5, 7, 24, 20), variations, 1).set_visible(False)
    inner = group(image, "tones", variations, 2)
    tones = add(image, "Grün, 50 %", (30, 20, 16, 16), inner, 0, Gimp.LayerMode.MULTIPLY, 50)
    tones.append_filter(Gimp.DrawableFilter.new(tones, "gegl:gaussian-blur", "blur"))
    variations.add_mask(variations.create_mask(Gimp.AddMaskType.WHITE))
    text = Gimp.TextLayer.new(image, "caption", Gimp.context_get_font(), 8, Gimp.Unit.pixel())
    image.insert_layer(text, None, 0)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 4, 4, 8, 8)
    return image


def save(image, path):
    """Writes the image; ends with a sentence where GIMP cannot."""
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None):
        sys.exit(f"{path} was not saved.")
    image.delete()


save(build(Gimp.Precision.U8_NON_LINEAR), sys.argv[1])
for more in sys.argv[2:]:
    save(build(Gimp.Precision.U16_NON_LINEAR), more)
