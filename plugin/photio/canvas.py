"""The only place that reads or writes GIMP's pixels and layers. All boxes are in canvas px."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gi.repository import Gegl, Gimp

from bridge.protocol import Finished, Rectangle

#: Bare format names mean sRGB: babl converts from and to the image's profile and precision by itself.
RGB, RGBA = "R'G'B' u8", "R'G'B'A u8"

#: Masks and selections are linear data; "Y' u8" would bend them.
COVERAGE = "Y u8"


class Refusal(Exception):
    """Photio cannot work on this; the text is one sentence that says what to do. Nothing was sent."""


@dataclass(frozen=True)
class Capture:
    """What the user had in front of them when they asked: later changes do not matter.

    Attributes:
        layer: what is regenerated, and what the result goes above.
        sample: "layer" or "visible".
        selection: the bounds of the selection, of the layer where nothing is selected.
        masked: whether there is a selection.
    """

    image: Gimp.Image
    layer: Gimp.Layer
    sample: str
    canvas: tuple[int, int]
    selection: Rectangle
    masked: bool


def capture(image: Gimp.Image, drawables: list[Gimp.Drawable], sample: str, whole_layer: bool) -> Capture:
    """Looks at what is selected, and reads no pixels.

    Args:
        whole_layer: an empty selection means the whole layer, instead of being refused.

    Raises:
        Refusal: the result could not be placed, or there is nothing to do.
    """
    layer = _single_layer(image, drawables)
    canvas = (image.get_width(), image.get_height())
    whole = (0, 0, *canvas)
    layer_box = _common(_bounds(layer), whole)
    _, selected, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
    if not selected and not whole_layer:
        raise Refusal("Nothing is selected: select what should vanish, then try again.")
    selection = (x1, y1, x2 - x1, y2 - y1) if selected else layer_box
    reach = whole if sample == "visible" else layer_box
    if selection is None or reach is None or not _common(selection, reach):
        raise Refusal("The layer has nothing there: select a part of the canvas that the layer covers, or another layer.")
    return Capture(image, layer, sample, canvas, selection, bool(selected))


def _single_layer(image: Gimp.Image, drawables: list[Gimp.Drawable]) -> Gimp.Layer:
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Refusal("Photio cannot work on indexed images: convert it with Image > Mode > RGB first.")
    if image.get_floating_sel():
        raise Refusal("There is a floating selection: anchor it or make it a layer first.")
    if len(drawables) != 1:
        raise Refusal("Select exactly one layer, then try again.")
    (drawable,) = drawables
    if isinstance(drawable, Gimp.LayerMask):
        return Gimp.Layer.from_mask(drawable)
    if not isinstance(drawable, Gimp.Layer):
        raise Refusal("A channel is selected: select a layer instead.")
    return drawable


def _bounds(layer: Gimp.Layer) -> Rectangle:
    _, x, y = layer.get_offsets()
    return (x, y, layer.get_width(), layer.get_height())


def _common(one: Rectangle, other: Rectangle) -> Rectangle | None:
    """What both have in common, or None."""
    x, y = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[0] + one[2], other[0] + other[2]), min(one[1] + one[3], other[1] + other[3])
    return (x, y, right - x, bottom - y) if right > x and bottom > y else None


def _read(drawable: Gimp.Drawable, box: Rectangle, pixel_format: str) -> bytes:
    return drawable.get_buffer().get(Gegl.Rectangle.new(*box), 1.0, pixel_format, Gegl.AbyssPolicy.NONE)


def _write(drawable: Gimp.Drawable, size: tuple[int, int], pixel_format: str, pixels: bytes) -> None:
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, *size), pixel_format, pixels)
    buffer.flush()
    drawable.update(0, 0, *size)


def export_selection(captured: Capture, file: Path) -> None:
    """Writes the selection, within its bounds, as 8-bit P5."""
    _x, _y, width, height = captured.selection
    pixels = _read(captured.image.get_selection(), captured.selection, COVERAGE)
    file.write_bytes(f"P5\n{width} {height}\n255\n".encode() + pixels)


def export_crop(captured: Capture, box: Rectangle, file: Path) -> None:
    """Writes a part of what was captured: P6, or P7 with alpha where the layer does not fill it. 8 bits, sRGB."""
    _x, _y, width, height = box
    if captured.sample == "visible":
        pixels, opaque = _read_visible(captured.image, box), False
    else:
        offset_x, offset_y, *_ = bounds = _bounds(captured.layer)
        opaque = not captured.layer.has_alpha() and _common(bounds, box) == box
        inner = (box[0] - offset_x, box[1] - offset_y, width, height)
        pixels = _read(captured.layer, inner, RGB if opaque else RGBA)
    if opaque:
        header = f"P6\n{width} {height}\n255\n"
    else:
        header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    file.write_bytes(header.encode() + pixels)


def _read_visible(image: Gimp.Image, box: Rectangle) -> bytes:
    """The projection, RGBA. The duplicate shares its pixels with the image, and is cropped before it is rendered."""
    x, y, width, height = box
    copy = image.duplicate()
    try:
        copy.crop(width, height, x, y)
        return _read(Gimp.Layer.new_from_visible(copy, copy, "visible"), (0, 0, width, height), RGBA)
    finally:
        copy.delete()


def place(captured: Capture, finished: Finished, folder: Path, name: str) -> list[Gimp.Layer]:
    """Inserts the results right above the captured layer, the first one visible: one undo step.

    Selected layers stay selected. Where the captured layer is gone, the results go to the top of the stack.

    Raises:
        Refusal: the image has been closed meanwhile.
    """
    image = captured.image
    if not image.is_valid():
        raise Refusal("The image was closed meanwhile: the result is kept in Photio's journal.")
    mask = _payload(folder / finished.mask)
    layers = [_finished_layer(image, finished.box, folder / result.file, mask, name) for result in finished.results]
    if len(layers) > 1:
        for layer, result in zip(layers, finished.results, strict=True):
            layer.set_name(f"{name} (seed {result.seed})")
    parent, position = None, 0
    if captured.layer.is_valid():
        parent, position = captured.layer.get_parent(), image.get_item_position(captured.layer)
    before = image.get_selected_layers()
    image.undo_group_start()
    for number, layer in enumerate(reversed(layers), 1):
        layer.set_visible(number == len(layers))
        image.insert_layer(layer, parent, position)
    image.set_selected_layers(before)
    image.undo_group_end()
    Gimp.displays_flush()
    return layers


def _finished_layer(image: Gimp.Image, box: Rectangle, file: Path, mask: bytes, name: str) -> Gimp.Layer:
    """A layer with offsets, pixels and mask that the image does not know yet: a kill leaves nothing half-done."""
    x, y, width, height = box
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(x, y)
    pixels = _payload(file)
    _write(layer, (width, height), RGBA if len(pixels) == 4 * width * height else RGB, pixels)
    layer_mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(layer_mask)
    _write(layer_mask, (width, height), COVERAGE, mask)
    return layer


def _payload(file: Path) -> bytes:
    """The pixels of a PNM or PAM file that the bridge wrote."""
    data = file.read_bytes()
    if data.startswith(b"P7"):
        return data[data.index(b"ENDHDR\n") + len(b"ENDHDR\n") :]
    return data.split(b"\n", 3)[3]
