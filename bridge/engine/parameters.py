"""Parses and checks the Regen API's request variables for the offline engine. Standard library only."""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import dataclass
from typing import Any

from bridge.common.i18n import _
from bridge.engine import RequestRefused

#: The names of the fill models, the default first.
MODELS = ("texture", "patchmatch", "migan")

QUALITIES = ("LOW", "MIDDLE", "HIGH")
LARGEST_SEED = 4_294_967_296

#: The limit for values in a request's JSON, which needs seven. Each takes up to 25 times its size in memory.
_MOST_VALUES = 10_000

PROMPT_NEEDS_KEY = _(
    "The offline engine can only remove; to add what a prompt describes, get a Photio API key "
    "from the API Dashboard at photio.io, or leave the prompt empty."
)


@dataclass(frozen=True)
class Parameters:
    """A checked request. The images are Base64, bare or in a data URI; `seed` is never −1."""

    base_image: str
    mask_image: str
    seed: int


def parse(body: bytes) -> Parameters:
    """Parse a request's JSON and check it against the Regen API's table. A null variable counts as absent.

    `negative_prompt`, `quality` and `cfg_scale` are checked but not used: the models have no such parameters.

    Raises:
        RequestRefused: 400 naming the variable, or 422 for a prompt.
    """
    variables = _variables(body)
    prompt = _text(variables, "prompt", "")
    _text(variables, "negative_prompt", "")
    if _text(variables, "quality", "LOW") not in QUALITIES:
        raise RequestRefused(400, 'quality has to be "LOW", "MIDDLE" or "HIGH".')
    seed, scale = variables.get("seed", -1), variables.get("cfg_scale", 2.5)
    if type(seed) is not int or not (seed == -1 or 1 <= seed <= LARGEST_SEED):
        raise RequestRefused(400, f"seed has to be -1 or an integer from 1 to {LARGEST_SEED}.")
    # Compared without conversion: JSON allows integers that no float can hold.
    if type(scale) not in (int, float) or not 0 <= scale < math.inf:
        raise RequestRefused(400, "cfg_scale has to be a number that is not negative.")
    base, mask = (_image(variables, name) for name in ("base_image", "mask_image"))
    if prompt.strip():
        raise RequestRefused(422, PROMPT_NEEDS_KEY)
    return Parameters(base, mask, seed if seed > 0 else secrets.randbelow(LARGEST_SEED) + 1)


def _variables(body: bytes) -> dict[str, Any]:
    if sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise RequestRefused(400, "The request's body has more values than any request.")
    try:
        variables = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(400, "The request's body is not valid JSON.", repr(error)) from error
    if not isinstance(variables, dict):
        raise RequestRefused(400, "The request's body has to be a JSON object.")
    return {name: value for name, value in variables.items() if value is not None}


def _text(variables: dict[str, Any], name: str, default: str) -> str:
    value = variables.get(name, default)
    if not isinstance(value, str):
        raise RequestRefused(400, f"{name} has to be a string.")
    return value


def _image(variables: dict[str, Any], name: str) -> str:
    value = _text(variables, name, "").strip()
    if not value:
        raise RequestRefused(400, f"{name} is missing: send an image in Base64.")
    if value[:8].lower().startswith(("http://", "https://")):
        sentence = f"{name} is a URL, and the offline engine fetches nothing from the network; send it in Base64."
        raise RequestRefused(400, sentence)
    return value
