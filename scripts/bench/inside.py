"""The benchmark's part inside GIMP: one process for all rows; see `bench.py`. Arguments:

a JSON file with "rows" (their names), "runs", "plain_runs" and "cache" (a folder), and the file for the results:
{"rows": [{"name", "times": {way: seconds of each run}, "memory": {process: MB}}], "preview": seconds, "waiting": …}."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio

PLUGIN = Path(os.environ["GIMP3_DIRECTORY"]) / "plug-ins" / "photio"
BRIDGE = str(PLUGIN / "bridge")
HOME = Path(os.environ["PHOTIO_HOME"])
assert HOME.name == "bench", "a benchmark must not touch anybody's results"

sys.path.insert(0, str(PLUGIN))  # what the window does is done here, in this process
from bridge.common import environments  # noqa: E402

PYTHON = environments.command(environments.find(BRIDGE), BRIDGE)[0]
sys.path += map(str, Path(PYTHON).parent.parent.glob("lib/python3*/site-packages"))  # Pillow

import comparison  # noqa: E402

from bridge.protocol import Job  # noqa: E402
from bridge.store import places  # noqa: E402
from bridge_process import Bridge  # noqa: E402
from canvas import exporting, generation  # noqa: E402
from gimp.pictures import load  # noqa: E402

#: Seconds between two measurements, so that none pays for what the one before left running.
PAUSE = 0.3

#: Width and height of the selection in the middle of the canvas, px.
SELECTION = (600, 400)

#: MP that the plain way processes at most, in all runs: at 400 MP it takes minutes, and shows nothing new.
LARGEST_PLAIN = 100

#: Greatest size of the layers above the photograph, px: thirty of 400 MP would only fill the disk.
LARGEST_LAYER = (3000, 2000)

#: Jobs with several requests, and what they ask for.
JOBS = {"variations=4": {"variations": 4}, "eight islands": {"areas": "separate"}}

_COMPRESSION, _RLE, _ZLIB = 17, 1, 2  # a property in an XCF, and its values


# The images. GIMP makes them once; the cache keeps them.


@dataclass(frozen=True)
class Row:
    """One kind of image: megapixels, "u8" or "float", "rgb" or "gray", how many layers, "rle" or "zlib"."""

    name: str
    megapixels: float
    precision: str
    base: str
    layers: int
    compression: str

    @classmethod
    def named(cls, name):
        """The row of that name."""
        megapixels, precision, base, layers, compression = name.split("-")
        return cls(name, float(megapixels), precision, base, int(layers), compression)

    @property
    def size(self):
        """Width and height, px, 3 : 2."""
        height = round((self.megapixels * 1e6 / 1.5) ** 0.5)
        return round(height * 1.5), height

    @property
    def sample(self):
        """What Photio reads: one layer, or what thirty layers show together."""
        return "visible" if self.layers > 1 else "layer"


@contextlib.contextmanager
def opened(row, folder):
    """The image of a row with its selection, loaded from the cache; its file is made where it is missing."""
    file = Path(folder) / f"{row.name}.xcf"
    if not file.exists():
        _make(row, file)
    image = load(file)
    select_middle(image)
    try:
        yield image
    finally:
        image.delete()
        shutil.rmtree(HOME / "journal", ignore_errors=True)


def select_middle(image):
    """Selects the box in the middle of the canvas."""
    width, height = SELECTION
    x, y = (image.get_width() - width) // 2, (image.get_height() - height) // 2
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)


@contextlib.contextmanager
def selected_for(image, job):
    """Selects eight rectangles all over the canvas meanwhile, if the job is about islands."""
    if job == "eight islands":
        width, height = image.get_width() // 4, image.get_height() // 2
        Gimp.Selection.none(image)
        for number in range(8):
            x, y = number % 4 * width + width // 2, number // 4 * height + height // 2
            image.select_rectangle(Gimp.ChannelOps.ADD, x - 100, y - 100, 200, 200)
    try:
        yield
    finally:
        select_middle(image)


def _make(row, file):
    image = load(comparison.PHOTO)
    image.scale(*row.size)
    if row.base == "gray":
        image.convert_grayscale()
    if row.precision == "float":
        image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
    _add_layers(image, row.layers - 1)
    if row.compression == "zlib":
        image = _compressing(image, row, file)
    draft = file.with_name(f"draft-{file.name}")
    _save(image, draft)
    image.delete()
    draft.rename(file)


def _add_layers(image, count):
    """Adds layers of little opacity above the selected part."""
    width, height = (min(each) for each in zip(LARGEST_LAYER, (image.get_width(), image.get_height()), strict=True))
    x, y = (image.get_width() - width) // 2, (image.get_height() - height) // 2
    for number in range(count):
        layer = Gimp.Layer.new_from_drawable(image.get_layers()[-1], image)
        layer.add_alpha()
        layer.set_opacity(3 + number % 5)
        image.insert_layer(layer, None, 0)
        layer.resize(width, height, -x, -y)  # works only for a layer that is in an image


def _compressing(image, row, file):
    """The same image, stored with zlib. No procedure can ask for that, but GIMP keeps it for a file that has it."""
    empty = Gimp.Image.new_with_precision(*row.size, image.get_base_type(), image.get_precision())
    seed = file.with_name(f"empty-{file.name}")
    _save(empty, seed)
    data = seed.read_bytes()
    words = [part.to_bytes(4, "big") for part in (_COMPRESSION, 1)]
    before, found, after = data.partition(b"".join(words))
    if not found or after[:1] != bytes([_RLE]):
        raise OSError("GIMP writes its XCF files differently now: no file with zlib could be made")
    seed.write_bytes(before + found + bytes([_ZLIB]) + after[1:])
    target = load(seed)
    seed.unlink()
    for position, layer in enumerate(image.get_layers()):
        target.insert_layer(Gimp.Layer.new_from_drawable(layer, target), None, position)
    for each in (empty, image):
        each.delete()
    return target


def _save(image, file):
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(file)), None):
        raise OSError(f"{file} could not be written")


# Photio's own ways.


def cold(image, row, **asked):
    """`photio-remove` through the PDB, as a user runs it; the new layers."""
    before = {layer.get_id() for layer in image.get_layers()}
    procedure = Gimp.get_pdb().lookup_procedure("photio-remove")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [image.get_layers()[-1]])
    for name, value in {"sample": row.sample, "seed": 1.0, **asked}.items():
        config.set_property(name, value)
    if procedure.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(Gimp.get_pdb().get_last_error())
    return [layer for layer in image.get_layers() if layer.get_id() not in before]


class Warm:
    """A bridge that was started beforehand, as it is while the window is open."""

    def __init__(self):
        self._bridge = Bridge()
        self.close = self._bridge.close

    def run(self, image, row):
        """One job, from what the window's button does to the layer in its place; the new layers."""
        captured, job = generation.capture(image, image.get_layers()[-1], _job(row), again=False)
        draft = generation.open_draft(self._bridge)
        planned = generation.plan(self._bridge, draft, captured, job)
        generation.export(draft, captured, planned)
        outcome = generation.run(self._bridge, draft, captured, job)
        self.last = (planned, outcome)
        return generation.insert(self._bridge, outcome)

    def previews(self, image, row, count):
        """Seconds until the preview shows another context, each time a different one."""
        captured, _same = generation.capture(image, image.get_layers()[-1], _job(row), again=False)
        draft = generation.open_draft(self._bridge)
        seconds = []
        for number in range(count + 1):
            began = time.perf_counter()
            asked = replace(_job(row), context=20.0 + number)
            planned = generation.plan(self._bridge, draft, captured, asked, preview=(880, 440))
            exporting.picture(captured, planned.preview.box, planned.preview.size)
            seconds.append(time.perf_counter() - began)
        return seconds[1:]  # the first one opened the window


def _job(row):
    """What `photio-remove` asks for."""
    return Job(
        prompt="", negative_prompt="", quality="LOW", seed=1, cfg_scale=2.5, variations=1, sample=row.sample,
        context=50.0, grow=6, feather=3, engine="auto", areas="auto", resolution="recommended",
        fill_transparent=False, match_colour=True, match_grain=True, source=1, match_detail=True,
    )  # fmt: skip


def same_task(image, row, warm, origin):
    """Runs a job that is not measured. Returns it as a task (see `comparison`) and a copy of the answer's file."""
    _drop(image, warm.run(image, row))
    planned, outcome = warm.last
    answer = next(max(places.journal_directory().iterdir()).glob("answer-1-1.*"))
    kept = HOME / f"answer{answer.suffix}"
    kept.write_bytes(answer.read_bytes())
    sent = planned.crops[0]
    task = {"crop": sent.box, "size": sent.size, "box": outcome.finished.box}
    return {**task, "origin": origin, "python": PYTHON}, kept


# What is measured.


def seconds_of(image, way):
    """Seconds until the new layers of one way are in their place. Removes them again."""
    time.sleep(PAUSE)
    Gimp.Selection.bounds(image)  # returns when GIMP has drawn what the layer removed last had covered
    began = time.perf_counter()
    made = way()
    seconds = time.perf_counter() - began
    _drop(image, made if isinstance(made, list) else [made])
    return seconds


def _drop(image, layers):
    """Removes layers, and what undo keeps of them."""
    for layer in layers:
        image.remove_layer(layer)
    image.undo_disable()
    image.undo_enable()


def bench_row(name, order, origin):
    """All ways on one image, in turns."""
    row = Row.named(name)
    with opened(row, order["cache"]) as image, contextlib.closing(Warm()) as warm:
        task, answer = same_task(image, row, warm, origin)
        with contextlib.closing(comparison.Sketch(task)) as sketch:
            ways = {
                "cold": partial(cold, image, row),
                "warm": partial(warm.run, image, row),
                "sketch": partial(comparison.sketch, image, task),
                "sketch, warm": partial(sketch.run, image),
                "floor": partial(comparison.floor, image, task),
                "plain": partial(comparison.plain_way, image, answer),
            }
            for way in [way for way in ways if way != "plain"]:
                seconds_of(image, ways[way])  # the service prepares its answers
            times = {way: [] for way in ways}
            runs = dict.fromkeys(ways, order["runs"])
            runs["plain"] = min(order["plain_runs"], int(LARGEST_PLAIN / row.megapixels))
            for turn in range(max(runs.values())):
                for way in ways:
                    if turn < runs[way]:
                        times[way].append(seconds_of(image, ways[way]))
        with Peaks([str(PLUGIN / "photio.py"), BRIDGE]) as peaks:
            _drop(image, cold(image, row))
    return {"name": name, "times": times, "memory": dict(zip(("plug-in", "bridge"), peaks.megabytes, strict=True))}


def bench_waiting(order, origin):
    """Jobs with several requests to a service that takes a second: are they sent side by side?"""
    row = Row.named("24-u8-rgb-1-rle")
    with opened(row, order["cache"]) as image:
        with contextlib.closing(Warm()) as warm:
            task, _answer = same_task(image, row, warm, origin)
        ways = {name: partial(cold, image, row, **job) for name, job in JOBS.items()}
        ways["sketch"] = partial(comparison.sketch, image, task)
        found = {way: [] for way in ways}
        for turn in range(order["runs"] + 1):
            for way, run in ways.items():
                with selected_for(image, way):
                    took = seconds_of(image, run)
                if turn:  # in the first one the service prepares its answers
                    found[way].append(took)
    return found


def bench_preview(order):
    """Seconds until the preview shows another context."""
    row = Row.named("24-u8-rgb-1-rle")
    with opened(row, order["cache"]) as image, contextlib.closing(Warm()) as warm:
        return warm.previews(image, row, 4 * order["runs"])


class Peaks:
    """Watches new processes by a word of their command lines, from outside (Linux).

    Attributes:
        megabytes: the greatest memory found, word by word.
    """

    def __init__(self, words):
        self.megabytes = [0.0 for _word in words]
        self._words = [word.encode() for word in words]
        self._old = set(Path("/proc").glob("[0-9]*"))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._over.set()
        self._thread.join()

    def _watch(self):
        while not self._over.wait(0.005):
            for process in set(Path("/proc").glob("[0-9]*")) - self._old:
                with contextlib.suppress(OSError):  # it has ended
                    self._look_at(process)

    def _look_at(self, process):
        command = (process / "cmdline").read_bytes().split(b"\0")
        for index, word in enumerate(self._words):
            if word in command:
                lines = (process / "status").read_text().splitlines()
                peak = sum(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))
                self.megabytes[index] = max(self.megabytes[index], peak)


@contextlib.contextmanager
def service(delay):
    """Runs a service that answers after so many seconds; its origin."""
    command = comparison.process(PYTHON, f"serve({delay})")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()


def use(origin):
    """Makes Photio use this service."""
    HOME.mkdir(parents=True, exist_ok=True)
    draft = HOME / "settings.draft"
    draft.write_text(json.dumps({"origin": origin, "key_storage": "file"}))
    draft.replace(HOME / "settings.json")  # at once: the last job's bridge may be reading it
    key = HOME / "api-key"
    key.write_text("bench-key-0123456789")
    key.chmod(0o600)


def main():
    """Does what the file says."""
    order_file, results_file = map(Path, sys.argv[1:])
    order = json.loads(order_file.read_text())
    shutil.rmtree(HOME, ignore_errors=True)
    results = {"rows": []}
    with service(0.0) as instant, service(1.0) as slow:
        use(instant)
        for name in order["rows"]:
            print(f"… {name}", flush=True)
            results["rows"].append(bench_row(name, order, instant))
        results["preview"] = bench_preview(order)
        use(slow)
        results["waiting"] = bench_waiting(order, slow)
    results_file.write_text(json.dumps(results))


Gegl.init(None)
main()
