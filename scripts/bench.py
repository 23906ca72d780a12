#!/usr/bin/env python3
"""How long Photio takes, inside a real GIMP, beside the floor and the plain way; everything but the service's time.

    bench.py [--quick | --all] [--runs N] [--release 3.0|3.2] [--json FILE] [--plot FILE] [ROW …]

Each row is an image: megapixels-precision-base-layers-compression, as in 24-u8-rgb-1-rle. A service that answers at
once, 600 × 400 px selected. In turns, so that a busy machine is busy for all of them:

    cold    photio-remove through the PDB: plug-in and bridge are started, and end
    warm    the same with the bridge already running, as with the window open
    sketch  a bare plug-in of two processes (`bench_sketch.py`) on the same bytes: what any plug-in must do; warm, too
    floor   the same bytes read, encoded, sent, decoded and written by the shortest code in one process
    plain   duplicate, flatten, export a PNG, load the answer: as most plug-ins do

Times are medians of so many runs, in seconds, with the least and the greatest. Only ratios can be compared between
machines. The images (8 GB with --all) are made once, in the user's cache directory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rootfs

import bench_report
import gimp

HERE = Path(__file__).resolve().parent
SKETCH = HERE / "bench_sketch.py"
SIZES = (1.5, 24, 96, 400)

#: A row is measured only where so many times its size is free.
_HEADROOM = 3.5

Row = dict[str, Any]


def row(megapixels: float, precision: str = "u8", base: str = "rgb", layers: int = 1, compression: str = "rle") -> Row:
    """One kind of image."""
    return {
        "megapixels": megapixels,
        "precision": precision,
        "base": base,
        "layers": layers,
        "compression": compression,
    }


def name_of(each: Row) -> str:
    """As it is printed, and as it is asked for."""
    megapixels, *rest = each.values()
    return "-".join([f"{megapixels:g}", *map(str, rest)])


def usual_rows() -> list[Row]:
    """Every size once, and at 24 MP every other thing that differs."""
    variants = [row(24, "float"), row(24, base="gray"), row(24, "float", "gray"), row(24, layers=30)]
    return [*map(row, SIZES), *variants, row(24, compression="zlib")]


def all_rows() -> list[Row]:
    """Everything with everything."""
    return [
        row(size, precision, base, layers, compression)
        for size in SIZES
        for precision in ("u8", "float")
        for base in ("rgb", "gray")
        for layers in (1, 30)
        for compression in ("rle", "zlib")
    ]


def _fits(each: Row) -> bool:
    """Whether GIMP can hold it here without swapping."""
    needed = each["megapixels"] * (4 if each["precision"] == "float" else 1) * (3 if each["base"] == "rgb" else 1)
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return needed * _HEADROOM < int(line.split()[1]) / 1024
    return True


def chosen_rows(asked: argparse.Namespace) -> list[Row]:
    """What is to be measured, and can be.

    Raises:
        SetupError: there is no such row.
    """
    rows = [row(24)] if asked.quick else all_rows() if asked.all else usual_rows()
    if asked.quick:
        rows.insert(0, row(1.5))
    if asked.rows:
        known = {name_of(each): each for each in all_rows()}
        if unknown := [name for name in asked.rows if name not in known]:
            raise rootfs.SetupError(f"There is no row {', '.join(unknown)}: one of {', '.join(known)}.")
        rows = [known[name] for name in asked.rows]
    for each in rows:
        if not _fits(each):
            print(f"{name_of(each)}: NOT MEASURED, too little memory is free", file=sys.stderr)
    return [each for each in rows if _fits(each)]


def measure(real: gimp.RealGimp, asked: argparse.Namespace) -> dict[str, Any]:
    """Runs everything; the results.

    Raises:
        SetupError: a part of it failed.
    """
    cache = rootfs.cache_directory() / "bench"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="photio-bench-", dir=cache) as scratch:
        results, order = Path(scratch) / "results.json", Path(scratch) / "order.json"
        told = {"rows": chosen_rows(asked), "runs": asked.runs, "plain_runs": 1 if asked.quick else asked.plain}
        order.write_text(json.dumps({**told, "cache": str(cache), "results": str(results)}))
        with _sketch_installed(real):
            if gimp.run_file(real, HERE / "bench_inside.py", [str(order)]):
                raise rootfs.SetupError("The benchmark inside GIMP failed; what it said is above.")
        found: dict[str, Any] = json.loads(results.read_text())
    found["offline"] = _offline(real, asked.runs)
    return {"release": real.release, "runs": asked.runs, **found}


@contextlib.contextmanager
def _sketch_installed(real: gimp.RealGimp) -> Iterator[None]:
    """GIMP knows the bare plug-in meanwhile."""
    folder = real.profile / "plug-ins" / SKETCH.stem
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / SKETCH.name
    link.unlink(missing_ok=True)
    link.symlink_to(SKETCH)
    try:
        yield
    finally:
        shutil.rmtree(folder)


def _offline(real: gimp.RealGimp, runs: int) -> dict[str, Any]:
    """The offline engine beside the bare library, under the bridge's own Python."""
    installed = json.loads((real.profile / "plug-ins" / "photio" / "install.json").read_text())
    command = [installed["python"], "-I", str(HERE / "bench_offline.py"), str(Path(installed["bridge"]).parent)]
    done = subprocess.run(
        real.command([*command, str(min(3, runs))], [HERE]),
        env=real.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise rootfs.SetupError("The benchmark of the offline engine failed; what it said is above.")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="1.5 and 24 MP only; below three minutes")
    extent.add_argument("--all", action="store_true", help="every combination; an hour and 8 GB of cache")
    parser.add_argument("--runs", type=int, help="of each way on each row; default: 7, or 3 with --quick")
    parser.add_argument("--plain", type=int, default=3, help="times to go the plain way, which is slow; default: 3")
    parser.add_argument("--release", choices=sorted(rootfs.SUITES), help="default: the machine's GIMP, else 3.0")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    parser.add_argument("--plot", type=Path, help="draw them there (SVG)")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    asked = parser.parse_args()
    asked.runs = asked.runs or (3 if asked.quick else 7)
    try:
        real = gimp.find(asked.release)
        real.install_plugin()
        os.environ["PHOTIO_HOME"] = str(real.home / "bench")  # nobody's results, settings or key
        for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
            os.environ.pop(name, None)
        results = measure(real, asked)
    except rootfs.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(bench_report.text(results))
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")
    if asked.plot:
        asked.plot.write_text(bench_report.plot(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
