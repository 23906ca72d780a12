"""Runs inside GIMP: the offline engine removes an object, through the plug-in and its bridge. Prints the outcome."""

import json
import sys

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp  # noqa: E402

SIDE, FIRST, LAST = 96, 40, 56


def picture():
    """Red stripes, with a blue square in the middle, which is selected."""
    image = Gimp.Image.new(SIDE, SIDE, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(image, "photograph", SIDE, SIDE, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    pixels = bytearray()
    for y in range(SIDE):
        for x in range(SIDE):
            inside = FIRST <= x < LAST and FIRST <= y < LAST
            pixels += b"\0\0\xff" if inside else bytes((200 + 40 * (x // 4 % 2), 20, 0))
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, SIDE, SIDE), "R'G'B' u8", bytes(pixels))
    image.insert_layer(layer, None, 0)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, FIRST, FIRST, LAST - FIRST, LAST - FIRST)
    return image, layer


def outcome():
    """ "removed", or what the procedure said; "the object is still there" if it did nothing."""
    image, layer = picture()
    procedure = Gimp.get_pdb().lookup_procedure("photio-remove")
    if procedure is None:
        return "GIMP does not know the plug-in"
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer])
    config.set_property("engine", "offline")
    if procedure.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
        return Gimp.get_pdb().get_last_error()
    seen = Gimp.Layer.new_from_visible(image, image, "seen")
    centre = Gegl.Rectangle.new(SIDE // 2, SIDE // 2, 1, 1)
    red, _green, blue = seen.get_buffer().get(centre, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
    image.delete()
    return "removed" if red > 150 and blue < 60 else "the object is still there"


Gegl.init(None)
print(json.dumps({"outcome": outcome()}))
sys.stdout.flush()
