"""Builds the layer of a result completely, before it goes into the image."""

from __future__ import annotations

import array
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gi.repository import Gegl, Gimp

from bridge.common.i18n import _
from bridge.protocol import Finished, Patch, Rectangle, Result
from canvas import provenance
from canvas.blending import single_space
from canvas.exporting import COVERAGE
from canvas.reading import Refusal, empty_like
from canvas.stacking import Stacking, Target

RGBA = "R'G'B'A u16"

#: The formats that the bridge writes, by the number of bytes per pixel.
FORMATS: dict[float, str] = {2: "Y' u16", 6: "R'G'B' u16", 8: RGBA}


@dataclass(frozen=True)
class Files:
    """The files of a job's results. `opaque`: their alpha is ignored."""

    folder: Path
    opaque: bool = False

    def soft(self, finished: Finished) -> bool:
        """Whether a result has pixels that are neither opaque nor transparent."""
        return any(not self._alpha(patch) <= {0, 255} for result in finished.results for patch in result.patches)

    def _alpha(self, patch: Patch) -> set[int]:
        """All values of a result's alpha, 0–255; empty if it has none."""
        pixels = self.content(patch)
        return set(pixels[6::8]) if _format(patch, pixels) == RGBA else set()

    def colours(self, patch: Patch) -> tuple[str, bytes]:
        """The format of a result's pixels, and the pixels."""
        pixels = self.content(patch)
        pixel_format = _format(patch, pixels)
        if self.opaque and pixel_format == RGBA:
            whole = bytearray(pixels)
            whole[6::8] = whole[7::8] = b"\xff" * (len(pixels) // 8)
            pixels = bytes(whole)
        return pixel_format, _native(pixels)

    def content(self, patch: Patch) -> bytes:
        """The pixels of a PNM or PAM file that the bridge wrote.

        Raises:
            OSError: it cannot be read.
        """
        data = (self.folder / patch.file).read_bytes()
        if data.startswith(b"P7"):
            return data[data.index(b"ENDHDR\n") + len(b"ENDHDR\n") :]
        return data.split(b"\n", 3)[3]


def _format(patch: Patch, pixels: bytes) -> str:
    return FORMATS.get(len(pixels) / (patch.box[2] * patch.box[3]), RGBA)


def build(target: Target, stacking: Stacking, finished: Finished, folder: Path, name: str) -> Gimp.Layer:
    """The complete layer or group, built for the image as it is now.

    Args:
        folder: of the results' files.
        name: of the new layer.

    Raises:
        Refusal: the image was closed.
        OSError: a file cannot be read.
    """
    image, files = target.image, Files(folder, opaque=stacking.clipped)
    try:
        if len(finished.results) > 1:
            layer = _group(image, finished, files, name)
        else:
            layer = single(image, finished, files, name)
        with deleted_on_failure(layer):
            if not stacking.isolated:
                _composite_exactly(layer, image, target.hidden)
            if stacking.clipped:
                layer.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
    except TypeError as error:  # PyGObject raises it where GIMP returns nothing
        if image.is_valid():
            raise
        raise closed() from error
    return layer


def closed() -> Refusal:
    return Refusal(_("The image was closed meanwhile: the result is in Filters > Photio > History."))


@contextlib.contextmanager
def deleted_on_failure(layer: Gimp.Layer) -> Iterator[None]:
    """Deletes the layer after an exception: GIMP would keep it in memory although it belongs to no image."""
    try:
        yield
    except BaseException:
        layer.delete()
        raise


def single(image: Gimp.Image, finished: Finished, files: Files, name: str) -> Gimp.Layer:
    """The layer of the first result, with its mask, not inserted yet."""
    layer = _layer(image, finished.box, finished.results[0], files, name)
    with deleted_on_failure(layer):
        _add_mask(layer, finished.box, finished.masks_of(finished.results[0]), files)
    return layer


def moved(finished: Finished, right: int, down: int) -> Finished:
    """The same results, moved by so many px."""

    def box(old: Rectangle) -> Rectangle:
        return (old[0] + right, old[1] + down, old[2], old[3])

    def patches(old: tuple[Patch, ...]) -> tuple[Patch, ...]:
        return tuple(replace(patch, box=box(patch.box)) for patch in old)

    results = tuple(
        replace(result, patches=patches(result.patches), masks=patches(result.masks)) for result in finished.results
    )
    return replace(finished, box=box(finished.box), masks=patches(finished.masks), results=results)


def kind(image: Gimp.Image) -> Gimp.ImageType:
    """The type of layers in an image, with alpha."""
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    return Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE


def _layer(image: Gimp.Image, box: Rectangle, result: Result, files: Files, name: str) -> Gimp.Layer:
    """A layer with offsets, pixels and parasite, not inserted yet."""
    x, y, width, height = box
    layer = Gimp.Layer.new(image, name, width, height, kind(image), 100, Gimp.LayerMode.NORMAL)
    with deleted_on_failure(layer):
        layer.set_offsets(x, y)
        for patch in result.patches:
            _write(layer, _within(patch.box, box), *files.colours(patch))
        provenance.attach(layer, result.provenance)
    return layer


def _composite_exactly(layer: Gimp.Layer, image: Gimp.Image, hidden: Gimp.Layer | None) -> None:
    """Makes GIMP composite the layer in the colour space of the pixels below.

    By default GIMP composites in linear light. The projection of several layers is in linear light anyway. A single
    layer's pixels are as stored. In some profiles, converting them to linear light and back changes the last bits of a
    16-bit or float image, even where the new layer is transparent.
    """
    space = single_space(image, hidden)
    if space is not None:
        layer.set_blend_space(space)
        layer.set_composite_space(space)


def _group(image: Gimp.Image, finished: Finished, files: Files, name: str) -> Gimp.Layer:
    """A group of all variations. It is built in an image of its own, for only an inserted group can have children.

    The group has their common mask, unless one of them has a mask of its own: then each has one.
    """
    _x, _y, width, height = finished.box
    differ = any(result.masks for result in finished.results)
    scratch = empty_like(image, width, height)
    try:
        group = Gimp.GroupLayer.new(scratch, name)
        scratch.insert_layer(group, None, 0)
        for position, result in enumerate(finished.results):
            full_name = _("{name} (seed {seed})").format(name=name, seed=result.seed)
            layer = _layer(scratch, finished.box, result, files, full_name)
            layer.set_visible(position == 0)
            scratch.insert_layer(layer, group, position)
            if differ:
                _add_mask(layer, finished.box, finished.masks_of(result), files)
        if not differ:
            _add_mask(group, finished.box, finished.masks, files)
        copy = Gimp.Layer.new_from_drawable(group, image)
        copy.set_name(name)  # GIMP named it “… copy”
        return copy
    finally:
        scratch.delete()


def _add_mask(layer: Gimp.Layer, box: Rectangle, masks: tuple[Patch, ...], files: Files) -> None:
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    for patch in masks:
        _write(mask, _within(patch.box, box), COVERAGE, files.content(patch))


def _within(box: Rectangle, outer: Rectangle) -> Rectangle:
    return (box[0] - outer[0], box[1] - outer[1], box[2], box[3])


def _write(drawable: Gimp.Drawable, box: Rectangle, pixel_format: str, pixels: bytes) -> None:
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(*box), pixel_format, pixels)
    buffer.flush()
    drawable.update(*box)


def _native(pixels: bytes) -> bytes:
    """PNM's 16-bit values are big-endian, babl's are the machine's own."""
    if sys.byteorder == "big":
        return pixels
    values = array.array("H", pixels)
    values.byteswap()
    return values.tobytes()
