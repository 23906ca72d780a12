"""The layers of an XCF file and how Photio made them, read without GIMP.

gimpformats reads strings, pointers, parasites and the properties that are shown; everything else in the property
stream is stepped over here, because gimpformats 2025 gives up at the first property that it does not know, and
GIMP 3 always writes such. Pixels are never read, and nothing is ever written.

The file may come from anybody: what is read and kept of it is bounded, and whatever is wrong is an `XcfError`.
"""

from __future__ import annotations

import json
import os
import re
import struct
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gimpformats.binaryiotools import IO
from gimpformats.GimpIOBase import GimpBlendMode, GimpIOBase, ImageProperties
from gimpformats.GimpLayer import GimpLayer

#: The name of Photio's parasite and the format that is understood (docs/provenance.md).
PARASITE, FORMAT = "photio-regen", 1

#: Header codes of 8 bits, linear and perceptual.
EIGHT_BITS = (100, 150)

#: The longest image properties, layer description and provenance that are read, in bytes.
LONGEST_HEAD, LONGEST_LAYER, LONGEST_PROVENANCE = 16 << 20, 1 << 20, 64 << 10

MOST_LAYERS, DEEPEST_GROUP, LONGEST_NAME, LARGEST_NUMBER = 10_000, 64, 500, 1 << 53

CUT_SHORT = "The file is cut short or damaged."

SHOWN = {
    ImageProperties.PROP_OPACITY.value,
    ImageProperties.PROP_MODE.value,
    ImageProperties.PROP_VISIBLE.value,
    ImageProperties.PROP_OFFSETS.value,
    ImageProperties.PROP_PARASITES.value,
    ImageProperties.PROP_GROUP_ITEM.value,
    ImageProperties.PROP_ITEM_PATH.value,
    ImageProperties.PROP_FLOAT_OPACITY.value,
}


class XcfError(Exception):
    """A sentence that says why the file cannot be shown."""


class ProvenanceError(Exception):
    """A sentence that says why a layer's provenance cannot be shown; the layer itself can."""


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        depth: in how many groups it lies.
        size: width and height, px.
        offset: x and y of its upper left corner on the canvas, px; may be negative.
        mask: the size of its mask; None without one.
        opacity: 0–1.
        provenance: the known fields of its parasite `photio-regen`; None without a readable one.
        problem: why there is a parasite but no provenance, else empty.
    """

    name: str
    depth: int
    group: bool
    size: tuple[int, int]
    offset: tuple[int, int]
    mode: str
    mask: tuple[int, int] | None
    visible: bool
    opacity: float
    provenance: dict[str, Any] | None
    problem: str


@dataclass(frozen=True)
class Picture:
    """An XCF file: the version of its format, its canvas and its layers, top to bottom, a group before its children."""

    version: int
    size: tuple[int, int]
    layers: tuple[Layer, ...]


class _Head(GimpIOBase):
    """The image's own properties: stepped over."""

    def __init__(self, version: int) -> None:
        super().__init__(self)
        self.version = version

    def _propertyDecode(self, prop: int, data: bytearray) -> int:
        return 0


class _Described(GimpLayer):
    """A layer as gimpformats reads it, with unknown properties tolerated and GIMP's defaults for absent ones."""

    def __init__(self, head: _Head) -> None:
        super().__init__(head)
        self.visible = True
        self.mode = GimpBlendMode.NORMAL_LEGACY.value

    def _propertyDecode(self, prop: int, data: bytearray) -> int:
        if prop == ImageProperties.PROP_MODE.value:
            self.mode = _mode(IO(data).u32)
            return 0
        return super()._propertyDecode(prop, data) if prop in SHOWN else 0


def read(path: Path) -> Picture:
    """The layers of the file.

    Raises:
        XcfError: there is no such file, or it is none that can be shown.
    """
    try:
        if not path.is_file():  # a pipe or a device would never end
            raise XcfError("There is no such file.")
        with path.open("rb") as file:
            return parse(file)
    except OSError as error:
        raise XcfError(f"The file cannot be read: {error.strerror}.") from error


def parse(file: BinaryIO) -> Picture:
    """The layers of an open XCF file.

    Raises:
        XcfError: it is none that can be shown.
    """
    length = file.seek(0, os.SEEK_END)
    try:
        return _picture(file, length)
    except (RuntimeError, LookupError, ValueError, struct.error) as error:  # all that gimpformats raises
        raise XcfError(CUT_SHORT) from error


def _picture(file: BinaryIO, length: int) -> Picture:
    data = _window(file, 0, LONGEST_HEAD)
    magic = re.match(rb"gimp xcf (?:file|v0(\d\d))\0", data)
    if not magic:
        raise XcfError("This is not an XCF file of GIMP's (a packed one must be unpacked first).")
    head, stream = _Head(int(magic[1] or 0)), IO(data, magic.end())
    size, _base = (stream.u32, stream.u32), stream.u32
    precision = stream.u32 if head.version >= 4 else EIGHT_BITS[-1]
    if precision not in EIGHT_BITS:
        raise XcfError(f"Only images of 8 bits can be shown: this one's precision is {precision}. Open it in GIMP.")
    head._propertiesDecode(stream)
    pointers = _pointers(head, stream, length)
    _pointers(head, stream, length)  # the channels: not shown, but a file that is cut short often shows it here
    layers, described = [], 0
    for pointer in pointers:
        layer = _Described(head)
        described += layer.decode(_window(file, pointer, LONGEST_LAYER))
        if described > length:  # else a small file could describe the same megabyte ten thousand times
            raise XcfError(CUT_SHORT)
        layers.append(_layer(layer, file, length))
    return Picture(head.version, size, tuple(layers))


def _window(file: BinaryIO, start: int, longest: int) -> bytearray:
    file.seek(start)
    return bytearray(file.read(longest))


def _pointers(head: _Head, stream: IO, length: int) -> list[int]:
    """A list of pointers, up to the zero that ends it."""
    pointers: list[int] = []
    while pointer := head._pointerDecode(stream):
        if pointer >= length:
            raise XcfError(CUT_SHORT)
        pointers.append(pointer)
        if len(pointers) > MOST_LAYERS:
            raise XcfError(f"Images of more than {MOST_LAYERS} layers cannot be shown.")
    return pointers


def _layer(layer: _Described, file: BinaryIO, length: int) -> Layer:
    if layer._imageHierarchyPtr >= length or layer._maskPtr >= length:
        raise XcfError(CUT_SHORT)
    mask = None
    if layer._maskPtr:
        start = IO(_window(file, layer._maskPtr, 8))
        mask = (start.u32, start.u32)
    # GIMP wrote whole numbers up to 255 before it wrote fractions; gimpformats keeps whichever came last.
    opacity = layer.opacity / 255 if isinstance(layer.opacity, int) else layer.opacity
    depth = len(layer.itemPath or [0]) - 1
    if not 0 <= opacity <= 1 or not 0 <= depth <= DEEPEST_GROUP:
        raise XcfError(CUT_SHORT)
    found, problem = None, ""
    for parasite in layer.parasites:
        if parasite.name == PARASITE:
            try:
                found, problem = provenance(bytes(parasite.data)), ""
            except ProvenanceError as error:
                found, problem = None, str(error)
    return Layer(
        name=printable(layer.name)[:LONGEST_NAME],
        depth=depth,
        group=bool(layer.isGroup),
        size=(layer.width, layer.height),
        offset=(layer.xOffset, layer.yOffset),
        mode=layer.mode,
        mask=mask,
        visible=layer.visible,
        opacity=round(opacity, 4),
        provenance=found,
        problem=problem,
    )


def _mode(number: int) -> str:
    """A layer mode's name as GIMP shows it; newer GIMPs have modes without one here."""
    modes = list(GimpBlendMode)
    return modes[number].value.replace("Substract", "Subtract") if number < len(modes) else f"mode {number}"


def printable(text: str) -> str:
    """The text without what could steer a terminal or reverse a line; line breaks become spaces."""
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
    "match_grain": _flag,
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
