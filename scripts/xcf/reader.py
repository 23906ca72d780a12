"""The layers of an XCF file and how Photio made them, read without GIMP.

gimpformats reads strings, pointers, parasites and the properties that are shown; everything else in the property
stream is stepped over here, because gimpformats 2025 gives up at the first property that it does not know, and
GIMP 3 always writes such. It also takes each precision for another one. Pixels are never read, so their precision and
compression do not matter, and nothing is ever written. What a version of the format changed is in GIMP's description
of it (devel-docs/xcf.txt, today on developer.gimp.org).

The file may come from anybody: what is read and kept of it is bounded, and whatever is wrong is an `XcfError`.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO as File
from typing import Any

from gimpformats.binaryiotools import IO
from gimpformats.GimpIOBase import GimpBlendMode, GimpIOBase, ImageProperties
from gimpformats.GimpLayer import GimpLayer

from . import packed
from .provenance import ProvenanceError, printable, provenance

#: The names of Photio's parasites (docs/provenance.md): a retouch layer has a numbered one for each further repair.
PARASITE = "photio-regen"
FURTHER = re.compile(PARASITE + "-([2-9]|[1-9][0-9]{1,8})")

#: How a file begins, after its packing.
MAGIC = b"gimp xcf "

#: The newest version that is known: GIMP 3.2 writes it for layers that are links.
NEWEST = 25

COLOURS = ("RGB", "gray", "indexed")

#: What the header's code means: its hundreds, and the rest.
PRECISIONS = {
    1: "8-bit integer",
    2: "16-bit integer",
    3: "32-bit integer",
    5: "16-bit floating point",
    6: "32-bit floating point",
    7: "64-bit floating point",
}
LIGHT = {0: "linear", 50: "perceptual"}

#: The same codes as versions before 7, of GIMPs in development, wrote them.
EARLY_PRECISIONS = {
    4: dict(enumerate((150, 250, 300, 500, 600))),
    5: {code: code if code < 400 else code + 100 for code in (100, 150, 200, 250, 300, 350, 400, 450, 500, 550)},
}
EARLY_PRECISIONS[6] = EARLY_PRECISIONS[5]

#: The longest image properties and layer description that are read, in bytes.
LONGEST_HEAD, LONGEST_LAYER = 16 << 20, 1 << 20

MOST_LAYERS, DEEPEST_GROUP, LONGEST_NAME = 10_000, 64, 500

CUT_SHORT = "The file is cut short or damaged."

#: The property of a layer that is a link to a file, since version 25.
LINK = 48

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
    """An XCF file.

    Attributes:
        version: of the format.
        size: width and height of the canvas, px.
        colours: "RGB", "gray" or "indexed".
        precision: of the pixels, such as "16-bit integer, linear".
        layers: top to bottom, a group before its children.
    """

    version: int
    size: tuple[int, int]
    colours: str
    precision: str
    layers: tuple[Layer, ...]


def _true_length(kind: int, told: int, stream: IO) -> int:
    """The length of a property in bytes, also of two whose length in the file is wrong; the stream moves."""
    if kind == ImageProperties.PROP_COLORMAP.value:  # early GIMPs counted a colour as one byte
        return 4 + 3 * int(stream.u32)
    if kind == LINK:  # a number, the path of the linked file, width and height, which GIMP 3.2 does not count
        stream.index += 4
        return max(told, 4 + 4 + int(stream.u32) + 8)
    return told


class _Properties(GimpIOBase):
    """Reads properties, of known and unknown kinds, as gimpformats does for known ones alone."""

    def _propertiesDecode(self, stream: IO) -> int:
        while True:
            kind, told = stream.u32, stream.u32
            start = stream.index
            if kind == ImageProperties.PROP_END.value:
                return int(start)
            length = _true_length(kind, told, stream)
            stream.index = start
            self._propertyDecode(kind, stream.getbytearray(length))


class _Head(_Properties):
    """The image's own properties: stepped over."""

    def __init__(self, version: int) -> None:
        super().__init__(self)
        self.version = version

    def _propertyDecode(self, prop: int, data: bytearray) -> int:
        return 0


class _Described(_Properties, GimpLayer):
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
            content = packed.unpacked(file, MAGIC)
            if content is None:
                return parse(file)
            with content:
                return parse(content)
    except packed.DamagedError as error:
        raise XcfError(CUT_SHORT) from error
    except packed.TooLargeError as error:
        raise XcfError(f"It holds more than {packed.LARGEST >> 30} GB: unpack it, then try again.") from error
    except OSError as error:
        raise XcfError(f"The file cannot be read: {error.strerror}.") from error


def parse(file: File[bytes]) -> Picture:
    """The layers of an open XCF file that is not packed.

    Raises:
        XcfError: it is none that can be shown.
    """
    length = file.seek(0, os.SEEK_END)
    try:
        return _picture(file, length)
    except (RuntimeError, LookupError, ValueError, struct.error) as error:  # all that gimpformats raises
        raise XcfError(CUT_SHORT) from error


def _picture(file: File[bytes], length: int) -> Picture:
    data = _window(file, 0, LONGEST_HEAD)
    magic = re.match(MAGIC + rb"(?:file|v0(\d\d))\0", data)
    if not magic:
        raise XcfError("This is not an XCF file of GIMP's.")
    head, stream = _Head(int(magic[1] or 0)), IO(data, magic.end())
    if head.version > NEWEST:
        raise XcfError(f"XCF version {head.version} is newer than what is known here ({NEWEST}): open it in GIMP.")
    size, colours = (stream.u32, stream.u32), COLOURS[stream.u32]
    precision = _precision(head.version, stream)
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
    return Picture(head.version, size, colours, precision, tuple(layers))


def _precision(version: int, stream: IO) -> str:
    """The precision as GIMP's menus call it. Before version 4 there was only one."""
    code = stream.u32 if version >= 4 else 150
    code = EARLY_PRECISIONS[version][code] if version in EARLY_PRECISIONS else code
    hundreds, rest = divmod(code, 100)
    return f"{PRECISIONS[hundreds]}, {LIGHT[rest]}"


def _window(file: File[bytes], start: int, longest: int) -> bytearray:
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


def _layer(layer: _Described, file: File[bytes], length: int) -> Layer:
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
