"""Journals for tests: job folders as the bridge leaves them, real ones (a job is run) and quick ones (names and a
record, no picture that could be read)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from bridge.history import recovery
from bridge.job.running import RunningJob
from bridge.pixels import imaging
from bridge.protocol import SELECTION_FILE, Document, Failed, Finished, Job, Patch, Plan, Result
from bridge.protocol.history import Recalled
from bridge.store import places, settings
from tests.regen_server import RegenServer

CANVAS = (1216, 832)

#: Far from each other.
TWO_AREAS = ((40, 40, 90, 60), (1000, 700, 80, 90))
HOUR = 3600.0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegenServer]:
    """A service of ours, and a home of its own for each test."""
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PHOTIO_API_KEY", "test-key-0123456789abcdef")
    with RegenServer() as running:
        monkeypatch.setenv("PHOTIO_ORIGIN", running.origin)
        yield running


def a_job(**changes) -> Job:
    values = {
        "prompt": "a red door", "negative_prompt": "", "quality": "LOW", "seed": 7, "cfg_scale": 2.5, "variations": 1,
        "sample": "layer", "context": 100.0, "grow": 4, "feather": 6, "engine": "auto",
        "areas": "auto", "resolution": "recommended", "fill_transparent": False, "match_colour": True,
        "match_grain": False, "source": 1,
    }  # fmt: skip
    return Job(**{**values, **changes})


def quick_record(*, started, image="photo.xcf", engine="photio", seeds=(7,), result=True, more=None, **changes):
    """What `request.json` says about a job on one crop."""
    job = a_job(variations=len(seeds), **changes)
    results = tuple(
        Result((Patch(f"result-1-{number}-1.pnm", (10, 10, 20, 20)),), number, seed, "{}")
        for number, seed in enumerate(seeds, 1)
    )
    finished = Finished((10, 10, 20, 20), (Patch("layer-mask-1.pgm", (10, 10, 20, 20)),), results, ())
    return {
        "format": 1, "state": "received" if result else "sending", "started": started, "job": asdict(job),
        "document": asdict(Document(image, ("file:///photo.xcf",), "1-1", CANVAS, 1)),
        "selection": [10, 10, 20, 20], "masked": False, "native_limit": 4.0,
        "crops": [{"box": [0, 0, 100, 100], "padding": [0, 0, 0, 0], "size": [1024, 1024]}],
        "requests": len(seeds), "engine": engine, "seeds": list(seeds),
        **({"result": asdict(finished)} if result else {}), **(more or {}),
    }  # fmt: skip


def put(journal: Path, record, *, name=None, size=100, answers=None, at=None) -> str:
    """A folder with that record (a dict, or the bytes of the file) and files of `size` bytes; its id."""
    if at is None:
        at = record["started"] if isinstance(record, dict) and isinstance(record["started"], float) else time.time()
    name = name or f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(at))}-{os.urandom(3).hex()}"
    folder = journal / name
    folder.mkdir(parents=True)
    if record is not None:
        content = record if isinstance(record, bytes) else json.dumps(record, indent=2).encode()
        (folder / "request.json").write_bytes(content)
    seeds = record.get("seeds", ()) if isinstance(record, dict) else ()
    for number in range(1, len(seeds) + 1) if answers is None else answers:
        (folder / f"answer-1-{number}.png").write_bytes(b"\0" * size)
        if isinstance(record, dict) and "result" in record:
            (folder / f"result-1-{number}-1.pnm").write_bytes(b"\0" * size)
            (folder / "layer-mask-1.pgm").write_bytes(b"\0")
    old = time.time() - 60  # so that the folder's times tell whether it changed
    os.utime(folder, (old, old))
    return name


def plan_a_job(*, selections=((500, 400, 100, 50),), masked=True, alpha=False, gray=False, **changes):
    """A job that is ready to be started with the service that the environment names."""
    running = RunningJob(settings.load()[0], ())
    folder = Path(running.opened.folder)
    left, top = min(box[0] for box in selections), min(box[1] for box in selections)
    right, bottom = max(box[0] + box[2] for box in selections), max(box[1] + box[3] for box in selections)
    selection = np.zeros((bottom - top, right - left), np.uint8)
    for x, y, width, height in selections:
        selection[y - top : y - top + height, x - left : x - left + width] = 255
    if masked:
        (folder / SELECTION_FILE).write_bytes(imaging.pnm(selection))
    document = Document("photo.xcf", ("file:///photo.xcf",), "1-1", changes.pop("canvas", CANVAS), 1)
    bounds = (left, top, right - left, bottom - top)
    planned = running.plan(Plan(a_job(**changes), document, bounds, masked, (0, 0)))
    for crop in planned.crops:
        shape = (crop.box[3], crop.box[2], 4 if alpha else 3)
        pixels = np.random.default_rng(1).integers(60, 100, shape, dtype=np.uint8)
        if gray:
            pixels[...] = pixels[..., :1]
        if alpha:
            pixels[..., 3] = 255
            pixels[:, : shape[1] // 4, 3] = 0
        (folder / crop.file).write_bytes(imaging.pnm(pixels))
    return running


def run_a_job(**how):
    """Runs such a job to its end; its folder and last message."""
    heard = []
    running = plan_a_job(**how)
    running.start(heard.append)
    running.wait()
    return running.folder.path, next(message for message in reversed(heard) if isinstance(message, Finished | Failed))


def recall(folder: Path) -> Recalled:
    """What can be inserted of a job."""
    return recovery.recall(places.journal_directory(), folder.name)
