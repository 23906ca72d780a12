"""Opens photographs and selects objects in them, for the parts of the scripts that run inside GIMP."""

import sys

from gi.repository import Gegl, Gimp, Gio


def load(path):
    """Opens a picture."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path)))


def select(image, mask_file):
    """Selects what is white in a mask, a picture of the same size. Ends the script if the size differs."""
    mask = load(mask_file)
    size = (image.get_width(), image.get_height())
    if (mask.get_width(), mask.get_height()) != size:
        sys.exit(f"{mask_file} is not of the photograph's size: give a mask of {size[0]} × {size[1]} px.")
    box = Gegl.Rectangle.new(0, 0, *size)
    pixels = mask.get_layers()[0].get_buffer().get(box, 1.0, "Y' u8", Gegl.AbyssPolicy.NONE)
    channel = Gimp.Channel.new(image, "object", *size, 100, Gegl.Color.new("white"))
    image.insert_channel(channel, None, 0)
    # the mask's values are the coverage itself, so they are written as the linear data that a channel holds
    channel.get_buffer().set(box, "Y u8", pixels)
    image.select_item(Gimp.ChannelOps.REPLACE, channel)
    image.remove_channel(channel)
    mask.delete()
