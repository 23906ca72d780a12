"""Converts messages to lines of JSON and back. Input is untrusted: all types are checked."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import math
import re
import types
import typing
from typing import Any, NamedTuple

from bridge.protocol.values import LONGEST_PROVENANCE, Job, Message, ProtocolError

#: bytes; a longer line is an error.
LONGEST_LINE = 1 << 20

#: The largest number of a question: every JSON parser reads integers up to this exactly.
LARGEST_QUESTION = (1 << 53) - 1

#: The modules that define messages, loaded on demand in this order: a job needs only the first.
_MODULES = ("jobs", "history", "settings")

_SURROGATE = re.compile("[\ud800-\udfff]")  # cannot be encoded

_type_hints = functools.cache(typing.get_type_hints)  # it is slow


class Said(NamedTuple):
    """One line's message, and the number of the question that it is or answers."""

    question: int
    message: Message


def encode(message: Message, question: int) -> bytes:
    """The message as one line of UTF-8 JSON, newline included.

    Args:
        question: the number of the message, or of the question that it answers; from 1.
    """
    fields = {"type": type(message).__name__.lower(), "question": question, **dataclasses.asdict(message)}
    return json.dumps(fields, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def decode(line: bytes | str) -> Said:
    """The message in one line, and its number.

    Raises:
        ProtocolError: the line is not a message, has no number, or has a missing, unknown or mistyped field.
    """
    fields = _parsed(line)
    if not isinstance(fields, dict):
        raise ProtocolError("not a message: no object")
    kind, question = _kind(fields.pop("type", None)), fields.pop("question", None)
    if type(question) is not int or not 1 <= question <= LARGEST_QUESTION:
        raise ProtocolError(f"question: 1 to {LARGEST_QUESTION} expected")
    return Said(question, from_json(kind, fields, kind.__name__))


def _kind(name: object) -> type[Message]:
    for module in _MODULES:
        importlib.import_module(f"bridge.protocol.{module}")
        for kind in Message.__subclasses__():
            if kind.__name__.lower() == name:
                return kind
    raise ProtocolError("not a message: no known type")


def from_json(kind: Any, value: Any, name: str) -> Any:
    """Convert `value` (parsed JSON) to `kind`: a dataclass, tuple, `X | None` or plain type.

    The result can be encoded again: numbers are finite, and text has no unpaired surrogates.

    Raises:
        ProtocolError: the value is of another type; the error starts with `name`.
    """
    if dataclasses.is_dataclass(kind):
        return _dataclass_from_json(kind, value, name)
    if typing.get_origin(kind) is tuple:
        return _tuple_from_json(typing.get_args(kind), value, name)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        chosen = next(option for option in typing.get_args(kind) if option is not type(None))
        return None if value is None else from_json(chosen, value, name)
    if kind is float and type(value) is int and abs(value) < 1 << 53:
        return float(value)
    if type(value) is not kind:  # exactly: a bool is not an int here
        raise ProtocolError(f"{name}: {kind.__name__} expected")
    if (kind is float and not math.isfinite(value)) or (kind is str and _SURROGATE.search(value)):
        raise ProtocolError(f"{name}: JSON allows it, but it cannot be written")  # 1e999, "\\ud800"
    return value


def job_again(provenance: bytes | str) -> Job:
    """The job in a layer's provenance, with a new random seed.

    The text may come from someone else's file: it is untrusted.

    Raises:
        ProtocolError: it is not a provenance of format 1.
    """
    if len(provenance) > LONGEST_PROVENANCE:  # parsing takes up to 25 times its size in memory
        raise ProtocolError("longer than any provenance")
    known = _parsed(provenance)
    if not isinstance(known, dict) or known.get("format") != 1:
        raise ProtocolError("not a provenance of format 1")
    fields = {name: known[name] for name in _type_hints(Job) if name in known}
    job: Job = from_json(Job, {**fields, "seed": -1, "engine": "auto", "variations": 1}, "provenance")
    return job


def _parsed(text: bytes | str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda name: None)  # NaN and Infinity, which no field may be
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {error}") from error


def _dataclass_from_json(kind: Any, value: Any, name: str) -> Any:
    hints = _type_hints(kind)
    # a field with a default is younger than journals and layers that are still around
    optional = {field.name for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING}
    if not isinstance(value, dict) or not set(hints) - optional <= set(value) <= set(hints):
        raise ProtocolError(f"{name}: these fields are needed: {', '.join(hints) or 'none'}")
    return kind(**{key: from_json(hints[key], each, f"{name}.{key}") for key, each in value.items()})


def _tuple_from_json(kinds: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ProtocolError(f"{name}: list expected")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ProtocolError(f"{name}: {len(kinds)} values expected")
    return tuple(
        from_json(kind, item, f"{name}[{index}]") for index, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )
