"""How the ways beside Photio read pixels of an image and put them back: with no call that is not needed."""

from gi.repository import Gegl, Gimp

_NONE = Gegl.AbyssPolicy.NONE


def pixels(image, crop):
    """RGB bytes of a box, canvas px: those of the only layer; of several, as with Photio, what they show together."""
    if len(image.get_layers()) == 1:
        return image.get_layers()[0].get_buffer().get(Gegl.Rectangle.new(*crop), 1.0, "R'G'B' u8", _NONE)
    x, y, width, height = crop
    copy = image.duplicate()
    try:
        copy.crop(width, height, x, y)
        return copy.flatten().get_buffer().get(Gegl.Rectangle.new(0, 0, width, height), 1.0, "R'G'B' u8", _NONE)
    finally:
        copy.delete()


def selection(image, crop):
    """Bytes of the selection in a box, canvas px; 255: selected."""
    return image.get_selection().get_buffer().get(Gegl.Rectangle.new(*crop), 1.0, "Y u8", _NONE)


def inserted(image, box, rgb, coverage):
    """A new layer of so many RGB bytes at a box, canvas px, with a mask of so many bytes."""
    x, y, width, height = box
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, "answer", width, height, kind, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(x, y)
    _write(layer, "R'G'B' u8", rgb)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
    _write(layer.get_mask(), "Y u8", coverage)
    image.insert_layer(layer, None, 0)
    return layer


def _write(drawable, pixel_format, data):
    box = (0, 0, drawable.get_width(), drawable.get_height())
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(*box), pixel_format, data)
    buffer.flush()
    drawable.update(*box)
