"""What the plug-in and the bridge say to each other: one JSON object a line, one frozen dataclass a message.

The only module that both sides import: standard library only, valid on Python 3.10. The plug-in sends `Open`,
`Plan`, `Run`, `Cancel`, `Placed`; the bridge answers `Opened`, `Planned`, then `Progress`, `Received` and one of
`Finished`, `Cancelled`, `Failed`. Pixels never travel here: they are PNM/PAM files in the job folder.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from typing import Any, ClassVar

#: x, y, width, height in canvas px.
Rectangle = tuple[int, int, int, int]

#: No message is longer, in bytes; a longer line is an error.
LONGEST_LINE = 1 << 20

SELECTION_FILE = "selection.pgm"

#: The layers' persistent parasite (docs/provenance.md).
PROVENANCE = "photio-regen"


class ProtocolError(ValueError):
    """A line that is no message of ours; says what is wrong with it."""


_CHOICES = {
    "sample": ("layer", "visible"),
    "engine": ("auto", "photio", "offline"),
    "areas": ("auto", "together", "separate"),
    "resolution": ("recommended", "native"),
}
_RANGES = {"variations": (1, 8), "context": (0, 400), "grow": (0, 500), "feather": (0, 500)}


@dataclass(frozen=True)
class Job:
    """What the user asked for.

    Attributes:
        prompt: what to put there; empty: remove what is there.
        seed: −1 (draw one) or 1…4 294 967 296.
        variations: how many results, each with a seed of its own.
        sample: "layer" or "visible".
        context: percent of the selection's longer side.
        grow: px by which the selection is grown before it is regenerated.
        feather: px over which the result fades into its surroundings.
        engine: "auto", "photio" or "offline".
        areas: "auto", "together" or "separate": whether disjoint parts of the selection are sent together.
        resolution: "recommended" (one of Photio's sizes) or "native" (the crop's own).
        fill_transparent: transparent parts of the crops are regenerated too.
        match_colour: undo what the service did to colours that it should have kept.
        match_grain: give the result the noise of its surroundings.
        source: the tattoo (GIMP's lasting number) of the layer that is sampled, for making the result again.
        image: the image's name, for the history.

    Raises:
        ProtocolError: a value is out of its range. What the service itself checks, is not checked here.
    """

    prompt: str
    negative_prompt: str
    quality: str
    seed: int
    cfg_scale: float
    variations: int
    sample: str
    context: float
    grow: int
    feather: int
    engine: str
    areas: str
    resolution: str
    fill_transparent: bool
    match_colour: bool
    match_grain: bool
    source: int
    image: str

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ProtocolError(f"{name}: one of {', '.join(allowed)} expected")
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:  # false for NaN
                raise ProtocolError(f"{name}: {least} to {most} expected")


@dataclass(frozen=True)
class CropPlan:
    """One crop that the plug-in is to export.

    Attributes:
        file: the file's name in the job folder; P6 (RGB) or P7 (RGBA), 8 bits, sRGB.
        box: which part of the canvas.
        size: width and height that the service gets, px.
        scale: API px per canvas px; below 1 resolution is lost.
    """

    file: str
    box: Rectangle
    size: tuple[int, int]
    scale: float


@dataclass(frozen=True)
class Open:
    """Begin a job; answered by `Opened`."""

    job: Job


@dataclass(frozen=True)
class Plan:
    """The selection is in the job folder (`SELECTION_FILE`, P5; `masked` False: all of `selection`, no file)."""

    canvas: tuple[int, int]
    selection: Rectangle
    masked: bool


@dataclass(frozen=True)
class Run:
    """The crops are in the job folder: send them."""


@dataclass(frozen=True)
class Cancel:
    """The user no longer waits; answered by `Cancelled`."""


@dataclass(frozen=True)
class Placed:
    """The result is in the image."""


@dataclass(frozen=True)
class Opened:
    """The job has a folder."""

    id: str
    folder: str


@dataclass(frozen=True)
class Planned:
    """What will be sent: `requests` of them, to `engine` ("photio" or "offline"); `remarks` are for the user."""

    crops: tuple[CropPlan, ...]
    requests: int
    engine: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far the job is: 0–1 and a short text."""

    fraction: float
    text: str


@dataclass(frozen=True)
class Received:
    """One answer is in the journal."""

    variation: int
    seed: int


@dataclass(frozen=True)
class Patch:
    """A picture in the job folder, and which part of the canvas it is."""

    file: str
    box: Rectangle


@dataclass(frozen=True)
class Result:
    """One layer to place.

    Attributes:
        patches: its pixels: P6 or P7, 16 bits, sRGB; what they do not cover is transparent.
        seed: what it was made with.
        provenance: the text of its parasite `PROVENANCE`.
    """

    patches: tuple[Patch, ...]
    seed: int
    provenance: str


@dataclass(frozen=True)
class Finished:
    """All results, and where they go.

    Attributes:
        box: what each layer covers.
        masks: what their mask shows: P5, 8 bits; black elsewhere.
        results: the layers, in the order of the variations.
        remarks: sentences for the user.
    """

    box: Rectangle
    masks: tuple[Patch, ...]
    results: tuple[Result, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Cancelled:
    """Nobody waits any longer. `may_be_billed`: a request was sent; its result will be in the history."""

    may_be_billed: bool


@dataclass(frozen=True)
class Failed:
    """The job ended without a result: a stable word for programs, a sentence for the user."""

    code: str
    sentence: str


Message = Open | Plan | Run | Cancel | Placed | Opened | Planned | Progress | Received | Finished | Cancelled | Failed

_KINDS: dict[str, type[Any]] = {kind.__name__.lower(): kind for kind in typing.get_args(Message)}


class _Described:
    """Keeps each dataclass's resolved annotations: `get_type_hints` is slow."""

    hints: ClassVar[dict[type[Any], dict[str, Any]]] = {}

    @classmethod
    def of(cls, kind: type[Any]) -> dict[str, Any]:
        if kind not in cls.hints:
            cls.hints[kind] = typing.get_type_hints(kind)
        return cls.hints[kind]


def encode(message: Message) -> bytes:
    """The message as one line of UTF-8 JSON, newline included."""
    fields = {"type": type(message).__name__.lower(), **dataclasses.asdict(message)}
    return json.dumps(fields, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def decode(line: bytes | str) -> Message:
    """The message in one line.

    Raises:
        ProtocolError: the line is no message, or a field is missing, unknown or of another type.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {error}") from error
    name = fields.pop("type", None) if isinstance(fields, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        raise ProtocolError("not a message: no known type")
    kind = _KINDS[name]
    message: Message = from_json(kind, fields, kind.__name__)
    return message


def from_json(kind: Any, value: Any, name: str) -> Any:
    """`value` (parsed JSON) as a `kind`: a dataclass, tuple, `X | None` or plain type.

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
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # exactly: a bool is no int here
        raise ProtocolError(f"{name}: {kind.__name__} expected")
    return value


def job_again(provenance: bytes | str, image: str) -> Job:
    """The job that made a layer, from the text of its parasite, with another seed.

    The text may come from a stranger's file: nothing of it is trusted.

    Raises:
        ProtocolError: it is no provenance that we know.
    """
    try:
        told = json.loads(provenance, parse_constant=lambda name: None)  # NaN and Infinity are no numbers of ours
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("format") != 1:
        raise ProtocolError("not a provenance of format 1")
    fields = {name: told.get(name) for name in _Described.of(Job)}
    own = {"seed": -1, "engine": "auto", "variations": 1, "image": image}
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
