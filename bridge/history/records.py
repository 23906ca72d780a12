"""Reads a job's `request.json`. Others can write to it, so nothing in it is trusted. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.common.errors import PhotioError
from bridge.protocol import Document, Finished, Job, ProtocolError, Rectangle, from_json
from bridge.store.journal import FORMAT, JobFolder, part
from bridge.store.private_files import StorageError

_PATCH = re.compile(r"(?:result|layer-mask)(?:-[0-9]{1,4}){1,3}\.p[gn]m")
_LARGEST = 1 << 19  # px, where GIMP's canvases end: of a larger layer it makes none, and says nothing
_LARGEST_SEED = 1 << 32
_MOST_VARIATIONS = 8
_LAST_SECOND = 253_402_300_800  # the year 10 000
_LARGEST_LIMIT = 1000.0  # megapixels


class HistoryError(PhotioError):
    """Something of the history cannot be had."""

    code = "history"


@dataclass(frozen=True)
class SentCrop:
    """A crop as it was sent; see `bridge.pixels.geometry.Crop`."""

    box: Rectangle
    padding: Rectangle
    size: tuple[int, int]


@dataclass(frozen=True)
class Record:
    """A job that may have been paid for; `bridge.job.regeneration` writes it.

    Attributes:
        started: in seconds since 1970.
        seeds: one for each variation.
        result: None if the bridge ended before it was made.
    """

    started: float
    job: Job
    document: Document
    selection: Rectangle
    masked: bool
    native_limit: float
    crops: tuple[SentCrop, ...]
    engine: str
    seeds: tuple[int, ...]
    result: Finished | None


@dataclass(frozen=True)
class Marks:
    """What became of a job's variations.

    Attributes:
        placed: they are or were in an image.
        discarded: the user deleted them.
        mentioned: the user was notified that they were paid for and not used.
        answers: SHA-256 of the answers' files, by name, in hexadecimal.
    """

    placed: frozenset[int] = frozenset()
    discarded: frozenset[int] = frozenset()
    mentioned: frozenset[int] = frozenset()
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What a list shows of a job; the remainder of the record is not checked.

    Attributes:
        started, prompt, image, engine, seeds: as in `Record`.
        masks: the files of the result's masks.
        patches: the files of the result by variation; empty if there is no result.
    """

    started: float
    prompt: str = ""
    image: str = ""
    engine: str = ""
    seeds: tuple[int, ...] = ()
    masks: tuple[str, ...] = ()
    patches: dict[int, tuple[str, ...]] = field(default_factory=dict)
    marks: Marks = Marks()


def read_summary(folder: Path) -> Summary | None:
    """What is listed of a job; None if it has no record that can be understood.

    It takes a fifth of the time of `read_record`, which may still find the remainder of the record unusable.
    """
    try:
        fields = _read(folder)
        started = from_json(float, fields["started"], "started")
        prompt, image = fields["job"]["prompt"], fields["document"]["name"]
        seeds, engine = fields["seeds"], fields["engine"]
        if not (isinstance(prompt, str) and isinstance(image, str) and _can_be(started, engine, seeds)):
            return None
    except (StorageError, ProtocolError, OverflowError, KeyError, TypeError):
        return None
    try:
        result = fields["result"]
        masks = tuple(mask["file"] for mask in result["masks"])
        patches = {each["variation"]: tuple(patch["file"] for patch in each["patches"]) for each in result["results"]}
        files = (*masks, *(file for files in patches.values() for file in files))
        known = all(type(number) is int and 1 <= number <= len(seeds) for number in patches)
        if not known or not all(isinstance(file, str) for file in files):
            raise TypeError
    except (KeyError, TypeError):
        masks, patches = (), {}
    return Summary(started, prompt, image, engine, tuple(seeds), masks, patches, _marks(fields))


def read_record(folder: Path) -> tuple[Record, Marks] | None:
    """What is known of a job; None if it has no record that can be understood.

    If only the result is unusable, it is left out: it can be made again from the answers.
    """
    try:
        fields = _read(folder)
        known = {name: fields.get(name) for name in Record.__dataclass_fields__}
        record: Record = from_json(Record, {**known, "result": None}, "record")
    except (StorageError, ProtocolError, OverflowError):  # the last: an integer that no float holds
        return None
    if not (_can_be(record.started, record.engine, record.seeds) and _fits(record)):
        return None
    return replace(record, result=_result(known["result"], record.job.variations)), _marks(fields)


def _read(folder: Path) -> dict[str, Any]:
    """The record's fields. Raises a `StorageError` or `ProtocolError` if there are none that we know."""
    fields = JobFolder(folder).record()
    if fields.get("format") != FORMAT:
        raise ProtocolError("not a record that we know")
    return fields


def _can_be(started: float, engine: Any, seeds: Any) -> bool:
    """Whether these are possible values: the range of a number, the type too of what else was not checked."""
    return (
        0 <= started < _LAST_SECOND
        and engine in ("photio", "offline")
        and isinstance(seeds, list | tuple)
        and 1 <= len(seeds) <= _MOST_VARIATIONS
        and all(type(seed) is int and 1 <= seed <= _LARGEST_SEED for seed in seeds)
    )


def _fits(record: Record) -> bool:
    """Whether the values fit together, and are in their ranges."""
    width, height = record.document.canvas
    before = [record.document.before] if record.document.before else []
    boxes = [(0, 0, width, height), record.selection, *before, *(crop.box for crop in record.crops)]
    return (
        len(record.seeds) == record.job.variations
        and 0 < record.native_limit <= _LARGEST_LIMIT
        and len(record.crops) > 0
        and all(min(x, y) >= 0 and x + wide <= width and y + high <= height for x, y, wide, high in boxes)
        and all(map(_is_box, boxes))
    )


def _is_box(box: Rectangle) -> bool:
    x, y, width, height = box
    return max(abs(x), abs(y)) <= _LARGEST and 0 < width <= _LARGEST and 0 < height <= _LARGEST


def _result(value: Any, variations: int) -> Finished | None:
    try:
        found: Finished = from_json(Finished, value, "result")
    except ProtocolError:
        return None
    numbers = [result.variation for result in found.results]
    patches = [*found.masks, *(patch for result in found.results for patch in (*result.patches, *result.masks))]
    usable = (
        len(set(numbers)) == len(numbers)
        and all(1 <= number <= variations for number in numbers)
        and all(result.provenance.isascii() for result in found.results)  # PyGObject takes no other for a parasite
        and _is_box(found.box)
        and all(_PATCH.fullmatch(patch.file) and _is_box(patch.box) for patch in patches)  # in the job's own folder
    )
    return found if usable else None


def _marks(fields: dict[str, Any]) -> Marks:
    return Marks(
        frozenset(int(name) for name in part(fields, "placed") if name.isdecimal() and len(name) < 3),
        numbers(fields.get("discarded")),
        numbers(fields.get("mentioned")),
        {name: value for name, value in part(fields, "answers").items() if isinstance(value, str)},
    )


def numbers(value: Any) -> frozenset[int]:
    """The integers in what should be a list of variations; none if it is something else."""
    return frozenset(item for item in value if type(item) is int) if isinstance(value, list) else frozenset()
