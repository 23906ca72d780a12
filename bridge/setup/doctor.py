"""The installer's doctor: a table of what was found, what works, and how to correct the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple

from bridge.doctor import Check
from bridge.setup import contents, gimps
from bridge.setup.gimps import Gimp, Program, inside
from bridge.setup.plugin_folder import needs_repair
from bridge.setup.system import run

AGAIN = "run python3 install.py again"
FIRST_USE = "choose anything in Filters > Photio, or run python3 install.py"


def examine(found: Sequence[Gimp], programs: Sequence[Program]) -> list[Check]:
    """All rows of the table. Changes nothing."""
    if not found:
        return [Check("GIMP 3", "problem", "none", "install GIMP 3, or name its directory with --gimp-dir")]
    return [row for gimp in found for each in gimps.sharing(gimp, programs) for row in _rows(each, programs)]


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
    if contents.is_photio(gimp.folder):
        damaged, link = contents.damage(gimp.folder), contents.linked(gimp.folder)
        version = contents.version(gimp.folder)
        if damaged:
            yield Check("plug-in folder", "problem", f"{version}, missing or changed: {', '.join(damaged[:3])}", AGAIN)
        else:
            state = f"links to {link}" if link else "complete"
            yield Check("plug-in folder", "ok", f"{version}, {state}, {gimp.folder}")
        yield from _bridge(gimp, programs)
    elif needs_repair(gimp):
        yield Check("plug-in folder", "problem", "an install was interrupted", AGAIN)
    elif gimp.folder.exists():
        yield Check("plug-in folder", "problem", f"{gimp.folder} is not ours", f"move it away, then {AGAIN}")
    else:
        yield Check("plug-in folder", "problem", "not installed", "run python3 install.py")


def _bridge(gimp: Gimp, programs: Sequence[Program]) -> Iterator[Check]:
    """The Python of GIMP's plug-ins, and the bridge's own checks, made with its interpreter and in its sandbox."""
    python = gimps.plug_in_python(gimp, programs)
    if gimps.has_bindings(gimp, python):
        yield Check("GIMP's Python", "ok", python)
    else:
        found = f"{python} has no GIMP 3 bindings (gi): no menu appears"
        advice = (
            "start GIMP with a search path (PATH) in which the system's python3 comes first, without conda or pyenv"
        )
        yield Check("GIMP's Python", "problem", found, advice)
    python = gimps.setup_python(gimp, programs)
    outcome = run(inside(gimp, [python, "-I", "-B", str(gimp.folder / "bridge"), "setup", "--doctor"]), 120.0)
    try:
        # The exit status is ignored: it is 1 if there is a problem, which the checks describe.
        yield from (Check(**check) for check in json.loads(outcome.output)["checks"])
    except (ValueError, KeyError, TypeError):
        found = outcome.last_lines(1) or f"exit status {outcome.status}"
        yield Check("bridge", "problem", found, FIRST_USE)
