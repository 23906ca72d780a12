"""Reads GIMP's pixels: what is selected, and what it looks like there. All boxes are in canvas px."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gi.repository import Gegl, Gimp

from bridge.common.i18n import _
from bridge.protocol import Document, Rectangle

#: Bare format names mean sRGB: babl converts from and to the image's profile and precision by itself.
RGB, RGBA = "R'G'B' u8", "R'G'B'A u8"

#: Masks and selections are linear data; "Y' u8" would bend them.
COVERAGE = "Y u8"

#: Where GIMP keeps, for as long as it runs, what no other GIMP has.
SESSION = "photio-session"


def start_gegl() -> None:
    """Makes buffers usable. GEGL need not load its hundred operations for that: none of them is used here."""
    before = os.environ.get("GEGL_PATH")
    os.environ["GEGL_PATH"] = os.devnull
    Gegl.init(None)
    if before is None:
        del os.environ["GEGL_PATH"]
    else:
        os.environ["GEGL_PATH"] = before


class Refusal(Exception):
    """Photio cannot work on this; the text is one sentence that says what to do. Nothing was sent."""


def unreadable(error: OSError) -> str:
    """What to say of a file in the way."""
    return _("Photio could not read or write {file}: {reason}. Put that right, then try again.").format(
        file=error.filename, reason=error.strerror
    )


@dataclass(frozen=True)
class Capture:
    """What the user had in front of them when they asked: later changes do not matter.

    Attributes:
        layer: what the result goes above.
        where: the bounds of that layer.
        source: what is sampled: `layer` itself, or, where that is a result of ours, what that was made of.
        hidden: a layer that is not to be seen in what is sampled, or None.
        sample: "layer" or "visible".
        selection: the bounds of what is to be regenerated.
        coverage: the drawable that tells it from the rest within these bounds, or None for all.
        origin: the canvas position of that drawable's upper left corner.
    """

    image: Gimp.Image
    layer: Gimp.Layer
    where: Rectangle
    source: Gimp.Layer
    hidden: Gimp.Layer | None
    sample: str
    canvas: tuple[int, int]
    selection: Rectangle
    coverage: Gimp.Drawable | None
    origin: tuple[int, int] = (0, 0)

    @property
    def masked(self) -> bool:
        """Whether only a part within the bounds is meant."""
        return self.coverage is not None


def capture(image: Gimp.Image, layer: Gimp.Layer, source: Gimp.Layer, sample: str, whole_layer: bool) -> Capture:
    """Looks at what is selected, and reads no pixels.

    Args:
        layer: what the result goes above.
        source: what is sampled.
        whole_layer: an empty selection means the whole layer, instead of being refused.

    Raises:
        Refusal: there is nothing to do.
    """
    canvas = (image.get_width(), image.get_height())
    whole = (0, 0, *canvas)
    where = bounds(source)
    layer_box = common(where, whole)
    _known, selected, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
    if not selected and not whole_layer:
        raise Refusal(_("Nothing is selected: select what you want to change, then try again."))
    selection = (x1, y1, x2 - x1, y2 - y1) if selected else layer_box
    reach = whole if sample == "visible" else layer_box
    if selection is None or reach is None or not common(selection, reach):
        raise Refusal(_("The selection lies outside the layer: select a part of the layer, or another layer."))
    coverage = image.get_selection() if selected else None
    above = where if layer == source else bounds(layer)
    return Capture(image, layer, above, source, None, sample, canvas, selection, coverage)


def capture_again(image: Gimp.Image, layer: Gimp.Layer, source: Gimp.Layer, sample: str) -> Capture:
    """The area of a result of ours: its mask as it is now, or that of its group of variations.

    Raises:
        Refusal: it has no mask any more, or that shows nothing of the canvas.
    """
    parent = layer.get_parent()
    holder = layer if layer.get_mask() or not parent else parent
    mask = holder.get_mask()
    canvas = (image.get_width(), image.get_height())
    where = bounds(holder)
    selection = common(where, (0, 0, *canvas))
    if not mask or selection is None:
        raise Refusal(_("The layer has no layer mask that says which part to regenerate: add one, then try again."))
    return Capture(image, holder, where, source, holder, sample, canvas, selection, mask, where[:2])


def single_layer(image: Gimp.Image, drawables: list[Gimp.Drawable]) -> Gimp.Layer:
    """The one layer that is selected, itself or by its mask.

    Raises:
        Refusal: the result could not be placed in this image, or at this place.
    """
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Refusal(_("Photio cannot work on indexed images: convert it with Image > Mode > RGB first."))
    if image.get_floating_sel():
        raise Refusal(_("There is a floating selection: anchor it or make it a layer first."))
    if len(drawables) != 1:
        raise Refusal(_("Select exactly one layer, then try again."))
    (drawable,) = drawables
    layer = Gimp.Layer.from_mask(drawable) if isinstance(drawable, Gimp.LayerMask) else drawable
    if not isinstance(layer, Gimp.Layer):
        raise Refusal(_("A channel is selected: select a layer instead."))
    if locked := locked_group(layer):
        sentence = _("The layer group “{name}” is locked: unlock its pixels, then try again.")
        raise Refusal(sentence.format(name=locked.get_name()))
    return layer


def locked_group(layer: Gimp.Layer) -> Gimp.Layer | None:
    """A group around the layer that takes no other layer, if there is one."""
    parent = layer.get_parent()
    while parent and not parent.get_lock_content():
        parent = parent.get_parent()
    return parent


def document(image: Gimp.Image, layer: Gimp.Layer) -> Document:
    """By what the image can be recognised later, and which of its layers results go above."""
    files = (image.get_file(), image.get_xcf_file(), image.get_imported_file(), image.get_exported_file())
    uris = dict.fromkeys(file.get_uri() for file in files if file)
    canvas = (image.get_width(), image.get_height())
    return Document(image.get_name(), tuple(uris), f"{_session()}-{image.get_id()}", canvas, layer.get_tattoo())


def _session() -> str:
    """What tells this GIMP from every other, before it and beside it. Its process number does not: in a sandbox each
    GIMP has the same.

    GIMP keeps it, unsaved (flag 0), and gives each of its images a number that it never uses twice. Not a parasite of
    the image: a duplicate of the image would have it, too.
    """
    kept = Gimp.get_parasite(SESSION)
    if kept is None:
        Gimp.attach_parasite(Gimp.Parasite.new(SESSION, 0, secrets.token_hex(16).encode()))
        kept = Gimp.get_parasite(SESSION)  # that of another plug-in process, perhaps, which was as quick
    return bytes(kept.get_data()).decode("ascii")


def empty_like(image: Gimp.Image, width: int, height: int) -> Gimp.Image:
    """An image without layers, of the same kind; whoever asks for it deletes it. Size in px."""
    empty = Gimp.Image.new_with_precision(width, height, image.get_base_type(), image.get_precision())
    if profile := image.get_color_profile():  # GIMP 3.0 tells the user of an error when it is given none
        empty.set_color_profile(profile)
    return empty


def every_layer(image: Gimp.Image) -> Iterator[Gimp.Layer]:
    """All layers from top to bottom, groups before their children."""
    return with_children(image.get_layers())


def with_children(layers: Iterable[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """These layers, each group before its children, and theirs."""
    waiting = list(layers)
    while waiting:
        layer = waiting.pop(0)
        yield layer
        if layer.is_group():
            waiting[:0] = layer.get_children()


def bounds(layer: Gimp.Layer) -> Rectangle:
    """Where the layer is."""
    _known, x, y = layer.get_offsets()
    return (x, y, layer.get_width(), layer.get_height())


def common(one: Rectangle, other: Rectangle) -> Rectangle | None:
    """What both have in common, or None."""
    x, y = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[0] + one[2], other[0] + other[2]), min(one[1] + one[3], other[1] + other[3])
    return (x, y, right - x, bottom - y) if right > x and bottom > y else None


def read(drawable: Gimp.Drawable, box: Rectangle, pixel_format: str) -> bytes:
    """The pixels in `box`, counted from the drawable's own corner; transparent beyond it."""
    return _pixels(drawable.get_buffer(), box, pixel_format)


def _pixels(buffer: Gegl.Buffer, box: Rectangle, pixel_format: str) -> bytes:
    pixels: bytes = buffer.get(Gegl.Rectangle.new(*box), 1.0, pixel_format, Gegl.AbyssPolicy.NONE)
    return pixels


def _scaled(drawable: Gimp.Drawable, box: Rectangle, size: tuple[int, int]) -> bytes:
    """The pixels in `box`, RGBA, scaled to `size`; GEGL counts in px of the result."""
    x, y, width, _height = box
    scale = size[0] / width
    area = Gegl.Rectangle.new(round(x * scale), round(y * scale), *size)
    pixels: bytes = drawable.get_buffer().get(area, scale, RGBA, Gegl.AbyssPolicy.NONE)
    return pixels


def export_selection(captured: Capture, file: Path) -> None:
    """Writes what is to be regenerated, within its bounds, as 8-bit P5."""
    x, y, width, height = captured.selection
    left, top = captured.origin
    pixels = read(captured.coverage, (x - left, y - top, width, height), COVERAGE)
    _write(file, f"P5\n{width} {height}\n255\n", pixels)


def picture(captured: Capture, box: Rectangle, size: tuple[int, int]) -> bytes:
    """A part of what was captured, for looking at: scaled to `size` (px), RGBA, 8 bits, sRGB."""
    if not _is_plain(captured):
        return _rendered(captured, box, size)
    x, y, *_size = bounds(captured.source)
    return _scaled(captured.source, (box[0] - x, box[1] - y, box[2], box[3]), size)


def export_crops(captured: Capture, crops: Iterable[tuple[Rectangle, Path]]) -> None:
    """Writes parts of what was captured, each into its file: P6, or P7 with alpha where that can be transparent.
    8 bits, sRGB."""
    source = captured.source
    if not _is_plain(captured):
        for box, file in crops:
            _write(file, _rgba_header(box), _rendered(captured, box, box[2:]))
        return
    # asked once: each question takes GIMP as long as a small crop's pixels
    where, solid, buffer = bounds(source), not source.has_alpha(), source.get_buffer()
    for box, file in crops:
        x, y, width, height = box
        opaque = solid and common(where, box) == box
        header = f"P6\n{width} {height}\n255\n" if opaque else _rgba_header(box)
        _write(file, header, _pixels(buffer, (x - where[0], y - where[1], width, height), RGB if opaque else RGBA))


def _rgba_header(box: Rectangle) -> str:
    return f"P7\nWIDTH {box[2]}\nHEIGHT {box[3]}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"


def _write(file: Path, header: str, pixels: bytes) -> None:
    """Writes a picture; an error says which one, also where the disk is full."""
    try:
        with file.open("wb") as stream:
            stream.write(header.encode())
            stream.write(pixels)
    except OSError as error:
        error.filename = error.filename or str(file)
        raise


def _is_plain(captured: Capture) -> bool:
    """Whether the layer's own pixels are all there is to see."""
    source = captured.source
    alone = captured.sample == "layer" and not source.is_group()
    return alone and not source.get_filters() and not _masks(source)


def _masks(layer: Gimp.Layer) -> bool:
    return bool(layer.get_mask()) and layer.get_apply_mask()


def _rendered(captured: Capture, box: Rectangle, size: tuple[int, int]) -> bytes:
    """How the layer, or the image, looks in `box`, scaled to `size`, RGBA: with effects and masks.

    Copies of the layers, which share their pixels with the image, go into an image that is no larger than that box:
    so GIMP renders no more than that, while effects still see the whole of their layers. Not a copy of the image,
    cut down: before it is cut, GIMP may begin to render all of its canvas, and answers nothing meanwhile.
    """
    x, y, width, height = box
    image = captured.image
    alone = captured.sample == "layer"
    shown = [captured.source] if alone else [layer for layer in image.get_layers() if layer.get_visible()]
    stage = empty_like(image, width, height)
    try:
        for position, layer in enumerate(shown):
            stage.insert_layer(Gimp.Layer.new_from_drawable(layer, stage), None, position)
        stage.resize(width, height, -x, -y)
        if alone:
            _bare(stage.get_layers()[0])
        elif captured.hidden:
            for layer, twin in zip(with_children(shown), every_layer(stage), strict=True):
                twin.set_visible(layer.get_visible() and layer != captured.hidden)
        layer = Gimp.Layer.new_from_visible(stage, stage, "rendered")
        return _scaled(layer, (0, 0, width, height), size)
    finally:
        stage.delete()


def _bare(layer: Gimp.Layer) -> None:
    """Shows a layer whatever its opacity, mode and visibility."""
    layer.set_visible(True)
    layer.set_opacity(100)
    layer.set_mode(Gimp.LayerMode.NORMAL)
