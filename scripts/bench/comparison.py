"""What the benchmark compares Photio with, and the service that all of them send to.

The floor, the sketch and the plain way insert a new layer as Photio does. The benchmark calls them inside GIMP. They
are given a task, a dict: "crop" (the part that is sent) and "box" (the part that is placed), each as x, y, width and
height in canvas px; "size" (px, at which the crop is sent), "origin" (of the service) and "python" (the bridge's).

`plug_in`, `bridge` and `serve` are processes of their own. Run as a file, this module compares the offline engine with
the bare library. Functions import what GIMP's or the bridge's Python lacks, and what would slow the sketch down: it is
the measure of a machine's speed, so it must load no more than it needs.
"""

import base64
import io
import json
import os
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PHOTO = HERE.parent / "photos" / "extreme-desert-hike.jpg"
PATH = "/v1/inference/regen"
PROCEDURE = "photio-bench-sketch"

#: px: the picture for the offline engine, and the hole in its middle.
OFFLINE_SIZE, OFFLINE_HOLE = (1152, 896), (300, 240)


def process(python, call):
    """The command line that calls one of these functions. It imports the module, so that it is compiled only once."""
    return [python, "-I", "-c", f"import sys; sys.path.insert(0, {str(HERE)!r}); import comparison; comparison.{call}"]


# The ways beside Photio.


def floor(image, task):
    """The shortest code in one process that reads, encodes, sends, decodes and writes the same bytes; the new layer."""
    rgb, coverage = _read(image, task["crop"])
    return _inserted(image, task["box"], *_regenerated(task, rgb, coverage))


def sketch(image, task):
    """The bare plug-in of two processes, started by GIMP; the new layer."""
    from gi.repository import Gimp

    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [image.get_layers()[-1]])
    config.set_property("task", json.dumps(task))
    if procedure.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
        raise OSError(Gimp.get_pdb().get_last_error())
    return image.get_layers()[0]


def plain_way(image, answer):
    """What most plug-ins do: duplicate, flatten, export everything as PNG, load the answer; the new layer."""
    import tempfile

    from gi.repository import Gimp, Gio

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


class Sketch:
    """The sketch with its bridge: no window, no matching, no journal, no message for any error."""

    def __init__(self, task):
        import subprocess

        self._task = task
        command = process(task["python"], "bridge()")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, image):
        """The new layer."""
        to_bridge, from_bridge = self._process.stdin, self._process.stdout
        to_bridge.write(json.dumps(self._task).encode() + b"\n")
        to_bridge.flush()
        planned = json.loads(from_bridge.readline())
        box = planned["box"]
        to_bridge.write(b"".join(_read(image, planned["crop"])))
        to_bridge.flush()
        rgb = from_bridge.read(3 * box[2] * box[3])
        return _inserted(image, box, rgb, from_bridge.read(box[2] * box[3]))

    def close(self):
        """Lets the bridge end; nobody waits for it."""
        self._process.stdin.close()


def plug_in():
    """The sketch as GIMP starts it: one procedure that takes the task as JSON."""
    # as in Photio; otherwise babl alone takes longer than everything else
    os.environ.setdefault("BABL_LUT", "0")
    os.environ.setdefault("BABL_PATH_LENGTH", "2")
    import gi

    gi.require_version("Gimp", "3.0")
    gi.require_version("Gegl", "0.4")
    from gi.repository import Gegl, Gimp, GObject

    def run(procedure, _mode, image, _drawables, config, _data):
        pair = Sketch(json.loads(config.get_property("task")))
        Gegl.init(None)
        pair.run(image)
        pair.close()
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)

    class Plugin(Gimp.PlugIn):
        def do_query_procedures(self):
            return [PROCEDURE]

        def do_create_procedure(self, name):
            procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
            procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
            procedure.add_string_argument("task", "Task", "What to do, as JSON", "", GObject.ParamFlags.READWRITE)
            return procedure

        def do_set_i18n(self, _name):
            return False

    Gimp.main(Plugin.__gtype__, sys.argv)


def bridge():
    """The sketch's second process: a task and pixels in on stdin, pixels out on stdout, until stdin ends."""
    import http.client  # noqa: F401  (loaded now, while the plug-in reads the pixels)

    import PIL.PngImagePlugin  # noqa: F401

    def say(data):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    while line := sys.stdin.buffer.readline():
        task = json.loads(line)
        say(json.dumps({"crop": task["crop"], "box": task["box"]}).encode() + b"\n")  # only the question costs time
        count = task["crop"][2] * task["crop"][3]
        rgb = sys.stdin.buffer.read(3 * count)
        say(b"".join(_regenerated(task, rgb, sys.stdin.buffer.read(count))))


def _read(image, crop):
    """RGB bytes and the selection's bytes (255: selected) of a crop. Several layers: what they show, as with Photio."""
    from gi.repository import Gegl

    def read(drawable, box, pixel_format):
        return drawable.get_buffer().get(Gegl.Rectangle.new(*box), 1.0, pixel_format, Gegl.AbyssPolicy.NONE)

    coverage = read(image.get_selection(), crop, "Y u8")
    if len(image.get_layers()) == 1:
        return read(image.get_layers()[0], crop, "R'G'B' u8"), coverage
    x, y, width, height = crop
    copy = image.duplicate()
    try:
        copy.crop(width, height, x, y)
        return read(copy.flatten(), (0, 0, width, height), "R'G'B' u8"), coverage
    finally:
        copy.delete()


def _inserted(image, box, rgb, coverage):
    """A new layer at a box, from RGB bytes and the bytes of its mask."""
    from gi.repository import Gegl, Gimp

    x, y, width, height = box
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, "answer", width, height, kind, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(x, y)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
    for drawable, pixel_format, data in ((layer, "R'G'B' u8", rgb), (layer.get_mask(), "Y u8", coverage)):
        buffer = drawable.get_buffer()
        buffer.set(Gegl.Rectangle.new(0, 0, width, height), pixel_format, data)
        buffer.flush()
        drawable.update(0, 0, width, height)
    image.insert_layer(layer, None, 0)
    return layer


def _regenerated(task, rgb, coverage):
    """Sends a crop; RGB bytes and mask bytes of the box."""
    from PIL import Image

    (left, top, width, height), box = task["crop"], task["box"]

    def scaled(picture, size):
        return picture if picture.size == tuple(size) else picture.resize(size)

    base = Image.frombytes("RGB", (width, height), rgb)
    selected = Image.frombytes("L", (width, height), coverage)
    mask = selected.point(lambda value: 0 if value else 255)
    request = _request(scaled(base, task["size"]), scaled(mask, task["size"]))
    answer = scaled(_answer(task["origin"], request), (width, height))
    inner = (box[0] - left, box[1] - top, box[0] - left + box[2], box[1] - top + box[3])
    return answer.crop(inner).tobytes(), selected.crop(inner).tobytes()


def _request(base, mask):
    """The body of a request for these pictures."""
    return json.dumps({"prompt": "", "seed": 1, "base_image": _encoded(base), "mask_image": _encoded(mask)})


def _answer(origin, request):
    """The picture with which a Regen service answers."""
    import http.client
    from urllib.parse import urlsplit

    from PIL import Image

    connection = http.client.HTTPConnection(urlsplit(origin).netloc)
    connection.request("POST", PATH, request)
    body = json.loads(connection.getresponse().read())["body"]
    connection.close()
    return Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB")


def _encoded(picture):
    png = io.BytesIO()
    picture.save(
        png, "PNG", compress_level=1, compress_type=zlib.Z_RLE
    )  # as Photio does: a slower comparison would flatter it
    return base64.b64encode(png.getvalue()).decode()


# The service.


def serve(delay):
    """A Regen service that costs nothing: it answers after `delay` seconds. Its origin is its first line on stdout."""
    import threading
    import time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    answers, lock = {}, threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            _before, _name, rest = body.partition(b'"base_image": "')
            base = rest[: rest.index(b'"')]
            sent = zlib.crc32(base)  # a millisecond
            with lock:
                content = answers.get(sent) or answers.setdefault(sent, _smoothed(base))
            time.sleep(delay)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _smoothed(base):
    """The answer's body: the picture (PNG in Base64), smoothed as a service does."""
    from PIL import Image, ImageFilter

    smooth = Image.open(io.BytesIO(base64.b64decode(base))).convert("RGB").filter(ImageFilter.GaussianBlur(2))
    png = io.BytesIO()
    smooth.save(png, "PNG")
    return json.dumps({"status_code": 200, "body": base64.b64encode(png.getvalue()).decode()}).encode()


# The offline engine.


def offline(checkout, runs):
    """Prints the seconds of the offline engine's server and of the bare library, in turns, on the same input."""
    sys.path.insert(0, checkout)
    import time

    import numpy as np
    import patchmatch
    from PIL import Image

    from bridge.engine import patchmatch_model
    from bridge.engine.server import EngineServer

    photo = Image.open(PHOTO).convert("RGB").resize(OFFLINE_SIZE)
    hole = np.zeros((OFFLINE_SIZE[1], OFFLINE_SIZE[0]), np.bool_)
    x, y = ((whole - part) // 2 for whole, part in zip(OFFLINE_SIZE, OFFLINE_HOLE, strict=True))
    hole[y : y + OFFLINE_HOLE[1], x : x + OFFLINE_HOLE[0]] = True
    request = _request(photo, Image.fromarray(np.where(hole, 0, 255).astype(np.uint8)))

    def bare():
        patchmatch.set_random_seed(1)
        patchmatch.inpaint(np.asarray(photo), hole, patch_size=patchmatch_model.PATCH_RADIUS)

    with EngineServer(model="patchmatch") as engine:
        ways = {"server": lambda: _answer(engine.origin, request), "bare": bare}
        found = {way: [] for way in ways}
        ways["server"]()  # loads the engine
        for _turn in range(runs):
            for way, run in ways.items():
                began = time.perf_counter()
                run()
                found[way].append(time.perf_counter() - began)
    print(json.dumps(found))


if __name__ == "__main__":
    offline(sys.argv[1], int(sys.argv[2]))
