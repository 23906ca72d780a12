"""What the tests of `scripts/batch.py` share: the script as a process, and files of all kinds."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from bridge.commands import deep

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "batch.py"
RELEASE = "3.2"
SIZE = (300, 200)
SPOT = (120, 80, 150, 100)  # what masks show: left, top, right, bottom
MAKE, MODEL, TAKEN = "Photio", "Test 1", "2026:11:30 12:00:00"


@dataclass
class Done:
    """A batch that has ended."""

    status: int
    said: str
    report: dict[str, Any]

    @property
    def states(self) -> dict[str, str]:
        """What became of each file, by its name."""
        return {file["name"]: file["state"] for file in self.report["files"]}

    def why(self, name: str) -> str:
        """Why nothing came of that file."""
        (found,) = [file["why"] for file in self.report["files"] if file["name"] == name]
        return str(found)


def command(*arguments: str | Path, report: Path) -> list[str]:
    """The command line of a batch in the GIMP of these tests."""
    fixed = ["--release", RELEASE, "--dashboard", "0", "--report", str(report)]
    return [sys.executable, str(SCRIPT), *map(str, arguments), *fixed]


Batch = Callable[..., Done]
Running = subprocess.Popen[str]
Start = Callable[..., Running]


def picture(mode: str = "RGB", seed: int = 1) -> Image.Image:
    """Waves with some noise."""
    noise = np.random.default_rng(seed).integers(0, 30, (SIZE[1], SIZE[0], 3))
    waves = 100 + 60 * np.sin(np.arange(SIZE[0]) / 20)[None, :, None]
    return Image.fromarray((waves + noise).astype(np.uint8)).convert(mode)


def mask(folder: Path, name: str) -> None:
    """A mask of a spot, for a picture of that name."""
    folder.mkdir(exist_ok=True)
    drawn = Image.new("L", SIZE, 0)
    ImageDraw.Draw(drawn).ellipse(SPOT, fill=255)
    drawn.save(folder / f"{name}.png")


def photographs(folder: Path, count: int) -> tuple[Path, Path]:
    """A folder of small PNGs, and one of masks."""
    inputs, masks = folder / "in", folder / "masks"
    inputs.mkdir()
    for number in range(count):
        picture(seed=number).save(inputs / f"{number}.png")
        mask(masks, str(number))
    return inputs, masks


def deep_tiff(file: Path, icc: bytes) -> np.ndarray[Any, Any]:
    """Writes a TIFF of 16 bits a channel with a profile and EXIF data; returns its pixels."""
    pixels = np.asarray(picture()).astype(np.uint16) * 256 + 77
    exif = {33434: 0.5, 36867: TAKEN}
    file.write_bytes(deep.tiff(pixels, {271: MAKE, 272: MODEL, 34675: icc, 34665: exif}))
    return pixels


def gimps() -> dict[int, str]:
    """The process numbers of all GIMPs of batches, with the journals that they use."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if b"gimp-console" in (entry / "cmdline").read_bytes():
                variables = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
                journals = [each for each in variables if each.startswith("PHOTIO_JOURNAL=")]
                found |= {int(entry.name): each.partition("=")[2] for each in journals}
    return found


def workers_of(journal: Path) -> list[int]:
    """The process numbers of the workers whose GIMPs use that journal."""
    found = set()
    for gimp, used in gimps().items():
        with contextlib.suppress(OSError):  # it has ended
            parent = int(Path(f"/proc/{gimp}/stat").read_text().rpartition(")")[2].split()[1])
            if used == str(journal) and b"multiprocessing" in Path(f"/proc/{parent}/cmdline").read_bytes():
                found.add(parent)
    return sorted(found)


def wait_for_workers(journal: Path, killed: Collection[int], seconds: float = 120) -> list[int]:
    """Blocks until workers that were not killed have GIMPs that use that journal; their process numbers."""
    end = time.monotonic() + seconds
    while not (found := [worker for worker in workers_of(journal) if worker not in killed]):
        assert time.monotonic() < end, "there is no worker"
        time.sleep(0.05)  # between two looks
    return found


def wait_for_gimps(folder: Path, seconds: float = 60) -> None:
    """Blocks until no GIMP is left that uses a journal in that folder."""
    end = time.monotonic() + seconds
    while left := [number for number, journal in gimps().items() if journal.startswith(str(folder))]:
        assert time.monotonic() < end, f"GIMP {left} is left running"
        time.sleep(0.05)  # between two looks
