"""The parameters of all files: as options, and as a preset in JSON. They have the names that GIMP's procedures use."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batch.plan import PlanError
from bridge.commands.regen_options import length
from bridge.protocol import Job, ProtocolError

#: As in `bridge.regen.request`, which needs numpy.
_NEGATIVE_PROMPT = "worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch"


@dataclass(frozen=True)
class _Parameter:
    name: str
    kind: Callable[[str], Any]
    default: Any
    help: str


_PARAMETERS = (
    _Parameter("prompt", str, "", "what to add, in English (default: remove what is there)"),
    _Parameter("negative-prompt", str, _NEGATIVE_PROMPT, "what to avoid (default: the service's own text)"),
    _Parameter("quality", str.upper, "LOW", "LOW (default), MIDDLE or HIGH"),
    _Parameter("seed", int, -1, "1 to 4294967296, the same for all files, or -1 (default) to draw one for each"),
    _Parameter("cfg-scale", float, 2.5, "how closely to follow the prompt (default 2.5)"),
    _Parameter("variations", int, 1, "how many results for each file, 1 (default) to 8; each is paid for"),
    _Parameter("sample", str, "visible", "visible (default): the picture as it looks; layer, below: the selected one"),
    _Parameter("context", int, 50, "surroundings to show, in %% of the area's longer side (default 50)"),
    _Parameter("grow", int, -1, "px, or -1 (default): by the size of the area"),
    _Parameter("feather", int, -1, "px, or -1 (default): by the size of the area"),
    _Parameter("spill", length, (-1, "px"), "8, 8px or 10%%; -1 (default): a little with a prompt, else 0"),
    _Parameter("areas", str, "auto", "auto (default), together or separate: how distant parts are sent"),
    _Parameter("resolution", str, "recommended", "recommended (default) or native: the size that is sent"),
    _Parameter("engine", str, "auto", "auto (default), photio or offline"),
)

_SWITCHES = {
    "fill-transparent": (False, "regenerate what is transparent: in all of the picture, if no mask is given"),
    "match-colour": (True, "undo changes of colours around the result (default: yes)"),
    "match-grain": (True, "give the result the noise of its surroundings (default: yes)"),
}


def add_options(group: argparse._ArgumentGroup) -> None:
    """Declares the options. Those that are not given are None."""
    group.add_argument("--preset", type=Path, metavar="FILE", help="JSON with these names; options come before it")
    for each in _PARAMETERS:
        group.add_argument(f"--{each.name}", type=each.kind, default=None, help=each.help)
    for name, (_default, summary) in _SWITCHES.items():
        group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=summary)


def job_of(asked: argparse.Namespace) -> dict[str, Any]:
    """The fields of `bridge.protocol.Job`, except `source`.

    Raises:
        PlanError: the preset cannot be used, or a value is out of range.
    """
    defaults = {each.name: each.default for each in _PARAMETERS}
    defaults |= {name: default for name, (default, _summary) in _SWITCHES.items()}
    given = {name: getattr(asked, name.replace("-", "_")) for name in defaults}
    values = {
        **defaults,
        **(_preset(asked.preset, defaults) if asked.preset else {}),
        **{name: value for name, value in given.items() if value is not None},
    }
    values["context"] = float(values["context"])
    values["spill"], values["spill-unit"] = values["spill"]
    fields = {name.replace("-", "_"): value for name, value in values.items()}
    try:
        Job(**fields, source=0)
    except ProtocolError as error:
        raise PlanError(f"These parameters cannot be used: {error}.") from error
    return fields


def _preset(file: Path, defaults: dict[str, Any]) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PlanError(f"The preset {file} cannot be read ({error}): give a file with a JSON object.") from error
    if not isinstance(found, dict):
        raise PlanError(f"The preset {file} is no JSON object: write {{“prompt”: …}}.")
    for name, value in found.items():
        if name not in defaults:
            raise PlanError(f"The preset {file} has the name “{name}”: known are {', '.join(defaults)}.")
        if name == "spill":
            try:
                found[name] = length(str(value))
            except ValueError as error:
                raise PlanError(f"The preset {file} has “{value}” as spill: 8, “8px” or “10%” is expected.") from error
        elif type(value) is not type(defaults[name]) and not _is_number_for(value, defaults[name]):
            kind = type(defaults[name]).__name__
            raise PlanError(f"The preset {file} has “{value}” as {name}: a value of type {kind} is expected.")
    return found


def _is_number_for(value: object, default: object) -> bool:
    """Whether a whole number stands for one with decimals."""
    return type(value) is int and type(default) is float
