"""Opens photographs and selects objects in them, for the parts of the scripts that run inside GIMP."""

import sys
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio

sys.path.append(str(Path(__file__).resolve().parents[2]))  # the checkout
from bridge.commands.mask_rule import MaskError, coverage, is_lossy


def load(path):
    """Opens a picture."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path)))


class MaskRefused(Exception):
    """A mask does not fit the picture, or does not say what to select; the text is a sentence for the user."""


def select(image, mask_file, means=None):
    """Selects the object that a mask shows; see `select_shown`. Ends the script if the mask cannot be used."""
    try:
        select_shown(image, mask_file, means)
    except MaskRefused as refused:
        sys.exit(str(refused))


def select_shown(image, mask_file, means=None):
    """Selects the object that a mask shows, a picture of the same size: as `python -m bridge regen` understands it.

    Args:
        means: "keep" or "edit": what white (or opaque) means; None to find out.

    Raises:
        MaskRefused: the mask does not fit or does not say what to select.
    """
    mask = load(mask_file)
    if mask is None:
        raise MaskRefused(f"GIMP cannot open the mask {mask_file}: give another picture.")
    try:
        covered = _covered(image, mask, mask_file, means)
    finally:
        mask.delete()
    box = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    channel = Gimp.Channel.new(image, "object", box.width, box.height, 100, Gegl.Color.new("white"))
    image.insert_channel(channel, None, 0)
    # the mask's values are the coverage itself, so they are written as the linear data that a channel holds
    channel.get_buffer().set(box, "Y u8", covered)
    image.select_item(Gimp.ChannelOps.REPLACE, channel)
    image.remove_channel(channel)


def _covered(image, mask, mask_file, means):
    """The coverage of each pixel, a byte each."""
    size = (image.get_width(), image.get_height())
    if (mask.get_width(), mask.get_height()) != size:
        raise MaskRefused(f"{mask_file} is not of the photograph's size: give a mask of {size[0]} × {size[1]} px.")
    box = Gegl.Rectangle.new(0, 0, *size)
    layer = mask.get_layers()[0]
    values = layer.get_buffer().get(box, 1.0, "Y' u8", Gegl.AbyssPolicy.NONE)
    alpha = layer.get_buffer().get(box, 1.0, "A u8", Gegl.AbyssPolicy.NONE) if layer.has_alpha() else b""
    try:
        # a mask that is transparent somewhere shows the object by that
        pixels, _means = coverage(alpha if alpha.strip(b"\xff") else values, size[0], means, is_lossy(Path(mask_file)))
    except MaskError as error:
        raise MaskRefused(f"{mask_file}: {error.sentence}") from error
    return pixels
