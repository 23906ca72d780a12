"""What Photio is measured against, inside GIMP: the floor, the sketch, and the plain way."""

import base64
import http.client
import io
import json
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import bench_sketch
from gi.repository import Gimp, Gio

import bench_layers

PATH = "/v1/inference/regen"


def floor(image, task):
    """The same bytes read, encoded, sent over loopback, decoded and written by the shortest code in one process.

    Args:
        task: see `bench_photio.first`.
    """
    import numpy as np
    from PIL import Image

    crop, size, box = task["crop"], task["size"], task["box"]
    width, height = crop[2:]
    base = np.frombuffer(bench_layers.pixels(image, crop), np.uint8).reshape(height, width, 3)
    coverage = Image.frombytes("L", (width, height), bench_layers.selection(image, crop))
    mask = coverage.point(lambda value: 0 if value else 255)
    sent = mask if mask.size == tuple(size) else mask.resize(size)
    fitted = _scaled(_sent(task["origin"], _scaled(base, size), np.asarray(sent)), (width, height))
    left, top = box[0] - crop[0], box[1] - crop[1]
    rgb = fitted[top : top + box[3], left : left + box[2]].tobytes()
    mask = coverage.crop((left, top, left + box[2], top + box[3])).tobytes()
    return bench_layers.inserted(image, box, rgb, mask)


def sketch(image, task):
    """The bare plug-in of two processes, started by GIMP (`bench_sketch.py`); its layer."""
    procedure = Gimp.get_pdb().lookup_procedure(bench_sketch.PROCEDURE)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [image.get_layers()[-1]])
    config.set_property("task", json.dumps(task))
    if procedure.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
        raise OSError(Gimp.get_pdb().get_last_error())
    return image.get_layers()[0]


def _scaled(pixels, size):
    import numpy as np
    from PIL import Image

    image = Image.fromarray(pixels)
    return pixels if image.size == tuple(size) else np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def _sent(origin, base, mask):
    """The answer to a request."""
    import numpy as np
    from PIL import Image

    document = {"prompt": "", "seed": 1, "base_image": _encoded(base), "mask_image": _encoded(mask)}
    connection = http.client.HTTPConnection(urlsplit(origin).netloc)
    connection.request("POST", PATH, json.dumps(document))
    body = json.loads(connection.getresponse().read())["body"]
    connection.close()
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB"))


def _encoded(picture):
    from bridge.pixels.imaging import png_of  # Photio's own: the floor must not be helped by a slower encoder

    return base64.b64encode(png_of(picture).data).decode()


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
