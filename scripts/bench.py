#!/usr/bin/env python3
"""How long Photio takes inside a real GIMP, without the service's own time, compared with other ways.

    bench.py [--quick | --all] [--runs N] [--release 3.0|3.2] [--json FILE] [--plot FILE] [ROW …]
    bench.py [--runs FILES] [--release 3.0|3.2] [--json FILE] batch [rate] [memory] [start]
                                                          scripts/batch.py; see bench/many.py; default: all three

Each ROW is an image: megapixels-precision-base-layers-compression, as in 24-u8-rgb-1-rle. 600 × 400 px of it are
selected, and the service answers at once. The ways take turns, so that a busy machine slows all of them down:

    cold    photio-remove through the PDB: plug-in and bridge start, work and end
    warm    the same with a bridge that already runs, as it does while the window is open
    sketch  a bare plug-in of two processes on the same bytes: what every plug-in has to do; cold and warm
    floor   the shortest code in one process that reads, encodes, sends, decodes and writes the same bytes
    plain   duplicate, flatten, export a PNG, load the answer: as most plug-ins do

Times are medians in seconds, with the least and the greatest. Only ratios can be compared between machines. The images
(8 GB with --all) are made once, in the user's cache directory. bench/inside.py measures, bench/comparison.py holds what
Photio is compared with.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from math import log
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from gimp import real_gimp, rootfs, surroundings

PARTS = Path(__file__).resolve().parent / "bench"

SIZES = ("1.5", "24", "96", "400")

#: All rows: everything with everything.
KINDS = (("u8", "float"), ("rgb", "gray"), ("1", "30"), ("rle", "zlib"))
ALL = ["-".join(parts) for parts in itertools.product(SIZES, *KINDS)]

#: Every size once, and at 24 MP every other thing that differs.
USUAL = [f"{size}-u8-rgb-1-rle" for size in SIZES]
USUAL += ["24-float-rgb-1-rle", "24-u8-gray-1-rle", "24-float-gray-1-rle", "24-u8-rgb-30-rle", "24-u8-rgb-1-zlib"]
QUICK = USUAL[:2]

#: A row is measured only if this many times its size is free memory.
HEADROOM = 3.5

#: The ways, with their names and colours in the plot.
WAYS = {
    "cold": ("Photio, cold", "#c2185b"),
    "warm": ("Photio, window open", "#7b1fa2"),
    "sketch": ("a bare plug-in, cold", "#ef6c00"),
    "sketch, warm": ("a bare plug-in, warm", "#f9a825"),
    "floor": ("the floor", "#2e7d32"),
    "plain": ("the plain way", "#616161"),
}

#: Which ways the report compares.
RATIOS = (("cold", "sketch"), ("warm", "sketch, warm"), ("warm", "floor"), ("plain", "cold"), ("plain", "warm"))

#: Seconds of the sketch at 24 MP on the machine where the targets were set.
SKETCH_THERE = {"sketch": 0.31, "sketch, warm": 0.16}

#: Seconds that the service takes where several requests are measured.
SERVICE = 1.0

Results = dict[str, Any]


# Measuring.


def fits(row: str) -> bool:
    """Whether GIMP can hold the image of a row here without swapping."""
    megapixels, precision, base, *_rest = row.split("-")
    needed = float(megapixels) * (4 if precision == "float" else 1) * (3 if base == "rgb" else 1)
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return needed * HEADROOM < int(line.split()[1]) / 1024
    return True


def measure(real: real_gimp.RealGimp, rows: list[str], runs: int, plain_runs: int) -> Results:
    """Runs everything. Returns the results of `bench/inside.py` and, as "offline", those of `offline`.

    Raises:
        SetupError: a part of it failed.
    """
    cache = rootfs.cache_directory() / "bench"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="photio-bench-", dir=cache) as scratch, sketch_installed(real):
        order, results = Path(scratch) / "order.json", Path(scratch) / "results.json"
        order.write_text(json.dumps({"rows": rows, "runs": runs, "plain_runs": plain_runs, "cache": str(cache)}))
        if real_gimp.run_file(real, PARTS / "inside.py", [str(order), str(results)]):
            raise rootfs.SetupError("The benchmark inside GIMP failed; what it said is above.")
        found: Results = json.loads(results.read_text())
    return {"release": real.release, "runs": runs, **found, "offline": offline(real, min(3, runs))}


@contextlib.contextmanager
def sketch_installed(real: real_gimp.RealGimp) -> Iterator[None]:
    """GIMP has the sketch as a plug-in meanwhile. That file only imports, because Python caches only imported code."""
    folder = real.profile / "plug-ins" / "photio-bench-sketch"
    folder.mkdir(parents=True, exist_ok=True)
    plugin = folder / f"{folder.name}.py"
    path = f"import sys\nsys.path.insert(0, {str(PARTS)!r})"
    plugin.write_text(f"#!/usr/bin/env python3\n{path}\nimport comparison\ncomparison.plug_in()\n")
    plugin.chmod(0o755)
    try:
        yield
    finally:
        shutil.rmtree(folder)


def offline(real: real_gimp.RealGimp, runs: int) -> dict[str, list[float]]:
    """Seconds of each run of the offline engine ("server") and of the library alone ("bare").

    Raises:
        SetupError: it failed.
    """
    python, *_isolated, bridge = real.bridge
    command = [python, "-I", str(PARTS / "comparison.py"), str(Path(bridge).parent), str(runs)]
    done = subprocess.run(
        real.command(command, [PARTS]),
        env=real.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise rootfs.SetupError("The benchmark of the offline engine failed; what it said is above.")
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


# Targets. Machines differ, and the speed of a shared one changes from hour to hour. So each time is given twice: as
# measured, and converted to the machine where the targets were set, by how long the sketch took on both.


class Target(NamedTuple):
    """A target and the measured value.

    Attributes:
        what: its name.
        found: the measured value.
        limit: the greatest allowed value, or with `least` the smallest.
        unit: of both.
        speed: factor from this machine's seconds to those of the machine of the targets; None if it is not a time.
        service: seconds of it that the service takes, on every machine.
    """

    what: str
    found: float
    limit: float
    unit: str = "×"
    least: bool = False
    speed: float | None = None
    service: float = 0.0

    def line(self) -> str:
        """Name, limit, value, whether it is met here, and value and verdict for the machine of the targets."""
        there = ""
        if self.speed is not None:
            seconds = self.service + (self.found - self.service) * self.speed
            there = f"{seconds:.3f}  {self._met(seconds)}"
        limit = f"{'≥' if self.least else '≤'} {self.limit:g} {self.unit}"
        return f"{self.what:44}{limit:>12}{self.found:>9.3f}  {self._met(self.found):8}{there}"

    def _met(self, value: float) -> str:
        return "met" if (value >= self.limit if self.least else value <= self.limit) else "MISSED"


def targets(results: Results) -> Iterator[Target]:
    """The targets for which something was measured."""
    medians = {
        row["name"]: {way: median(times) for way, times in row["times"].items() if times} for row in results["rows"]
    }
    at = {size: medians[f"{size}-u8-rgb-1-rle"] for size in SIZES if f"{size}-u8-rgb-1-rle" in medians}
    speed = {way: there / at["24"][way] for way, there in SKETCH_THERE.items()} if "24" in at else {}
    if "24" in at:
        yield Target("cold, 24 MP", at["24"]["cold"], 0.45, "s", speed=speed["sketch"])
        yield Target("warm, 24 MP", at["24"]["warm"], 0.25, "s", speed=speed["sketch, warm"])
    if "400" in at and "1.5" in at:
        yield Target("400 MP beside 1.5 MP, cold", at["400"]["cold"] / at["1.5"]["cold"], 1.25)
    for size, factor in (("24", 8), ("96", 25)):
        if "plain" in at.get(size, {}):
            ratio = at[size]["plain"] / at[size]["cold"]
            yield Target(f"the plain way beside cold, {size} MP", ratio, factor, least=True)
    if medians:
        worst = max(row["warm"] / row["floor"] for row in medians.values())
        yield Target("warm beside the floor, the worst row", worst, 2.0)
        most = max(sum(row["memory"].values()) for row in results["rows"])
        yield Target("plug-in and bridge, the worst row", most, 250, "MB")
    yield from _targets_beside_rows(results, speed.get("sketch, warm"))


def _targets_beside_rows(results: Results, speed: float | None) -> Iterator[Target]:
    if waiting := results.get("waiting"):
        there = SKETCH_THERE["sketch"] / (median(waiting["sketch"]) - SERVICE)
        for name in ("variations=4", "eight islands"):
            what = f"{name}, cold, a service of {SERVICE:g} s"
            yield Target(what, median(waiting[name]), 1.5, "s", speed=there, service=SERVICE)
    if preview := results.get("preview"):
        yield Target("preview", median(preview), 0.05, "s", speed=speed)
    if engine := results.get("offline"):
        yield Target("offline engine", median(engine["server"]) / median(engine["bare"]), 1.15)


# What is shown.


def report(results: Results) -> str:
    """Everything that was found, as tables."""

    def spread(times: list[float]) -> str:
        return f"{median(times):.3f} ({min(times):.2f}–{max(times):.2f})" if times else "–"

    def ratio(times: dict[str, list[float]], one: str, other: str) -> str:
        return f"{median(times[one]) / median(times[other]):.2f}" if times[one] else "–"

    lines = [f"GIMP {results['release']}, medians of {results['runs']} runs (least–greatest), seconds", ""]
    lines.append(f"{'row':24}" + "".join(f"{way:>22}" for way in WAYS) + "  MB plug-in + bridge")
    for row in results["rows"]:
        times, memory = "".join(f"{spread(row['times'][way]):>22}" for way in WAYS), row["memory"]
        total = f"{memory['plug-in']:.0f} + {memory['bridge']:.0f} = {sum(memory.values()):.0f}"
        lines.append(f"{row['name']:24}{times}  {total}")
    lines += ["", f"{'ratios of medians':24}" + "".join(f"{f'{one} / {other}':>22}" for one, other in RATIOS)]
    for row in results["rows"]:
        lines.append(f"{row['name']:24}" + "".join(f"{ratio(row['times'], *pair):>22}" for pair in RATIOS))
    lines += ["", f"{'target':44}{'':>12}{'found':>9}  {'here':8}{'at the speed of the machine where it was set'}"]
    return "\n".join([*lines, *(target.line() for target in targets(results))])


# The plot: both axes logarithmic, one line for each way.

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 590, 30, 370
_MOST, _LEAST = 100.0, 0.05  # seconds
_LINE_HEIGHT = 15


def plot(results: Results) -> str:
    """An SVG: seconds over megapixels, of the flat 8-bit RGB rows."""
    rows = [row for row in results["rows"] if row["name"].endswith("-u8-rgb-1-rle")]
    sizes = [float(row["name"].partition("-")[0]) for row in rows]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        '<text x="70" y="20">Seconds from the call to the layer in its place, without the service’s own time</text>',
        *_grid(sizes),
    ]
    ends = []
    for way, (_name, ink) in WAYS.items():
        points = [(_x(size, sizes), row["times"][way]) for size, row in zip(sizes, rows, strict=True)]
        if known := [(x, times) for x, times in points if times]:
            parts += _line(ink, known)
            ends.append((known[-1][0], _y(median(known[-1][1])), way))
    return "\n".join([*parts, *_names(ends), "</svg>"]) + "\n"


def _x(size: float, sizes: list[float]) -> float:
    span = log(max(sizes) / min(sizes)) or 1
    return _LEFT + 20 + (_RIGHT - _LEFT - 40) * log(size / min(sizes)) / span


def _y(seconds: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * log(seconds / _LEAST) / log(_MOST / _LEAST)


def _grid(sizes: list[float]) -> list[str]:
    parts = []
    for seconds in (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50):
        y = _y(seconds)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{seconds:g}</text>')
    for size in sizes:
        parts.append(f'<text x="{_x(size, sizes):.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{size:g} MP</text>')
    return parts


def _line(ink: str, points: list[tuple[float, list[float]]]) -> list[str]:
    corners = [f"{x:.1f},{_y(median(times)):.1f}" for x, times in points]
    parts = [f'<polyline points="{" ".join(corners)}" fill="none" stroke="{ink}" stroke-width="2"/>']
    for x, times in points:
        parts.append(f'<path d="M{x:.1f} {_y(max(times)):.1f}V{_y(min(times)):.1f}" stroke="{ink}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{_y(median(times)):.1f}" r="4" fill="{ink}"/>')
    return parts


def _names(ends: list[tuple[float, float, str]]) -> list[str]:
    """What each line is called, beside its end; names that would lie over each other are moved down."""
    parts, above = [], 0.0
    for x, y, way in sorted(ends, key=lambda end: end[1]):
        name, ink = WAYS[way]
        above = max(y, above + _LINE_HEIGHT)
        parts.append(f'<text x="{x + 14:.1f}" y="{above + 4:.1f}" fill="{ink}">{name}</text>')
    return parts


# The command line.


def chosen_rows(asked: argparse.Namespace) -> list[str]:
    """The rows to measure, without those that do not fit into memory.

    Raises:
        SetupError: there is no such row.
    """
    if unknown := [row for row in asked.rows if row not in ALL]:
        raise rootfs.SetupError(f"There is no row {', '.join(unknown)}: one of {', '.join(ALL)}.")
    rows = asked.rows or (QUICK if asked.quick else ALL if asked.all else USUAL)
    for row in rows:
        if not fits(row):
            print(f"{row}: NOT MEASURED, too little memory is free", file=sys.stderr)
    return [row for row in rows if fits(row)]


def batches(asked: argparse.Namespace) -> int:
    """Measures batches; raises as `measure`."""
    sys.path.append(str(PARTS))
    import many  # needs the batches' GIMP, which nothing else here does

    wanted = asked.rows[1:] or list(many.FILES)
    if unknown := [what for what in wanted if what not in many.FILES]:
        raise rootfs.SetupError(f"Of batches, {unknown[0]} cannot be measured: one of {', '.join(many.FILES)}.")
    found = {}
    for what in wanted:
        files = asked.runs or many.FILES[what]
        found[what] = many.measure(what, asked.release, files)
        print(many.report(what, found[what], files), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="1.5 and 24 MP only; below three minutes")
    extent.add_argument("--all", action="store_true", help="every combination; an hour and 8 GB of cache")
    parser.add_argument("--runs", type=int, help="of each way (default: 7, or 3 with --quick); files of each batch")
    parser.add_argument("--plain", type=int, default=3, help="times to go the plain way, which is slow; default: 3")
    parser.add_argument("--release", choices=sorted(rootfs.SUITES), help="default: the machine's GIMP, else 3.0")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    parser.add_argument("--plot", type=Path, help="draw them there (SVG)")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    asked = parser.parse_args()
    surroundings.enter(surroundings.NETWORK)
    try:
        if asked.rows[:1] == ["batch"]:
            return batches(asked)
        asked.runs = asked.runs or (3 if asked.quick else 7)
        real = real_gimp.find(asked.release)
        real.install_plugin()
        os.environ["PHOTIO_HOME"] = str(real.home / "bench")  # nobody's results, settings or key
        results = measure(real, chosen_rows(asked), asked.runs, 1 if asked.quick else asked.plain)
    except rootfs.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(report(results))
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")
    if asked.plot:
        asked.plot.write_text(plot(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
