"""Places results: builds each layer completely, then inserts it into the image."""

from __future__ import annotations

import array
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gi.repository import Gegl, Gimp

from bridge.common.i18n import _
from bridge.protocol import PROVENANCE, Finished, Patch, Rectangle, Result
from canvas.exporting import COVERAGE
from canvas.reading import Capture, Refusal, bounds, empty_like, locked_group

RGBA = "R'G'B'A u16"

#: The formats that the bridge writes, by the number of bytes per pixel.
FORMATS: dict[float, str] = {2: "Y' u16", 6: "R'G'B' u16", 8: RGBA}


def place(captured: Capture, finished: Finished, folder: Path, name: str) -> list[Gimp.Layer]:
    """Inserts the results right above the captured layer; see `place_above`.

    Raises:
        Refusal: also if the image was scaled, rotated or cropped meanwhile.
    """
    if captured.image.is_valid():
        finished = moved(finished, *_shift(captured))
    return place_above(captured.image, captured.layer, captured.hidden, finished, folder, name)


def place_above(
    image: Gimp.Image,
    below: Gimp.Layer | None,
    hidden: Gimp.Layer | None,
    finished: Finished,
    folder: Path,
    name: str,
) -> list[Gimp.Layer]:
    """Inserts the results right above a layer, with one insertion and one undo step. Selected layers stay selected.

    Several variations are put into a group with a common mask; only the first one is visible. The image is redrawn
    only after `Gimp.displays_flush`, which keeps GIMP busy for a while.

    Args:
        below: the layer; if it is None or gone, the results go to the top of the stack.
        hidden: a layer to hide, or None.
        finished: the results.
        folder: the folder of their files.
        name: of the new layer.

    Returns:
        The variations' layers.

    Raises:
        Refusal: the image cannot take the result now. Its layers stay as they were.
        OSError: the result's files cannot be read. The image stays as it was.
    """
    hidden = hidden if hidden and hidden.is_valid() else None
    with _errors_are_ours():
        kind = _kind(image, below)
        while True:
            layer = _built(image, hidden, finished, folder, name)
            with _deleted_on_failure(layer):
                # the user goes on working, and may have converted the image while the layer was built
                built_for, kind = kind, _kind(image, below)
                if kind == built_for:
                    _insert(image, layer, below, hidden)
                    return layer.get_children() if len(finished.results) > 1 else [layer]
                layer.delete()


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


def _shift(captured: Capture) -> tuple[int, int]:
    """How far the layer has moved because the canvas was resized, in px.

    Raises:
        Refusal: the layer was resized, too, or is gone.
    """
    if (captured.image.get_width(), captured.image.get_height()) == captured.canvas:
        return (0, 0)
    if captured.layer.is_valid():
        x, y, *size = bounds(captured.layer)
        left, top, *size_before = captured.where
        if size == size_before:
            return (x - left, y - top)
    raise Refusal(
        _(
            "The image was scaled, rotated or cropped meanwhile, so the result does not fit it. Undo that, then insert "
            "the result from Filters > Photio > History."
        )
    )


def _kind(image: Gimp.Image, below: Gimp.Layer | None) -> tuple[object, ...]:
    """The properties of the image that a new layer must share: base type, precision and profile.

    Raises:
        Refusal: no result can be placed in the image, or not there.
    """
    if not image.is_valid():
        raise _closed()
    base = image.get_base_type()
    if base == Gimp.ImageBaseType.INDEXED:
        sentence = _(
            "The image is indexed now: convert it with Image > Mode > RGB, then insert the result from "
            "Filters > Photio > History."
        )
        raise Refusal(sentence)
    if below and below.is_valid() and (locked := locked_group(below)):
        sentence = _(
            "The layer group “{name}” was locked meanwhile: unlock its pixels, then insert the result from Filters > "
            "Photio > History."
        )
        raise Refusal(sentence.format(name=locked.get_name()))
    profile = image.get_color_profile()
    return (base, image.get_precision(), profile.get_icc_profile() if profile else b"")


def _closed() -> Refusal:
    return Refusal(_("The image was closed meanwhile: the result is in Filters > Photio > History."))


@contextlib.contextmanager
def _errors_are_ours() -> Iterator[None]:
    """Keeps GIMP from showing its own messages about failed calls: the user sees one sentence, ours."""
    plug_in = Gimp.get_plug_in()
    before = plug_in.get_pdb_error_handler()
    plug_in.set_pdb_error_handler(Gimp.PDBErrorHandler.PLUGIN)
    try:
        yield
    finally:
        plug_in.set_pdb_error_handler(before)


@contextlib.contextmanager
def _deleted_on_failure(layer: Gimp.Layer) -> Iterator[None]:
    """Deletes the layer after an exception: GIMP would keep it in memory although it belongs to no image."""
    try:
        yield
    except BaseException:
        layer.delete()
        raise


def _built(image: Gimp.Image, hidden: Gimp.Layer | None, finished: Finished, folder: Path, name: str) -> Gimp.Layer:
    """The complete layer or group, built for the image as it is now.

    Raises:
        Refusal: the image was closed.
        OSError: a file cannot be read.
    """
    try:
        if len(finished.results) > 1:
            layer = _group(image, finished, folder, name)
        else:
            layer = _layer(image, finished.box, finished.results[0], folder, name)
        with _deleted_on_failure(layer):
            if len(finished.results) == 1:
                _add_mask(layer, finished.box, finished.masks_of(finished.results[0]), folder)
            _composite_exactly(layer, image, hidden)
    except TypeError as error:  # PyGObject raises it where GIMP returns nothing
        if image.is_valid():
            raise
        raise _closed() from error
    return layer


def _insert(image: Gimp.Image, layer: Gimp.Layer, below: Gimp.Layer | None, hidden: Gimp.Layer | None) -> None:
    """The insertion, as one undo step.

    Raises:
        Refusal: GIMP refused it, because the image was converted at this very moment, for example. An empty undo step
            stays then, which cannot be removed.
    """
    before = image.get_selected_layers()
    parent, position = None, 0
    if below and below.is_valid():
        parent, position = below.get_parent(), image.get_item_position(below)
    image.undo_group_start()
    try:
        if not image.insert_layer(layer, parent, position):
            reason = Gimp.get_pdb().get_last_error()
            sentence = _("GIMP could not insert the layer ({reason}): the result is in Filters > Photio > History.")
            raise Refusal(sentence.format(reason=reason)) if image.is_valid() else _closed()
        if hidden:
            hidden.set_visible(False)
        image.set_selected_layers(before)
    finally:
        image.undo_group_end()


def _layer(image: Gimp.Image, box: Rectangle, result: Result, folder: Path, name: str) -> Gimp.Layer:
    """A layer with offsets, pixels and parasite, not inserted yet."""
    x, y, width, height = box
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAYA_IMAGE if gray else Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    with _deleted_on_failure(layer):
        layer.set_offsets(x, y)
        for patch in result.patches:
            pixels = _payload(folder / patch.file)
            pixel_format = FORMATS.get(len(pixels) / (patch.box[2] * patch.box[3]), RGBA)
            _write(layer, _within(patch.box, box), pixel_format, _native(pixels))
        # flag 1: saved with the image
        layer.attach_parasite(Gimp.Parasite.new(PROVENANCE, 1, result.provenance.encode()))
    return layer


def _composite_exactly(layer: Gimp.Layer, image: Gimp.Image, hidden: Gimp.Layer | None) -> None:
    """Makes GIMP composite the layer in the colour space of the pixels below.

    By default GIMP composites in linear light. The projection of several layers is in linear light anyway. A single
    layer's pixels are as stored. In some profiles, converting them to linear light and back changes the last bits of a
    16-bit or float image, even where the new layer is transparent.
    """
    shown = [other for other in image.get_layers() if other.get_visible() and other != hidden]
    if len(shown) != 1 or shown[0].is_group():
        return
    spaces = {50: Gimp.LayerColorSpace.RGB_NON_LINEAR, 75: Gimp.LayerColorSpace.RGB_PERCEPTUAL}
    # the hundreds are the type, the rest is the transfer function: 100 is linear U8, 150 non-linear U8
    space = spaces.get(int(image.get_precision()) % 100, Gimp.LayerColorSpace.RGB_LINEAR)
    layer.set_blend_space(space)
    layer.set_composite_space(space)


def _group(image: Gimp.Image, finished: Finished, folder: Path, name: str) -> Gimp.Layer:
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
            layer = _layer(scratch, finished.box, result, folder, full_name)
            layer.set_visible(position == 0)
            scratch.insert_layer(layer, group, position)
            if differ:
                _add_mask(layer, finished.box, finished.masks_of(result), folder)
        if not differ:
            _add_mask(group, finished.box, finished.masks, folder)
        copy = Gimp.Layer.new_from_drawable(group, image)
        copy.set_name(name)  # GIMP named it “… copy”
        return copy
    finally:
        scratch.delete()


def _add_mask(layer: Gimp.Layer, box: Rectangle, masks: tuple[Patch, ...], folder: Path) -> None:
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    for patch in masks:
        _write(mask, _within(patch.box, box), COVERAGE, _payload(folder / patch.file))


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


def _payload(file: Path) -> bytes:
    """The pixels of a PNM or PAM file that the bridge wrote."""
    data = file.read_bytes()
    if data.startswith(b"P7"):
        return data[data.index(b"ENDHDR\n") + len(b"ENDHDR\n") :]
    return data.split(b"\n", 3)[3]
