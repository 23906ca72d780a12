"""How Photio made a layer, read from the layer's parasite (docs/provenance.md). The data may come from anybody."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from typing import Any

#: The only known format.
FORMAT = 1

#: The longest provenance that is read, bytes.
LONGEST_PROVENANCE = 64 << 10

LARGEST_NUMBER = 1 << 53


class ProvenanceError(Exception):
    """A sentence that says why a layer's provenance cannot be shown; the layer itself can."""


def printable(text: str) -> str:
    """The text without control and direction characters, which could change a terminal. Line breaks become spaces."""
    return "".join(" " if letter in "\n\r\t" else letter for letter in text if _harmless(letter))


def _harmless(letter: str) -> bool:
    if letter in "\n\r\t\u200c\u200d":  # Persian, Hindi and family emoji need the joiners
        return True
    return unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _whole(value: Any) -> bool:
    return _number(value) and isinstance(value, int)


def _crops(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(crop, dict)
        and all(
            isinstance(crop.get(name), list) and len(crop[name]) == count and all(map(_whole, crop[name]))
            for name, count in _CROP.items()
        )
        for crop in value
    )


_CROP = {"box": 4, "padding": 4, "size": 2}

#: The fields of format 1, in the order in which they are shown. Any may be absent.
FIELDS: dict[str, Callable[[Any], bool]] = {
    "format": _whole,
    "plugin": _text,
    "job": _text,
    "variation": _whole,
    "time": _text,
    "engine": _text,
    "prompt": _text,
    "negative_prompt": _text,
    "quality": _text,
    "seed": _whole,
    "cfg_scale": _number,
    "variations": _whole,
    "sample": _text,
    "source": _whole,
    "context": _number,
    "grow": _number,
    "feather": _number,
    "fill_transparent": _flag,
    "areas": _text,
    "resolution": _text,
    "match_colour": _flag,
    "match_detail": _flag,
    "match_grain": _flag,
    "spill": _number,
    "spill_unit": _text,
    "crops": _crops,
}


def provenance(data: bytes) -> dict[str, Any]:
    """The known fields of a parasite `photio-regen`.

    Raises:
        ProvenanceError: it is too long, no JSON, of a format that is not known, or a field is of the wrong kind.
    """
    if len(data) > LONGEST_PROVENANCE:
        raise ProvenanceError(f"the provenance is longer than {LONGEST_PROVENANCE >> 10} kB")
    try:
        fields = json.loads(data.rstrip(b"\0").decode())
    except (ValueError, RecursionError) as error:
        raise ProvenanceError("the provenance is no valid JSON") from error
    if not isinstance(fields, dict) or not _whole(fields.get("format")):
        raise ProvenanceError("the provenance is none of Photio's: it has no format")
    if fields["format"] != FORMAT:
        raise ProvenanceError(f"the provenance is of format {fields['format']}: only {FORMAT} is known here")
    known = {name: fields[name] for name in FIELDS if name in fields}
    for name, value in known.items():
        if not FIELDS[name](value):
            raise ProvenanceError(f"the provenance's field {name} is not what it should be")
        if isinstance(value, str):
            known[name] = printable(value)
    if "crops" in known:
        known["crops"] = [{name: crop[name] for name in _CROP} for crop in known["crops"]]
    return known
