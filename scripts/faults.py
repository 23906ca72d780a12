#!/usr/bin/env python3
"""Tries every known fault, prints `N faults tried, N survived` and writes docs/faults.md.

    faults.py [--release 3.0|3.2] [--no-gimp] [--no-soak]

A fault is survived if the message, the image, the received result and the number of requests are as tests/faults
demands, or if its test inside a real GIMP passes. Sets up what is missing, as scripts/test.py does.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faults import table
from faults.table import Row
from gimp import real_gimp, rootfs, surroundings
from gimp.real_gimp import CHECKOUT
from test import environment
from test.parts import Outcome, run
from test.parts import report as print_report

INSIDE = ["tests/gimp/test_faults.py", "tests/gimp/test_desktop.py", "tests/faults/inside/test_large.py"]


@dataclass(frozen=True)
class Part:
    """The outcome of one part of the faults."""

    outcome: Outcome
    rows: list[Row]


def outside(folder: Path, scratch: Path) -> Part:
    """The faults that need no GIMP: of the network, the answers, the disk, and crashes of the bridge."""
    rows, report = scratch / "rows.jsonl", scratch / "outside.xml"
    python = str(folder / "bin" / "python")
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/faults", "--ignore=tests/faults/inside"]
    outcome = run("faults outside GIMP", [*command, f"--junitxml={report}"], {"PHOTIO_FAULT_ROWS": str(rows)})
    told = table.rows_in(rows)
    return Part(outcome, told + _tests_without_rows(report))


def inside(release: str, folder: Path, scratch: Path, soak: bool) -> list[Part]:
    """The faults inside a real GIMP, and 200 jobs in a row."""
    real = real_gimp.find(release)
    real.install_plugin()
    parts = []
    for number, file in enumerate(INSIDE):
        report = scratch / f"inside-{number}.xml"
        run_pytest = CHECKOUT / "tests" / "gimp" / "run_pytest.py"
        command = _in_gimp(release, real.home / "faults", run_pytest, str(folder / "inside"))
        command += [
            "-q",
            f"--rootdir={CHECKOUT}",
            f"--confcutdir={(CHECKOUT / file).parent}",
            f"--junitxml={report}",
            str(CHECKOUT / file),
        ]
        outcome = run(f"GIMP {release}, {file}", command)
        parts.append(Part(outcome, _tests(report, "Inside GIMP")))
    if soak:
        jobs = CHECKOUT / "tests" / "faults" / "inside" / "soak.py"
        temporary = scratch / "tmp"  # of its own, for the soak counts what is left there
        temporary.mkdir()
        command = _in_gimp(release, real.home / "soak", jobs, str(folder / "inside"))
        outcome = run(f"GIMP {release}, 200 jobs", command, {"TMPDIR": str(temporary)})
        row = Row("200 jobs in a row, a tenth of them with a fault", "Inside GIMP", survived=outcome.green)
        parts.append(Part(outcome, [row]))
    return parts


def _in_gimp(release: str, home: Path, file: Path, *arguments: str) -> list[str]:
    script = [str(CHECKOUT / "scripts" / "gimp.py"), "--release", release, "run", "--home", str(home)]
    return [sys.executable, *script, str(file), *arguments]


def _tests(report: Path, group: str) -> list[Row]:
    """A row for each test of a report, named after the test."""
    if not report.exists():
        return [Row("(did not end)", group, survived=False)]
    rows = []
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is None:
            name = case.get("name", "").removeprefix("test_").replace("_", " ")
            failed = case.find("failure") is not None or case.find("error") is not None
            rows.append(Row(re.sub(r"\[(.*)\]", r" (\1)", name), group, survived=not failed))
    return rows


def _tests_without_rows(report: Path) -> list[Row]:
    """The tests about many faults at once, and every test that failed: the others have written a row themselves."""
    return [
        row
        for row in _tests(report, "In all")
        if not row.survived or ("(" not in row.fault and "server" not in row.fault and "is tried" not in row.fault)
    ]


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", choices=sorted(rootfs.SUITES), default="3.0", help="default: 3.0")
    parser.add_argument("--no-gimp", action="store_true", help="only what needs no GIMP; docs/faults.md stays")
    parser.add_argument("--no-soak", action="store_true", help="without the 200 jobs; docs/faults.md stays")
    asked = parser.parse_args()
    surroundings.enter(surroundings.NETWORK)
    try:
        folder = environment.directory()
        with tempfile.TemporaryDirectory(prefix="photio-faults-") as name, ThreadPoolExecutor() as pool:
            begun = [pool.submit(lambda: [outside(folder, Path(name))])]
            if not asked.no_gimp:
                begun.append(pool.submit(inside, asked.release, folder, Path(name), not asked.no_soak))
            parts = [part for future in begun for part in future.result()]
    except rootfs.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print_report([part.outcome for part in parts])
    rows = [row for part in parts for row in part.rows]
    if not (asked.no_gimp or asked.no_soak):
        (CHECKOUT / "docs" / "faults.md").write_text(table.document(rows), encoding="utf-8")
    survived = sum(row.survived for row in rows)
    for row in rows:
        if not row.survived:
            print(f"NOT SURVIVED: {row.group}: {row.fault}")
    print(f"\n{len(rows)} faults tried, {survived} survived")
    return 0 if survived == len(rows) and all(part.outcome.green for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
