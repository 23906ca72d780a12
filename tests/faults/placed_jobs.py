"""Some jobs whose placed pixels are known: gray and colour, scaled and not, matched and not, with an object beyond.

    python -m tests.faults.placed_jobs     (in the checkout) prints their hashes, for data/placed-pixels.json

Photographs and answers are made of whole numbers only, so that they are the same on every processor.
"""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bridge.pixels import imaging
from bridge.protocol import SELECTION_FILE, Document, Finished, Open, Opened, Plan, Planned, Run
from tests.faults.world import Bridge, World, a_job
from tests.regen_server import RegenServer

#: The hash of each job's placed pixels.
KNOWN = Path(__file__).with_name("data") / "placed-pixels.json"

Pixels = NDArray[np.uint8]
Numbers = NDArray[np.int64]


class Scaling(NamedTuple):
    """How large a job's canvas and selection are, px, which decides how its crop is scaled."""

    canvas: tuple[int, int]
    selection: tuple[int, int, int, int]
    resolution: str


SCALINGS = {
    "not scaled": Scaling((420, 300), (160, 100, 90, 70), "native"),
    "scaled up": Scaling((420, 300), (160, 100, 90, 70), "recommended"),
    "scaled down": Scaling((1600, 1200), (400, 350, 700, 500), "recommended"),
}

#: px beyond the selection.
SPILL = 24

#: What is asked for, by name.
JOBS = {
    f"{tone}, {scaling}, {kind}": (tone, scaling, kind)
    for tone in ("gray", "colour")
    for scaling in SCALINGS
    for kind in ("matched", "as it came", "beyond")
}


def placed(bridge: Bridge, service: RegenServer, name: str) -> list[bytes]:
    """Runs a job: the files that GIMP would place, 16 bits a channel."""
    tone, scaling, kind = JOBS[name]
    canvas, selection, resolution = SCALINGS[scaling]
    matched, beyond = kind != "as it came", kind == "beyond"
    service.script({"change": painted if beyond else changed})
    folder = Path(bridge.ask(Open(), Opened).folder)
    (folder / SELECTION_FILE).write_bytes(imaging.pnm(np.full((selection[3], selection[2]), 255, np.uint8)))
    matchings = dict.fromkeys(("match_colour", "match_detail", "match_grain"), matched)
    job = a_job(resolution=resolution, feather=4, spill=SPILL * beyond, **matchings)
    document = Document("photo.xcf", (), "1-1", canvas, 1)
    planned = bridge.ask(Plan(job, document, selection, True, (0, 0)), Planned)
    for crop in planned.crops:
        x, y, width, height = crop.box
        (folder / crop.file).write_bytes(imaging.pnm(photograph(canvas, tone)[y : y + height, x : x + width]))
    finished = bridge.ask(Run(), Finished)
    assert all(bool(result.masks) == beyond for result in finished.results), name
    patches = [patch for result in finished.results for patch in (*result.patches, *result.masks)]
    return [(folder / patch.file).read_bytes() for patch in patches]


def digest(files: list[bytes]) -> str:
    """The hash of what is placed."""
    return hashlib.sha256(b"".join(files)).hexdigest()


@functools.cache  # each processor gets the same
def photograph(canvas: tuple[int, int], tone: str) -> Pixels:
    """Shading, edges and a camera's noise, [height, width, 3]."""
    width, height = canvas
    y, x = np.mgrid[0:height, 0:width]
    shading = 70 + 90 * x // width + 40 * y // height + 30 * ((x // 61 + y // 47) % 2)
    noise = np.random.default_rng(3).integers(-6, 7, (2, height, width, 3)).sum(axis=0)
    if tone == "gray":
        return np.repeat((shading + noise[..., 0])[..., None], 3, axis=2).astype(np.uint8)
    tinted = np.stack([shading, shading * 7 // 8 + 10, shading * 3 // 4], axis=-1)
    return (tinted + noise + noise[..., ::-1] // 2).astype(np.uint8)


def changed(image: Image.Image) -> Image.Image:
    """What a service makes of a picture: lighter, with more contrast, and without its noise."""
    pixels = np.pad(np.asarray(image), ((1, 1), (1, 1), (0, 0)), mode="edge").astype(np.int64)
    height, width = pixels.shape[:2]
    smooth: Numbers = sum(
        pixels[down : height - 2 + down, across : width - 2 + across] for down in range(3) for across in range(3)
    )
    return Image.fromarray(np.clip(smooth * 268 // (9 * 256) + 6, 0, 255).astype(np.uint8))


def painted(image: Image.Image) -> Image.Image:
    """The same, and a bright disc around the middle of the crop that is larger than what is selected."""
    picture, (width, height) = changed(image), image.size
    radius = min(width, height) * 23 // 100
    box = (width // 2 - radius, height // 2 - radius, width // 2 + radius, height // 2 + radius)
    ImageDraw.Draw(picture).ellipse(box, fill=(240, 240, 240))
    return picture


def hashes(folder: Path, **how: Any) -> dict[str, str]:
    """The hashes of all jobs; `how` a bridge is started: see `World.start`."""
    with RegenServer() as service:
        world = World(folder, service)
        try:
            bridge = world.start(**how)
            return {name: digest(placed(bridge, service, name)) for name in JOBS}
        finally:
            world.end()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(hashes(Path(temporary)), indent=1))
