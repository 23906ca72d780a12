"""The layers of an XCF file and how Photio made them, read without GIMP.

gimpformats reads strings, pointers, parasites and the properties that are shown; everything else in the property
stream is stepped over here, because gimpformats 2025 gives up at the first property that it does not know, and
GIMP 3 always writes such. Pixels are never read, and nothing is ever written.

The file may come from anybody: what is read and kept of it is bounded, and whatever is wrong is an `XcfError`.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from gimpformats.binaryiotools import IO
from gimpformats.GimpIOBase import GimpBlendMode, GimpIOBase, ImageProperties
from gimpformats.GimpLayer import GimpLayer

from .provenance import ProvenanceError, printable, provenance

#: The names of Photio's parasites (docs/provenance.md): a retouch layer has a numbered one for each further repair.
PARASITE = "photio-regen"
FURTHER = re.compile(PARASITE + "-([2-9]|[1-9][0-9]{1,8})")

#: Header codes of 8 bits, linear and perceptual.
EIGHT_BITS = (100, 150)

#: The longest image properties and layer description that are read, in bytes.
LONGEST_HEAD, LONGEST_LAYER = 16 << 20, 1 << 20

MOST_LAYERS, DEEPEST_GROUP, LONGEST_NAME = 10_000, 64, 500

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
        further: the same of each further repair in a retouch layer, by number; a text says why there is none.
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
    further: dict[int, dict[str, Any] | str] = field(default_factory=dict)


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
    further: dict[int, dict[str, Any] | str] = {}
    for parasite in layer.parasites:
        if parasite.name == PARASITE:
            told = _told(bytes(parasite.data))
            found, problem = (None, told) if isinstance(told, str) else (told, "")
        elif number := FURTHER.fullmatch(parasite.name):
            further[int(number[1])] = _told(bytes(parasite.data))
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
        further=dict(sorted(further.items())),
    )


def _told(data: bytes) -> dict[str, Any] | str:
    """The known fields of a parasite, or why they cannot be shown."""
    try:
        return provenance(data)
    except ProvenanceError as error:
        return str(error)


def _mode(number: int) -> str:
    """A layer mode's name as GIMP shows it; newer GIMPs have modes without one here."""
    modes = list(GimpBlendMode)
    return modes[number].value.replace("Substract", "Subtract") if number < len(modes) else f"mode {number}"
