"""Photio's own ways inside GIMP, with a clock: through the PDB as a user has it, and as the open window does it.

The stages are told from outside, by the times of the journal's files (of the kernel's clock, which ticks every 1–4 ms)
and by the server's own: what is measured carries no clock.
"""

import contextlib
import json
import os
import subprocess
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

from gi.repository import Gimp

import early
from bench_files import drop_result, selected
from bridge.protocol import Job
from bridge.store import places
from bridge_process import Bridge
from canvas import exporting, generation

REMOVE = "photio-remove"


def cold(image, row, origin):
    """`photio-remove`, from the call to the layer in its place."""
    began = time.time()
    layers = _remove(image, row)
    ended = time.time()
    folder = _newest()
    born = float(subprocess.run(["stat", "-c", "%.9W", folder], capture_output=True, check=True, text=True).stdout)
    exported = (folder / "base-1.pnm").stat().st_mtime
    _drop(image, layers)
    marks = [("start", born), ("plan, export", exported), *_marks(folder, origin), ("place", ended)]
    return {"total": ended - began, **_durations(began, marks)}


#: What a job with several requests asks for: the same again for each, or each of eight parts of the selection.
VARIATIONS, ISLANDS = {"variations": 4}, {"areas": "separate"}


@contextlib.contextmanager
def selected_for(image, job):
    """For islands, eight rectangles all over the canvas are selected meanwhile."""
    if job is ISLANDS:
        width, height = image.get_width() // 4, image.get_height() // 2
        Gimp.Selection.none(image)
        for number in range(8):
            x, y = number % 4 * width + width // 2, number // 4 * height + height // 2
            image.select_rectangle(Gimp.ChannelOps.ADD, x - 100, y - 100, 200, 200)
    try:
        yield
    finally:
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *selected(image))


def several(image, row, asked):
    """A job with several requests, through the PDB."""
    began = time.time()
    layers = _remove(image, row, **asked)
    ended = time.time()
    _drop(image, layers)
    return {"total": ended - began}


def _remove(image, row, **arguments):
    before = {layer.get_id() for layer in image.get_layers()}
    procedure = Gimp.get_pdb().lookup_procedure(REMOVE)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [image.get_layers()[-1]])
    for name, value in {"sample": _sample(row), "seed": 1.0, **arguments}.items():
        config.set_property(name, value)
    if procedure.run(config).index(0) != Gimp.PDBStatusType.SUCCESS:
        raise RuntimeError(Gimp.get_pdb().get_last_error())
    return [layer for layer in image.get_layers() if layer.get_id() not in before]


def _sample(row):
    """Of thirty layers, what they show together."""
    return "visible" if row.layers > 1 else "layer"


def _newest():
    return max(places.journal_directory().iterdir())


def _drop(image, layers):
    for layer in layers:
        drop_result(image, layer)


def _marks(folder, origin):
    """The ends of the stages between the export and the placing."""
    came, _answered = _requests(origin)[-1]
    started = json.loads((folder / "request.json").read_text())["started"]
    received = next(folder.glob("answer-1-1.*")).stat().st_ctime  # when it got its name
    fitted = next(folder.glob("result-1-1-*")).stat().st_ctime
    return [("prepare", started), ("send", came), ("receive", received), ("fit", fitted)]


def _requests(origin):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(origin) as answer:
        return json.loads(answer.read())


def _durations(began, marks):
    durations = {}
    for name, moment in marks:
        durations[name], began = moment - began, moment
    return durations


class Warm:
    """A bridge that was started beforehand, as it is while the window is open."""

    def __init__(self):
        self._bridge = Bridge()

    def processes(self):
        """The ids of the bridges that run now."""
        return {int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()}

    def close(self):
        """Ends it."""
        self._bridge.close()

    def run(self, image, row, origin):
        """One job, from what the window's button does to the layer in its place."""
        clock, draft = self._run(image, _job(row))
        began, opened, decided, exported, finished, ended = clock
        marks = [("open", opened), ("plan", decided), ("export", exported), *_marks(draft.folder, origin)]
        marks += [("report", finished), ("place", ended)]
        return {"total": ended - began, **_durations(began, marks)}

    def several(self, image, row, asked):
        """A job with several requests."""
        clock, _draft = self._run(image, replace(_job(row), **asked))
        return {"total": clock[-1] - clock[0]}

    def _run(self, image, job):
        layer = image.get_layers()[-1]
        clock = [time.time()]

        def tick():
            clock.append(time.time())

        captured, job = generation.capture(image, layer, job, again=False)
        draft = generation.open_draft(self._bridge)
        tick()
        planned = generation.plan(self._bridge, draft, captured, job)
        tick()
        generation.export(draft, captured, planned)
        tick()
        outcome = generation.run(self._bridge, draft, captured, job)
        tick()
        layers = generation.insert(self._bridge, outcome)
        tick()
        self.last = (planned, outcome)
        _drop(image, layers)
        return clock, draft

    def previews(self, image, row, count):
        """Seconds that the preview takes to follow, each time for another context."""
        captured, _same = generation.capture(image, image.get_layers()[-1], _job(row), again=False)
        draft = generation.open_draft(self._bridge)
        seconds = []
        for number in range(count + 1):
            began = time.perf_counter()
            asked = replace(_job(row), context=20.0 + number)
            planned = generation.plan(self._bridge, draft, captured, asked, preview=(880, 440))
            exporting.picture(captured, planned.preview.box, planned.preview.size)
            seconds.append(time.perf_counter() - began)
        return [{"total": each} for each in seconds[1:]]  # the first one opened the window


def first(image, row, warm, origin):
    """Runs that do not count: the same task for the floor and the sketch, and the answer's file for the plain way.

    A task: "crop" (what was sent) and "box" (what was placed; x, y, width, height, canvas px), "size" (at which it was
    sent, px), "origin" of the service, and the bridge's "python".
    """
    layers = _remove(image, row)
    answer = next(_newest().glob("answer-1-1.*"))
    kept = answer.parent.parent.parent / f"answer{answer.suffix}"
    kept.write_bytes(answer.read_bytes())
    _drop(image, layers)
    warm.run(image, row, origin)
    planned, outcome = warm.last
    sent = planned.crops[0]
    task = {"crop": sent.box, "size": sent.size, "box": outcome.finished.box, "origin": origin}
    return {**task, "python": early.command()[0]}, kept


def _job(row):
    """What `photio-remove` asks for."""
    return Job(
        prompt="", negative_prompt="", quality="LOW", seed=1, cfg_scale=2.5, variations=1, sample=_sample(row),
        context=50.0, grow=6, feather=3, engine="auto", areas="auto", resolution="recommended",
        fill_transparent=False, match_colour=True, match_grain=True, source=1,
    )  # fmt: skip


assert os.environ["PHOTIO_HOME"], "a benchmark must not touch anybody's results"
