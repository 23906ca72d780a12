"""Messages as lines of JSON, and JSON as dataclasses. What arrives is not trusted: all types are checked."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import types
import typing
from typing import Any, ClassVar, NamedTuple

from bridge.protocol.values import LONGEST_PROVENANCE, Job, Message, ProtocolError

#: No message is longer, in bytes; a longer line is an error.
LONGEST_LINE = 1 << 20

#: The largest number that a question can have: every JSON parser reads it exactly.
LARGEST_QUESTION = (1 << 53) - 1

#: Where the messages are; in this order a job needs the first one only.
_MODULES = ("jobs", "history", "settings")


class _Described:
    """Keeps each dataclass's resolved annotations: `get_type_hints` is slow."""

    hints: ClassVar[dict[type[Any], dict[str, Any]]] = {}

    @classmethod
    def of(cls, kind: type[Any]) -> dict[str, Any]:
        if kind not in cls.hints:
            cls.hints[kind] = typing.get_type_hints(kind)
        return cls.hints[kind]


class Said(NamedTuple):
    """What one line says: a message, and the number of the question that it asks or answers."""

    question: int
    message: Message


def encode(message: Message, question: int) -> bytes:
    """The message as one line of UTF-8 JSON, newline included.

    Args:
        question: the number that the message has, or, when it is an answer, that its question had; from 1.
    """
    fields = {"type": type(message).__name__.lower(), "question": question, **dataclasses.asdict(message)}
    return json.dumps(fields, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def decode(line: bytes | str) -> Said:
    """The message in one line, and its number.

    Raises:
        ProtocolError: the line is no message, has no number, or a field is missing, unknown or of another type.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ProtocolError("not a message: no object")
    kind, question = _kind(fields.pop("type", None)), fields.pop("question", None)
    if kind is None:
        raise ProtocolError("not a message: no known type")
    if type(question) is not int or not 1 <= question <= LARGEST_QUESTION:
        raise ProtocolError(f"question: 1 to {LARGEST_QUESTION} expected")
    return Said(question, from_json(kind, fields, kind.__name__))


def _kind(name: object) -> type[Message] | None:
    for module in _MODULES:
        importlib.import_module(f"bridge.protocol.{module}")
        for kind in Message.__subclasses__():
            if kind.__name__.lower() == name:
                return kind
    return None


def from_json(kind: Any, value: Any, name: str) -> Any:
    """`value` (parsed JSON) as a `kind`: a dataclass, tuple, `X | None` or plain type.

    What comes out can be written again: no number is infinite, no text holds half a pair of surrogates.

    Raises:
        ProtocolError: it is of another type; `name` says where.
    """
    if dataclasses.is_dataclass(kind):
        hints = _Described.of(typing.cast("type[Any]", kind))
        if not isinstance(value, dict) or set(value) != set(hints):
            raise ProtocolError(f"{name}: these fields are needed: {', '.join(hints) or 'none'}")
        return typing.cast("type[Any]", kind)(
            **{key: from_json(hint, value[key], f"{name}.{key}") for key, hint in hints.items()}
        )
    if typing.get_origin(kind) is tuple:
        return _tuple_from_json(typing.get_args(kind), value, name)
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        chosen = next(option for option in typing.get_args(kind) if option is not type(None))
        return None if value is None else from_json(chosen, value, name)
    if kind is float and type(value) is int and abs(value) < 1 << 53:
        return float(value)
    if type(value) is not kind:  # exactly: a bool is no int here
        raise ProtocolError(f"{name}: {kind.__name__} expected")
    if (kind is float and not math.isfinite(value)) or (kind is str and not _is_text(value)):
        raise ProtocolError(f"{name}: JSON allows it, but it cannot be written")  # 1e999, "\\ud800"
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def job_again(provenance: bytes | str) -> Job:
    """The job that made a layer, from the text of its parasite, with another seed.

    The text may come from a stranger's file: nothing of it is trusted.

    Raises:
        ProtocolError: it is no provenance that we know.
    """
    if len(provenance) > LONGEST_PROVENANCE:  # parsed, it takes up to 25 times as much memory
        raise ProtocolError("longer than any provenance")
    try:
        told = json.loads(provenance, parse_constant=lambda name: None)  # NaN and Infinity are no numbers of ours
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("format") != 1:
        raise ProtocolError("not a provenance of format 1")
    fields = {name: told.get(name) for name in _Described.of(Job)}
    own = {"seed": -1, "engine": "auto", "variations": 1}
    job: Job = from_json(Job, {**fields, **own}, "provenance")
    return job


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
