"""Reads GIMP's pixels, and writes them into files for the bridge. All boxes are in canvas px."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gi.repository import Gegl, Gimp

from bridge.protocol import Rectangle
from canvas import reading, stacking
from canvas.reading import Capture

#: Bare format names mean sRGB: babl converts from and to the image's profile and precision by itself.
RGB, RGBA = "R'G'B' u8", "R'G'B'A u8"

#: Masks and selections are linear data; "Y' u8" would bend them.
COVERAGE = "Y u8"

#: Rows of a selection that are read at once. It may be as large as the canvas, and memory is slow the first time.
BAND = 256


def _pixels(buffer: Gegl.Buffer, box: Rectangle, pixel_format: str) -> bytes:
    """The pixels in `box`, relative to the drawable; transparent outside the drawable."""
    pixels: bytes = buffer.get(Gegl.Rectangle.new(*box), 1.0, pixel_format, Gegl.AbyssPolicy.NONE)
    return pixels


def _scaled(drawable: Gimp.Drawable, box: Rectangle, size: tuple[int, int]) -> bytes:
    """The pixels in `box`, RGBA, scaled to `size` px. GEGL expects the box in px of the result."""
    x, y, width, _height = box
    scale = size[0] / width
    area = Gegl.Rectangle.new(round(x * scale), round(y * scale), *size)
    pixels: bytes = drawable.get_buffer().get(area, scale, RGBA, Gegl.AbyssPolicy.NONE)
    return pixels


def export_selection(captured: Capture, file: Path) -> None:
    """Writes the mask of the part to be regenerated, within its bounds, as 8-bit P5. Only if there is a mask."""
    assert captured.coverage is not None
    x, y, width, height = captured.selection
    left, top = captured.origin
    buffer = captured.coverage.get_buffer()
    rows = ((first, min(BAND, height - first)) for first in range(0, height, BAND))
    parts = (_pixels(buffer, (x - left, y - top + first, width, count), COVERAGE) for first, count in rows)
    _write(file, f"P5\n{width} {height}\n255\n", parts)


def picture(captured: Capture, box: Rectangle, size: tuple[int, int]) -> bytes:
    """A part of the captured image for display: scaled to `size` (px), RGBA, 8 bits, sRGB."""
    box = captured.here(box)
    if not _is_plain(captured):
        return _rendered(captured, box, size)
    x, y, *_size = reading.bounds(captured.source)
    return _scaled(captured.source, (box[0] - x, box[1] - y, box[2], box[3]), size)


def export_crops(captured: Capture, crops: Iterable[tuple[Rectangle, Path]]) -> None:
    """Writes parts of the captured image into files, 8 bits, sRGB: as P6, or as P7 with alpha if it may be
    transparent."""
    source, crops = captured.source, [(captured.here(box), file) for box, file in crops]
    if not _is_plain(captured):
        for box, file in crops:
            _write(file, _rgba_header(box), [_rendered(captured, box, box[2:])])
        return
    # only once: each of these calls takes as long as reading a small crop
    where, solid, buffer = reading.bounds(source), not source.has_alpha(), source.get_buffer()
    for box, file in crops:
        x, y, width, height = box
        opaque = solid and reading.common(where, box) == box
        header = f"P6\n{width} {height}\n255\n" if opaque else _rgba_header(box)
        here = (x - where[0], y - where[1], width, height)
        _write(file, header, [_pixels(buffer, here, RGB if opaque else RGBA)])


def _rgba_header(box: Rectangle) -> str:
    return f"P7\nWIDTH {box[2]}\nHEIGHT {box[3]}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"


def _write(file: Path, header: str, pixels: Iterable[bytes]) -> None:
    """Writes a picture, whose pixels may come in parts. The `OSError` names the file, also when the disk is full."""
    try:
        with file.open("wb") as stream:
            stream.write(header.encode())
            stream.writelines(pixels)
    except OSError as error:
        error.filename = error.filename or str(file)
        raise


def _is_plain(captured: Capture) -> bool:
    """Whether the sample shows just the layer's own pixels: no other layers, filters or masks."""
    source = captured.source
    alone = captured.sample == "layer" and not source.is_group() and captured.earlier is None
    return alone and not source.get_filters() and not _masks(source)


def _masks(layer: Gimp.Layer) -> bool:
    return bool(layer.get_mask()) and layer.get_apply_mask()


def _rendered(captured: Capture, box: Rectangle, size: tuple[int, int]) -> bytes:
    """The layer or the image in `box` with effects and masks, scaled to `size` px, RGBA.

    GIMP renders an image of just this box, into which the layers are copied; the copies share their pixels with the
    originals, and effects still see whole layers. Cropping a copy of the image would not do: GIMP may start to render
    the whole canvas before it is cropped, and does not respond meanwhile.
    """
    x, y, width, height = box
    alone = captured.sample == "layer"
    shown = [layer for layer in _layers(captured) if alone or layer.get_visible()]
    stage = reading.empty_like(captured.image, width, height)
    try:
        for position, layer in enumerate(shown):
            stage.insert_layer(Gimp.Layer.new_from_drawable(layer, stage), None, position)
        stage.resize(width, height, -x, -y)
        if alone:
            _bare(stage.get_layers()[-1])
        elif captured.hidden:
            for layer, twin in zip(reading.with_children(shown), reading.every_layer(stage), strict=True):
                twin.set_visible(layer.get_visible() and layer != captured.hidden)
        for twin in reading.every_layer(stage):
            twin.set_show_mask(False)
        layer = Gimp.Layer.new_from_visible(stage, stage, "rendered")
        try:
            return _scaled(layer, (0, 0, width, height), size)
        finally:
            layer.delete()  # it is in no image, so GIMP would keep it in memory until it ends
    finally:
        stage.delete()


def _layers(captured: Capture) -> list[Gimp.Layer]:
    """The layers that are composited for the sample, from top to bottom; hidden ones included."""
    if captured.sample == "layer":
        return [captured.earlier, captured.source] if captured.earlier else [captured.source]
    if captured.sample == "below":
        return stacking.at_and_below(captured.image, captured.earlier or captured.layer)
    return list(captured.image.get_layers())


def _bare(layer: Gimp.Layer) -> None:
    """Makes a layer visible and opaque, in normal mode."""
    layer.set_visible(True)
    layer.set_opacity(100)
    layer.set_mode(Gimp.LayerMode.NORMAL)
    layer.set_composite_mode(Gimp.LayerCompositeMode.AUTO)
