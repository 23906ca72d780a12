"""The installer's doctor: what was found, what works, and how to correct the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bridge.doctor import Check
from bridge.setup import contents
from bridge.setup.gimps import Gimp
from bridge.setup.system import run

_AGAIN = "run python3 install.py again"
_PATH = "start GIMP with a search path (PATH) in which the system's python3 comes first, without conda or pyenv"
_FIRST_USE = "choose anything in Filters > Photio, or run install.py"


def examine(found: Sequence[Gimp]) -> list[Check]:
    """All checks. Changes nothing."""
    if not found:
        return [Check("GIMP 3", "problem", "none", "install GIMP 3, or name its directory with --gimp-dir")]
    return [check for gimp in found for check in _checks(gimp)]


def _checks(gimp: Gimp) -> Iterator[Check]:
    if gimp.program:
        yield Check(gimp.name, "ok", f"{gimp.version}, {gimp.program}")
    else:
        yield Check(gimp.name, "warning", str(gimp.directory), "no such program on PATH; fine for an AppImage")
    if contents.is_photio(gimp.folder):
        version, link = contents.version(gimp.folder), contents.linked(gimp.folder)
        if damaged := contents.damage(gimp.folder):
            found = f"{version}, missing or changed: {', '.join(damaged[:3])}"
            yield Check("plug-in folder", "problem", found, _AGAIN)
        else:
            found = f"{version}, {f'links to {link}' if link else 'complete'}, {gimp.folder}"
            yield Check("plug-in folder", "ok", found)
        yield from _bridge(gimp)
    elif gimp.folder.exists():
        yield Check("plug-in folder", "problem", f"{gimp.folder} is not ours", f"move it away, then {_AGAIN}")
    else:
        yield Check("plug-in folder", "problem", "not installed", "run python3 install.py")


def _bridge(gimp: Gimp) -> Iterator[Check]:
    """The Python of GIMP's plug-ins, and the bridge's own checks, made with its interpreter and in its sandbox."""
    if gimp.has_bindings(gimp.python):
        yield Check("GIMP's Python", "ok", gimp.python)
    else:
        yield Check("GIMP's Python", "problem", f"{gimp.python} has no GIMP 3 bindings (gi): no menu appears", _PATH)
    command = [gimp.setup_python, "-I", "-B", str(gimp.folder / "bridge"), "setup", "--doctor"]
    outcome = run(gimp.inside(command), 120.0)
    try:
        # The exit status is ignored: it is 1 if there is a problem, which the checks describe.
        yield from (Check(**check) for check in json.loads(outcome.stdout)["checks"])
    except (ValueError, KeyError, TypeError):
        yield Check("bridge", "problem", outcome.stderr.strip() or f"exit status {outcome.returncode}", _FIRST_USE)
