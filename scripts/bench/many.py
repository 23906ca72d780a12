"""Batches: how many files a minute, how much memory a worker takes, and how long it is until the first request.

rate     files a minute with 1 and 2 workers, beside a GIMP that is started for each file
memory   what the processes of one worker take after so many files
start    seconds from the command to the first request, where many files are planned
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import comparison

from batch import worker
from gimp import real_gimp, rootfs

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent / "batch.py"
PHOTO = real_gimp.SCRIPTS / "photos" / "extreme-desert-hike.jpg"

#: Seconds that the service takes for each request.
SERVICE = 2.0

#: How many files are made by each GIMP that is started for a file.
ONCE = 3

#: How many files a batch has.
FILES = {"rate": 40, "memory": 200, "start": 3000}

#: How often memory is looked at.
LOOKS = 4

Figures = dict[str, float]


def measure(what: str, release: str | None, files: int) -> Figures:
    """Measures `what`, one of `FILES`: files a minute, MB, or seconds; see `report`.

    Raises:
        SetupError: a part of it failed.
    """
    real = worker.of_batches(release)
    real.install_plugin()
    measured: dict[str, Callable[[real_gimp.RealGimp, Path, int], Figures]] = {
        "rate": _rates,
        "memory": _memory,
        "start": _start,
    }
    with tempfile.TemporaryDirectory(prefix="photio-bench-") as scratch:
        os.environ |= {"PHOTIO_HOME": f"{scratch}/home", "PHOTIO_API_KEY": "bench-key-0123"}
        try:
            return measured[what](real, Path(scratch), files)
        finally:
            _wait_for_bridges(scratch)


def _rates(real: real_gimp.RealGimp, folder: Path, files: int) -> Figures:
    """Files a minute of each way, the start of GIMP, Dask and all else included."""
    found: Figures = {}
    inputs, masks = _inputs(folder, files)
    with _service(real, SERVICE):
        began = time.perf_counter()
        for number in range(ONCE):
            arguments = [str(inputs / f"{number}.jpg"), str(masks / "0.png"), str(folder / f"once-{number}.xcf")]
            with open(os.devnull, "wb") as nowhere:
                status = real_gimp.run_file(real, HERE / "once.py", arguments, output=nowhere)
            if status:
                raise rootfs.SetupError("The GIMP for a single file failed.")
        found["GIMP once per file"] = ONCE / (time.perf_counter() - began) * 60
        for workers in (1, 2):
            report = folder / "report.json"
            more = ["--workers", str(workers), "--report", str(report)]
            with _batch(real, folder, f"out-{workers}", *more) as running:
                _said, problem = running.communicate()
            if running.returncode:
                raise rootfs.SetupError(f"The batch failed:\n{problem}")
            rate = files / float(json.loads(report.read_text())["seconds"]) * 60
            found[f"batch, {workers} worker{'s' if workers > 1 else ''}"] = rate
    return found


def _memory(real: real_gimp.RealGimp, folder: Path, files: int) -> Figures:
    """MB of the worker's processes, after each quarter of the files. Some more follow, so that they still run then."""
    _inputs(folder, files + 10)
    step = max(10, files // LOOKS)
    found: Figures = {}
    with _service(real, 0), _batch(real, folder, "out") as running:
        assert running.stderr is not None
        for line in running.stderr:
            ended = re.match(r"(\d+) of \d+ files", line)
            if ended and int(ended[1]) % step == 0 and int(ended[1]) <= files:
                found |= {f"{ended[1]} files, {name}": size for name, size in _sizes(running.pid).items()}
        if running.wait():
            raise rootfs.SetupError("The batch failed; run it by hand to see why.")
    return found


def _sizes(batch: int) -> Figures:
    """Resident MB of the processes of a batch's worker, as a sum for each name. Pages that they share count in each."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found: Figures = {}
    for process in parents:
        lineage = [process]
        while lineage[-1] in parents and lineage[-1] != batch:
            lineage.append(parents[lineage[-1]])
        try:
            lines = [Path(f"/proc/{each}/cmdline").read_text().split("\0") for each in lineage]
            size = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        except OSError:
            continue
        if lineage[-1] == batch and (name := _name(lines)):
            found[name] = found.get(name, 0.0) + size
    return {**found, "in all": sum(found.values())}


def _name(lines: list[list[str]]) -> str:
    """What a process is, by its command line and those of its parents; empty if it is no part of a worker."""
    own, *above = [" ".join(line) for line in lines]
    if "gimp-console" in own:
        return "GIMP"
    if any("gimp-console" in line for line in above):
        return "bridge" if "bridge" in own else "its Python"
    return "worker" if "multiprocessing.spawn" in own else ""


def _start(real: real_gimp.RealGimp, folder: Path, files: int) -> Figures:
    """Seconds from the command until Dask is ready, and until the first request's first byte."""
    _inputs(folder, files)
    with socket.create_server(("127.0.0.1", 0)) as service:
        service.settimeout(300)
        os.environ["PHOTIO_ORIGIN"] = f"http://127.0.0.1:{service.getsockname()[1]}"
        began = time.perf_counter()
        with _batch(real, folder, "out") as running:
            assert running.stderr is not None
            ready = next((time.perf_counter() for line in running.stderr if "dashboard" in line), None)
            if ready is None:
                raise rootfs.SetupError("The batch failed; run it by hand to see why.")
            asking, _address = service.accept()
            with asking:
                asking.recv(1)
                asked = time.perf_counter()
                os.killpg(running.pid, signal.SIGINT)  # nothing was sent whole, so nothing is waited for
            running.communicate()
    return {"Dask is ready": ready - began, "first request": asked - began}


def _inputs(folder: Path, files: int) -> tuple[Path, Path]:
    """A folder of photographs, and one of masks: names for the same two files."""
    inputs, masks = folder / "in", folder / "masks"
    for each, source in ((inputs, PHOTO), (masks, PHOTO.with_name(f"{PHOTO.stem}-object.png"))):
        each.mkdir()
        one = shutil.copy(source, folder)
        for number in range(files):
            os.link(one, each / f"{number}{source.suffix}")
    return inputs, masks


@contextlib.contextmanager
def _batch(real: real_gimp.RealGimp, folder: Path, out: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A batch of the inputs in a folder, which has ended afterwards."""
    command = [sys.executable, str(SCRIPT), str(folder / "in"), "--mask-dir", str(folder / "masks")]
    command += ["--out", str(folder / out), "--release", real.release, "--dashboard", "0", *more]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.terminate()


@contextlib.contextmanager
def _service(real: real_gimp.RealGimp, seconds: float) -> Iterator[None]:
    """A service that answers after so many seconds is the one that batches use."""
    command = real.command(comparison.process(real.bridge[0], f"serve({seconds})"), [HERE])
    with subprocess.Popen(command, env=real.environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        os.environ["PHOTIO_ORIGIN"] = process.stdout.readline().strip()
        yield
        process.kill()


def _wait_for_bridges(folder: str) -> None:
    """Blocks until no process is left that writes into a folder: a bridge lives a little longer than its GIMP."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            while f"PHOTIO_JOURNAL={folder}/".encode() in (entry / "environ").read_bytes():
                time.sleep(0.1)


def report(what: str, figures: Figures, files: int) -> str:
    """The figures as lines, and how they compare."""
    units = {"rate": "files a minute", "memory": "MB", "start": "s"}
    lines = [f"{name:28}{figure:9.1f} {units[what]}" for name, figure in figures.items()]
    if what == "rate":
        once, one, two = figures.values()
        lines.append(f"{'batch / once per file':28}{one / once:9.1f} (target: 5)")
        lines.append(f"{'2 workers / 1':28}{two / one:9.1f} (target: 1.7, where two cores are free)")
    told = {
        "rate": f"A service of {SERVICE:g} s, {files} photographs of 10 MP",
        "memory": f"One worker with 4 files in flight, a service that answers at once, {files} photographs of 10 MP",
        "start": f"{files} planned files (target: the first request within 10 s)",
    }
    return "\n".join([told[what], *lines])
