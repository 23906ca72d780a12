"""The benchmark's part inside GIMP: one process for all rows; see `bench.py`. Argument: a file that says what to do."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from gi.repository import Gimp

PLUGIN = Path(os.environ["GIMP3_DIRECTORY"]) / "plug-ins" / "photio"
INSTALLED = json.loads((PLUGIN / "install.json").read_text())
HOME = Path(os.environ["PHOTIO_HOME"])
sys.path.insert(0, str(PLUGIN))  # what the window does is done here, in this process
# the floor's Pillow and numpy
sys.path += map(str, Path(INSTALLED["python"]).parent.parent.glob("lib/python3*/site-packages"))

import bench_photio  # noqa: E402
import bench_sketch  # noqa: E402

import bench_floor  # noqa: E402
from bench_files import Row, drop_result, opened  # noqa: E402
from bench_memory import Peaks  # noqa: E402
from bench_report import WAYS  # noqa: E402
from bench_targets import SKETCH  # noqa: E402

#: Seconds between two measurements, so that none pays for what the one before left running.
PAUSE = 0.3

#: The plain way is gone as often as that many MP allow: at 400 MP it takes minutes, and says nothing new.
LARGEST_PLAIN = 100


class Server:
    """`bench_server.py`, in a process of its own."""

    def __init__(self, delay=0.0):
        command = [INSTALLED["python"], "-I", str(Path(__file__).with_name("bench_server.py")), "--delay", str(delay)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.origin = self.process.stdout.readline().strip()

    def use(self):
        """Makes it the service that Photio knows."""
        HOME.mkdir(parents=True, exist_ok=True)
        draft = HOME / "settings.draft"
        draft.write_text(json.dumps({"origin": self.origin, "key_storage": "file"}))
        draft.replace(HOME / "settings.json")  # at once: the last job's bridge may be reading it
        key = HOME / "api-key"
        key.write_text("bench-key-0123456789")
        key.chmod(0o600)


def measured(way, image, *arguments):
    """What one way took, in stages; {"total": seconds} where it has none."""
    time.sleep(PAUSE)
    Gimp.Selection.bounds(image)  # returns when GIMP has drawn what the layer removed last had covered
    began = time.perf_counter()
    told = way(image, *arguments)
    stages = told if isinstance(told, dict) else {}
    if not stages:
        drop_result(image, told)
    return {"total": time.perf_counter() - began, **stages}


def bench_row(row, order, server):
    """All ways on one image, in turns."""
    image = opened(row, Path(order["cache"]))
    warm = bench_photio.Warm()
    times = {way: [] for way in WAYS}
    sketch = None
    try:
        task, answer = bench_photio.first(image, row, warm, server.origin)
        sketch = bench_sketch.Sketch(task)
        ways = {
            "cold": (bench_photio.cold, row, server.origin),
            "warm": (warm.run, row, server.origin),
            "sketch": (bench_floor.sketch, task),
            "sketch, warm": (sketch.run,),
            "floor": (bench_floor.floor, task),
        }
        plain_runs = min(order["plain_runs"], int(LARGEST_PLAIN / row.megapixels))
        for turn in range(order["runs"] + 1):
            for way, (run, *arguments) in ways.items():
                took = measured(run, image, *arguments)
                if turn:  # in the first one the service prepares its answers
                    times[way].append(took)
            if turn and len(times["plain"]) < plain_runs:
                times["plain"].append(measured(bench_floor.plain_way, image, answer))
        peaks = Peaks([str(PLUGIN / "photio.py"), INSTALLED["bridge"]], leave_out=warm.processes())
        with peaks:
            bench_photio.cold(image, row, server.origin)
    finally:
        warm.close()
        if sketch:
            sketch.close()
        image.delete()
        shutil.rmtree(HOME / "journal", ignore_errors=True)
    return {
        "name": row.name,
        "row": vars(row),
        "times": times,
        "memory": dict(zip(("plug-in", "bridge"), peaks.megabytes, strict=True)),
    }


def bench_waiting(order, slow):
    """Several requests to a service that takes a second: as one, or one after the other?"""
    slow.use()
    row = Row(24)
    image = opened(row, Path(order["cache"]))
    warm = bench_photio.Warm()
    asked = {"variations=4": bench_photio.VARIATIONS, "eight islands": bench_photio.ISLANDS}
    found = {way: [] for name in asked for way in (name, f"{name}, warm")} | {SKETCH: []}
    try:
        task, _answer = bench_photio.first(image, row, warm, slow.origin)
        for turn in range(order["runs"] + 1):
            took = {}
            for name, job in asked.items():
                with bench_photio.selected_for(image, job):
                    took[name] = measured(bench_photio.several, image, row, job)
                    took[f"{name}, warm"] = measured(warm.several, image, row, job)
            took[SKETCH] = measured(bench_floor.sketch, image, task)
            for way, times in took.items():
                if turn:  # in the first one the service prepares its answers
                    found[way].append(times)
    finally:
        warm.close()
        image.delete()
    return found


def bench_preview(order):
    """How soon the preview follows when another context is asked for."""
    image = opened(Row(24), Path(order["cache"]))
    warm = bench_photio.Warm()
    try:
        found = warm.previews(image, Row(24), 4 * order["runs"])
    finally:
        warm.close()
        image.delete()
    return found


def main():
    """Does what the file says; the results go into another, row by row."""
    order = json.loads(Path(sys.argv[1]).read_text())
    shutil.rmtree(HOME, ignore_errors=True)
    instant, slow = Server(), Server(delay=1.0)
    results = {"rows": []}
    try:
        instant.use()
        for row in (Row(**each) for each in order["rows"]):
            print(f"… {row.name}", flush=True)
            results["rows"].append(bench_row(row, order, instant))
            Path(order["results"]).write_text(json.dumps(results))
        results["preview"] = bench_preview(order)
        results["waiting"] = bench_waiting(order, slow)
    finally:
        for server in (instant, slow):
            server.process.kill()
        Path(order["results"]).write_text(json.dumps(results))


main()
