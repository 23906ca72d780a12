"""What Photio is measured against, inside GIMP: the floor, and the plain way."""

import http.client
import json
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from gi.repository import Gegl, Gimp, Gio

PATH = "/v1/inference/regen"
NONE = Gegl.AbyssPolicy.NONE


def floor(image, crop, size, box, origin):
    """The same bytes read, encoded, sent over loopback, decoded and written by the shortest code in one process.

    Args:
        crop, box: what Photio sent and what it placed (x, y, width, height, canvas px).
        size: at what size it was sent, px.
    """
    import numpy as np
    from PIL import Image

    _x, _y, width, height = crop
    base = np.frombuffer(_pixels(image, crop), np.uint8).reshape(height, width, 3)
    selected = image.get_selection().get_buffer().get(Gegl.Rectangle.new(*crop), 1.0, "Y u8", NONE)
    coverage = Image.frombytes("L", (width, height), selected)
    mask = coverage.point(lambda value: 0 if value else 255)
    sent = mask if mask.size == tuple(size) else mask.resize(size)
    fitted = _scaled(_sent(origin, _scaled(base, size), np.asarray(sent)), (width, height))
    left, top = box[0] - crop[0], box[1] - crop[1]
    pixels = fitted[top : top + box[3], left : left + box[2]].tobytes()
    return _inserted(image, box, pixels, coverage.crop((left, top, left + box[2], top + box[3])))


def _scaled(pixels, size):
    from kornia_rs import imgproc

    width, height = size
    return pixels if pixels.shape[:2] == (height, width) else imgproc.resize(pixels, (height, width), "bicubic")


def _pixels(image, crop):
    """Those of the only layer; of several, as with Photio, what they show together."""
    if len(image.get_layers()) == 1:
        return image.get_layers()[0].get_buffer().get(Gegl.Rectangle.new(*crop), 1.0, "R'G'B' u8", NONE)
    x, y, width, height = crop
    copy = image.duplicate()
    try:
        copy.crop(width, height, x, y)
        return copy.flatten().get_buffer().get(Gegl.Rectangle.new(0, 0, width, height), 1.0, "R'G'B' u8", NONE)
    finally:
        copy.delete()


def _sent(origin, base, mask):
    """The answer to a request."""
    import pybase64
    from kornia_rs import io

    document = {"prompt": "", "seed": 1, "base_image": _encoded(base), "mask_image": _encoded(mask)}
    connection = http.client.HTTPConnection(urlsplit(origin).netloc)
    connection.request("POST", PATH, json.dumps(document))
    body = json.loads(connection.getresponse().read())["body"]
    connection.close()
    return io.decode_image_png_u8(pybase64.b64decode(body), base.shape[:2], "rgb")


def _encoded(picture):
    # as quick as Photio's own: the floor must not be helped by slower ones
    import pybase64

    from bridge.png_encoder import encode_png

    return pybase64.b64encode_as_string(encode_png(picture))


def _inserted(image, box, pixels, mask):
    x, y, width, height = box
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, "floor", width, height, kind, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(x, y)
    _write(layer, "R'G'B' u8", pixels)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
    _write(layer.get_mask(), "Y u8", mask.tobytes())
    image.insert_layer(layer, None, 0)
    return layer


def _write(drawable, pixel_format, pixels):
    box = (0, 0, drawable.get_width(), drawable.get_height())
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(*box), pixel_format, pixels)
    buffer.flush()
    drawable.update(*box)


def plain_way(image, answer):
    """What most plug-ins do: duplicate, flatten, export all of it as PNG, load the answer's file as a layer."""
    with tempfile.TemporaryDirectory() as folder:
        copy = image.duplicate()
        copy.flatten()
        file = Gio.File.new_for_path(str(Path(folder) / "all.png"))
        if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, copy, file, None):
            raise OSError("the plain way could not export its PNG")
        copy.delete()
    layer = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(answer)))
    image.insert_layer(layer, None, 0)
    return layer
