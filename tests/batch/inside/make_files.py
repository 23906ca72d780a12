"""Makes files with layers in the folder that is given: PSDs, ORAs, and XCFs with what batches must leave alone."""

import functools
import sys
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio

OUT = Path(sys.argv[1])
WIDTH, HEIGHT = 300, 200


@functools.cache
def values(width, height):
    """Pixels that are nowhere the same."""
    return bytes(
        (x * 7 + y * 3 + channel * 40) % 251 for y in range(height) for x in range(width) for channel in range(3)
    )


def add(image, name, parent=None, box=(0, 0, WIDTH, HEIGHT), alpha=False):
    """A layer that is nowhere the same."""
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    plain, with_alpha = (
        (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE)
        if gray
        else (Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE)
    )
    layer = Gimp.Layer.new(image, name, *box[2:], with_alpha if alpha else plain, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(*box[:2])
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, *box[2:]), "R'G'B' u8", values(*box[2:]))
    image.insert_layer(layer, parent, 0)
    return layer


def save(image, name):
    assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(OUT / name)), None)


def grouped(name, base, precision):
    """Groups, an effect, a layer mask, a channel of dust, a path and a selection."""
    image = Gimp.Image.new_with_precision(WIDTH, HEIGHT, base, precision)
    add(image, "photograph")
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    child = add(image, "child", group, (20, 30, 90, 80), alpha=True)
    child.add_mask(child.create_mask(Gimp.AddMaskType.WHITE))
    child.append_filter(Gimp.DrawableFilter.new(child, "gegl:gaussian-blur", "soft"))
    for where, called in (((40, 40, 30, 20), "dust"), ((150, 80, 40, 30), None)):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *where)
        if called:
            Gimp.Selection.save(image).set_name(called)
    image.set_selected_layers([child])
    save(image, name)


def layered(name, base, precision):
    """A photograph and a note above it."""
    image = Gimp.Image.new_with_precision(WIDTH, HEIGHT, base, precision)
    add(image, "photograph")
    add(image, "note", None, (10, 10, 50, 50), alpha=True)
    save(image, name)


def indexed(name):
    """Of few colours, which Photio refuses."""
    image = Gimp.Image.new(WIDTH, HEIGHT, Gimp.ImageBaseType.RGB)
    add(image, "photograph")
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")
    save(image, name)


RGB, GRAY = Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY
grouped("grouped ü.xcf", RGB, Gimp.Precision.U8_NON_LINEAR)
grouped("gray-16.xcf", GRAY, Gimp.Precision.U16_NON_LINEAR)
grouped("grouped-gray.xcf", GRAY, Gimp.Precision.U8_NON_LINEAR)
grouped("grouped-linear.xcf", RGB, Gimp.Precision.U8_LINEAR)
grouped("grouped-16.xcf", RGB, Gimp.Precision.U16_NON_LINEAR)
grouped("grouped-32.xcf", RGB, Gimp.Precision.U32_LINEAR)
grouped("grouped-half.xcf", RGB, Gimp.Precision.HALF_LINEAR)
grouped("grouped-float.xcf", RGB, Gimp.Precision.FLOAT_LINEAR)
grouped("grouped-float-gray.xcf", GRAY, Gimp.Precision.FLOAT_NON_LINEAR)
grouped("grouped-double.xcf", RGB, Gimp.Precision.DOUBLE_LINEAR)
indexed("indexed-layers.xcf")
for ending in ("psd", "ora"):
    layered(f"{ending}.{ending}", RGB, Gimp.Precision.U8_NON_LINEAR)
    layered(f"{ending}-gray.{ending}", GRAY, Gimp.Precision.U8_NON_LINEAR)
    layered(f"{ending}-16.{ending}", RGB, Gimp.Precision.U16_NON_LINEAR)
