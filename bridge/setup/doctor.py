"""The installer's doctor: a table of what was found, what works, and how to correct the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple

from bridge.doctor import Check
from bridge.setup.environment import probe
from bridge.setup.gimps import Gimp, Program, inside
from bridge.setup.plugin_folder import Manifest, damage, needs_repair, read_manifest
from bridge.setup.system import SetupError, run

AGAIN = "run python3 install.py again"


def ask_bridge(gimp: Gimp, manifest: Manifest) -> list[Check]:
    """The installed bridge's own checks, made with its interpreter and in its sandbox.

    Raises `SetupError` if it does not run, or its output is no list of checks.
    """
    outcome = run(inside(gimp, manifest.command("doctor", "--json")), 120.0)
    try:
        # The exit status is ignored: it is 1 if there is a problem, which the checks describe.
        return [Check(**check) for check in json.loads(outcome.output)["checks"]]
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"The bridge does not run under {manifest.python}; {AGAIN}, and if that does not help, "
            "name another interpreter with --python.",
            outcome.last_lines() or f"exit status {outcome.status}, {error}",
        ) from error


def prove(gimp: Gimp, manifest: Manifest) -> None:
    """Runs the installed bridge once. Raises `SetupError` if it does not run or reports a problem."""
    problems = [row for row in ask_bridge(gimp, manifest) if row.state == "problem"]
    if problems:
        details = "\n".join(f"{row.name}: {row.found}" for row in problems)
        raise SetupError(f"The bridge cannot work here yet: {problems[0].advice}.", details)


def examine(gimps: Sequence[Gimp], programs: Sequence[Program]) -> list[Check]:
    """All rows of the table. Changes nothing."""
    if not gimps:
        return [Check("GIMP 3", "problem", "none", "install GIMP 3, or name its directory with --gimp-dir")]
    return [row for gimp in gimps for row in _rows(gimp, programs)]


def table(rows: Sequence[Check]) -> str:
    """The rows in aligned columns below a heading. Line breaks in cells become spaces."""
    cells = [("what", "state", "found", "what to do"), *map(astuple, rows)]
    lines = [[" ".join(cell.split()) for cell in line] for line in cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _rows(gimp: Gimp, programs: Sequence[Program]) -> Iterator[Check]:
    matching = [program for program in programs if program.kind == gimp.kind and program.release == gimp.directory.name]
    if matching:
        yield Check(gimp.name, "ok", f"{matching[0].version}, {matching[0].path}")
    else:
        yield Check(gimp.name, "warning", str(gimp.directory), "no such program on PATH; fine for an AppImage")
    manifest = read_manifest(gimp.folder)
    if manifest:
        damaged = damage(gimp.folder, manifest)
        if damaged:
            found = f"{manifest.version}, missing or changed: {', '.join(damaged[:3])}"
            yield Check("plug-in folder", "problem", found, AGAIN)
        else:
            kind = f"links to {manifest.linked}" if manifest.linked else "complete"
            yield Check("plug-in folder", "ok", f"{manifest.version}, {kind}, {gimp.folder}")
        yield from _bridge(gimp, manifest)
    elif needs_repair(gimp):
        yield Check("plug-in folder", "problem", "an install was interrupted", AGAIN)
    elif gimp.folder.exists():
        yield Check("plug-in folder", "problem", f"{gimp.folder} is not ours", f"move it away, then {AGAIN}")
    else:
        yield Check("plug-in folder", "problem", "not installed", "run python3 install.py")


def _bridge(gimp: Gimp, manifest: Manifest) -> Iterator[Check]:
    interpreter = probe(inside(gimp, [manifest.python]))
    if interpreter is None:
        yield Check("interpreter", "problem", f"{manifest.python} does not run", AGAIN)
        return
    yield Check("interpreter", "ok", f"{interpreter.version}, {interpreter.path}")
    try:
        yield from ask_bridge(gimp, manifest)
    except SetupError as error:
        yield Check("bridge", "problem", (error.details or error.sentence).splitlines()[-1], AGAIN)
