#!/usr/bin/env python3
"""Measures how faithful a repair is on photographs: its colours, detail and grain, and the offline engine's pictures.

    fidelity.py [--photos DIR] [--quick] [--only colour|detail|grain|offline] [--kept FILE] [--strips FOLDER]
    fidelity.py --cost

DIR holds photographs (*.jpg, *.jpeg, *.png; not NAME-object.png, which are masks). Without it the script takes the
repository's own and, if they exist, those of ../shared/photos. --quick: fewer parts, and one seed for the offline
engine. --kept: the offline engine's results are added to FILE, and those in it are not measured again; all of them take
an hour. --strips: only writes pictures at 100 % into FOLDER: of real removals, or with --only detail of large repairs.
--cost: only the seconds that the engine Texture and matching detail take. The exit status is 0 if all targets are met.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gimp import surroundings
from test import environment

CHECKOUT = Path(__file__).resolve().parent.parent
SUFFIXES = {".jpg", ".jpeg", ".png"}

#: Smallest number of rows in the tables of colour and grain.
LEAST_ROWS = 6
#: Reductions of the colours' mean absolute error: on a ring around the repair, inside, and inside without a filter.
COLOUR_TARGETS = (80.0, 80.0, 60.0)
#: High-frequency energy inside / around.
GRAIN_TARGET = (0.8, 1.25)
#: px: the ring's width, and the Gaussian under which colours are compared.
RING, SMOOTHING = 48, 4.0
#: Levels, standard deviation of the high frequencies: below it there is no grain to match.
NO_GRAIN = 0.35


class Row(NamedTuple):
    """A line of a table, and whether it meets its targets."""

    cells: list[str]
    met: bool


def photographs(folder: Path | None) -> list[Path]:
    """The photographs to measure on, by name."""
    folders = [folder] if folder else [CHECKOUT / "scripts" / "photos", CHECKOUT.parent / "shared" / "photos"]
    found: dict[str, Path] = {}
    for place in folders:
        for path in sorted(place.glob("*")):
            if path.suffix.lower() in SUFFIXES and not path.stem.endswith("-object"):
                found.setdefault(path.name, path)
    return [found[name] for name in sorted(found)]


def colour_rows(paths: list[Path], quick: bool) -> Iterator[Row]:
    """Colours with matching off and on, against the photograph itself."""
    import numpy as np

    from bridge.pixels.match_colour import match_colour
    from fidelity import scenes
    from fidelity.measures import blurred, difference

    with scenes.service(scenes.shifted) as client:
        for scene in scenes.colour_scenes(paths, LEAST_ROWS if quick else 3 * LEAST_ROWS):
            came = scenes.exchange(client, scene)
            # scaling loses details that the service cannot keep, so the truth is the photograph scaled in the same way
            truth = scenes.on_canvas(came.sent.astype(np.float32), scene)
            off = scenes.on_canvas(came.answer.astype(np.float32), scene)
            on = scenes.on_canvas(match_colour(came.sent, came.answer, came.edited), scene)
            ring = scenes.ellipse(*scene.edited.shape, grown=RING) & ~scene.edited
            smooth = [blurred(picture, SMOOTHING) for picture in (truth, off, on)]
            errors = [
                (difference(smooth[1], smooth[0], where), difference(smooth[2], smooth[0], where))
                for where in (ring, scene.edited)
            ]
            errors.append((difference(off, truth, scene.edited), difference(on, truth, scene.edited)))
            gains = [100 * (1 - after / before) for before, after in errors]
            numbers = [f"{value:.2f}" for pair in errors for value in pair]
            cells = [cell for i, gain in enumerate(gains) for cell in (*numbers[2 * i : 2 * i + 2], f"−{gain:.1f} %")]
            met = all(gain >= target for gain, target in zip(gains, COLOUR_TARGETS, strict=True))
            yield Row([scene.photograph, scene.part, f"{scene.crop.scale:.2f}", *cells], met)


def grain_rows(paths: list[Path], quick: bool) -> Iterator[Row]:
    """High-frequency energy inside / around, with matching off and on."""
    import numpy as np

    from bridge.job.crop_work import GRAIN_KEPT
    from bridge.pixels.match_colour import match_colour
    from bridge.pixels.match_grain import grain_around, kept_grain, match_grain
    from fidelity import scenes

    for distortion in (scenes.gaussian, scenes.median):
        with scenes.service(distortion) as client:
            for scene in scenes.grain_scenes(paths, LEAST_ROWS if quick else 2 * LEAST_ROWS):
                came = scenes.exchange(client, scene)
                off = scenes.on_canvas(match_colour(came.sent, came.answer, came.edited), scene)
                lost = kept_grain(off, scene.pixels, scene.edited) < GRAIN_KEPT
                around = grain_around(scene.pixels, scene.edited) if lost else None
                on = match_grain(off, scene.edited, around, seed=1) if around else off
                ratios, level = [], 0.0
                for picture in (scene.pixels, off, on):
                    whole = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
                    placed = np.where(scene.edited[..., None], whole, scene.pixels)
                    ratio, level = scenes.grain_ratio(placed, scene)
                    ratios.append(ratio)
                grainy = level >= NO_GRAIN
                met = not grainy or GRAIN_TARGET[0] <= ratios[2] <= GRAIN_TARGET[1]
                name = distortion.__name__ + ("" if grainy else " (no grain to match)")
                cells = [f"{level:.2f}", *(f"{ratio:.2f}" for ratio in ratios)]
                yield Row([scene.photograph, scene.part, f"{scene.crop.scale:.2f}", name, *cells], met)


def offline_rows(paths: list[Path], quick: bool, kept: Path | None = None) -> Iterator[Row]:
    """The offline engine's models, compared with the default one."""
    from fidelity import offline

    notes: list[str] = []
    for cells in offline.rows(paths, notes, kept, quick):
        yield Row(cells, True)
    for note in notes:
        print(note, flush=True)


def detail_rows(paths: list[Path], quick: bool) -> Iterator[Row]:
    """Answers that were scaled up, with detail matching off and on."""
    from fidelity import detail

    notes: list[str] = []
    for cells in detail.rows(paths, notes, quick):
        yield Row(cells, cells[0] != "MEAN" or not float(cells[-1]) >= float(cells[-2]))  # NaN: not measured
    for note in notes:
        print(note, flush=True)


def write_strips(paths: list[Path], folder: Path, of_detail: bool) -> int:
    """Pictures of real removals, or of large repairs. Returns the exit status."""
    from fidelity import detail
    from fidelity.strips import strips

    notes: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)
    for line in (detail.strips if of_detail else strips)(paths, folder, notes):
        print(line, flush=True)
    print("\n".join(notes), end="")
    return 0


class Table(NamedTuple):
    """A table: its heading, the names of its columns, and the function that makes its rows."""

    heading: str
    columns: list[str]
    rows: Callable[[list[Path], bool], Iterator[Row]]


TABLES = {
    "colour": Table(
        "Colour. The service: blur 0.7 px, gain 1.05, +6 levels. Mean absolute error in levels, matching off → on, "
        f"against the\nphotograph: under a Gaussian of 4 px on a ring of {RING} px and inside, then inside unfiltered. "
        "Targets: −80 %, −80 %, −60 %.",
        ["photograph", "part", "scale", "ring off", "on", "", "inside off", "on", "", "unfiltered off", "on", ""],
        colour_rows,
    ),
    "detail": Table(
        "Detail. Regions of 2560 × 2160 px that were sent at 1024 × 864, and of which an ellipse is repaired. The "
        "service returns\nwhat it got, or softer. “softness” is how many times softer than its px the answer was found "
        "to be. PSNR in dB: more is\nbetter; LPIPS (shift-tolerant, AlexNet): less is better. Target: less on average "
        "with matching on.",
        ["photograph", "part", "service", "softness", "PSNR off", "on", "LPIPS off", "on"],
        detail_rows,
    ),
    "grain": Table(
        "Grain. The service denoises. High-frequency energy inside / around in flat tiles: in the photograph itself, "
        "matching off, on.\n“noise” is the standard deviation around, in levels. Target: 0.8–1.25 with matching on. "
        "“on film”: noise of 4 levels added first.",
        ["photograph", "part", "scale", "service", "noise", "photograph", "off", "on"],
        grain_rows,
    ),
    "offline": Table(
        "Offline engine, in object-like holes of which the truth is known, in squares of 512 × 512 px; means of all "
        "seeds.\nPSNR in dB and SSIM: more is better; LPIPS (shift-tolerant, AlexNet): less is better. “less” is the "
        "default's LPIPS minus this\nmodel's, over the holes, with its standard error, and “better” in how many the "
        "default has less.",
        ["size", "model", "holes", "PSNR", "SSIM", "LPIPS", "seconds", "processor", "MB", "less", "better"],
        offline_rows,
    ),
}


def print_table(table: Table, paths: list[Path], quick: bool) -> int:
    """Prints the table. Returns how many rows miss their targets."""
    print(f"\n{table.heading}\n", flush=True)
    rows = list(table.rows(paths, quick))
    lines = [table.columns, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.columns))]
    for line, row in zip(lines, [None, *rows], strict=True):
        text = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        text[:2] = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
        print("  ".join(text) + ("  MISSED" if row and not row.met else ""))
    return sum(not row.met for row in rows)


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, metavar="DIR")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=sorted(TABLES))
    parser.add_argument("--kept", type=Path, metavar="FILE")
    parser.add_argument("--strips", type=Path, metavar="FOLDER")
    parser.add_argument("--cost", action="store_true")
    asked = parser.parse_args()
    surroundings.enter(surroundings.NETWORK)
    sys.path.insert(0, str(CHECKOUT))
    environment.require("numpy", "PIL", "requests")
    paths = photographs(asked.photos)
    if not paths:
        print("There is no photograph to measure on.", file=sys.stderr)
        return 1
    if asked.cost:
        from fidelity import detail, strips

        for sentence in (*strips.cost(paths), *detail.cost(paths[-1])):
            print(sentence, flush=True)
        return 0
    if asked.strips:
        return write_strips(paths, asked.strips, asked.only == "detail")
    print("$ " + shlex.join(["python3", *sys.argv]))
    print(f"{len(paths)} photographs: " + ", ".join(path.stem for path in paths))
    if len(paths) < LEAST_ROWS:
        print(f"That is fewer than {LEAST_ROWS}: give more with --photos.")
    tables = {**TABLES, "offline": TABLES["offline"]._replace(rows=partial(offline_rows, kept=asked.kept))}
    names = [asked.only] if asked.only else list(TABLES)
    missed = {name: print_table(tables[name], paths, asked.quick) for name in names}
    print()
    for name, count in missed.items():
        if name != "offline":  # it has no targets
            print(f"{name}: {'all targets met' if not count else f'{count} rows miss their targets'}")
    return 1 if any(missed.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
