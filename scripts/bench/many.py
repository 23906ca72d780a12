"""How many files a minute `batch.py` makes with 1 and 2 workers, beside a GIMP that is started for each file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import comparison

from batch import worker
from gimp import real_gimp, rootfs

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent / "batch.py"
PHOTO = real_gimp.SCRIPTS / "photos" / "extreme-desert-hike.jpg"

#: Seconds that the service takes for each request.
SERVICE = 2.0

#: How many files are made by a batch, and by a GIMP for each.
FILES, ONCE = 40, 3

Rates = dict[str, float]


def measure(release: str | None, files: int = FILES) -> Rates:
    """Files a minute of each way, the start of GIMP, Dask and all else included.

    Raises:
        SetupError: a part of it failed.
    """
    real = worker.of_batches(release)
    real.install_plugin()
    found: Rates = {}
    with tempfile.TemporaryDirectory(prefix="photio-bench-") as scratch, _service(real) as origin:
        folder = Path(scratch)
        os.environ |= {"PHOTIO_HOME": str(folder / "home"), "PHOTIO_ORIGIN": origin, "PHOTIO_API_KEY": "bench-key-0123"}
        inputs, mask = _inputs(folder, files)
        began = time.perf_counter()
        for number in range(ONCE):
            arguments = [str(inputs / f"{number}.jpg"), str(mask), str(folder / f"once-{number}.xcf")]
            with open(os.devnull, "wb") as nowhere:
                status = real_gimp.run_file(real, HERE / "once.py", arguments, output=nowhere)
            if status:
                raise rootfs.SetupError("The GIMP for a single file failed.")
        found["GIMP once per file"] = ONCE / (time.perf_counter() - began) * 60
        for workers in (1, 2):
            found[f"batch, {workers} worker{'s' if workers > 1 else ''}"] = _batch(real, folder, workers, files)
    return found


def _inputs(folder: Path, files: int) -> tuple[Path, Path]:
    """A folder of photographs with masks beside it; one of the masks."""
    inputs, masks = folder / "in", folder / "masks"
    inputs.mkdir()
    masks.mkdir()
    for number in range(files):
        shutil.copy(PHOTO, inputs / f"{number}.jpg")
        shutil.copy(PHOTO.with_name(f"{PHOTO.stem}-object.png"), masks / f"{number}.png")
    return inputs, masks / "0.png"


def _batch(real: real_gimp.RealGimp, folder: Path, workers: int, files: int) -> float:
    """Files a minute of a batch."""
    report = folder / "report.json"
    command = [sys.executable, str(SCRIPT), str(folder / "in"), "--mask-dir", str(folder / "masks")]
    command += ["--out", str(folder / f"out-{workers}"), "--workers", str(workers), "--release", real.release]
    done = subprocess.run([*command, "--dashboard", "0", "--report", str(report)], capture_output=True, text=True)
    if done.returncode:
        raise rootfs.SetupError(f"The batch failed:\n{done.stderr}")
    return files / float(json.loads(report.read_text())["seconds"]) * 60


@contextmanager
def _service(real: real_gimp.RealGimp) -> Iterator[str]:
    """A service that answers after `SERVICE` seconds; its origin."""
    command = real.command(comparison.process(real.bridge[0], f"serve({SERVICE})"), [HERE])
    with subprocess.Popen(command, env=real.environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def report(rates: Rates, files: int) -> str:
    """The rates as lines, and how they compare."""
    lines = [f"{name:22}{rate:8.1f} files a minute" for name, rate in rates.items()]
    once, one, two = rates.values()
    lines.append(f"{'batch / once per file':22}{one / once:8.1f} (target: 5)")
    lines.append(f"{'2 workers / 1':22}{two / one:8.1f} (target: 1.7, where two cores are free)")
    return "\n".join([f"A service of {SERVICE:g} s, {files} photographs of 10 MP", *lines])
