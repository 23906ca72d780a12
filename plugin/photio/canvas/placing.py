"""Writes GIMP's pixels: makes a result a layer that is finished before the image knows it."""

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

#: What the bridge writes, by the bytes of a pixel.
FORMATS: dict[float, str] = {2: "Y' u16", 6: "R'G'B' u16", 8: RGBA}


def place(captured: Capture, finished: Finished, folder: Path, name: str) -> list[Gimp.Layer]:
    """Inserts the results right above the captured layer; see `place_above`.

    Raises:
        Refusal: also where the image was scaled, rotated or cropped meanwhile.
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
    """Inserts the results right above the layer `below`: one insertion, and one undo step.

    Several variations go into a group that has the mask, the first one visible. Selected layers stay selected.
    Where the layer is gone, the result goes to the top of the stack. `hidden` is not to be seen any longer. To be seen
    at once it takes `Gimp.displays_flush`, after which GIMP is busy for a while.

    Returns:
        The variations' layers.

    Raises:
        Refusal: the image cannot take the result as it is now. Its layers stay as they were.
        OSError: the result's files cannot be read. The image stays as it was.
    """
    hidden = hidden if hidden and hidden.is_valid() else None
    with _errors_are_ours():
        kind = _kind(image, below)
        while True:
            layer = _built(image, hidden, finished, folder, name)
            with _deleted_on_failure(layer):
                # the user goes on working: the image may be another kind than when its layer was begun
                begun, kind = kind, _kind(image, below)
                if kind == begun:
                    _insert(image, layer, below, hidden)
                    return layer.get_children() if len(finished.results) > 1 else [layer]
                layer.delete()


def moved(finished: Finished, right: int, down: int) -> Finished:
    """The same, so many px away."""

    def box(old: Rectangle) -> Rectangle:
        return (old[0] + right, old[1] + down, old[2], old[3])

    def patches(old: tuple[Patch, ...]) -> tuple[Patch, ...]:
        return tuple(replace(patch, box=box(patch.box)) for patch in old)

    results = tuple(replace(result, patches=patches(result.patches)) for result in finished.results)
    return replace(finished, box=box(finished.box), masks=patches(finished.masks), results=results)


def _shift(captured: Capture) -> tuple[int, int]:
    """How far a canvas of another size has moved what is on it, in px.

    Raises:
        Refusal: not only the canvas changed, but also the layer or its size.
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
    """All that a layer must have in common with the image.

    Raises:
        Refusal: the image can take no result, or not there.
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
    """Lets GIMP show no message of its own where it cannot do something: the user hears one sentence, ours."""
    plug_in = Gimp.get_plug_in()
    before = plug_in.get_pdb_error_handler()
    plug_in.set_pdb_error_handler(Gimp.PDBErrorHandler.PLUGIN)
    try:
        yield
    finally:
        plug_in.set_pdb_error_handler(before)


@contextlib.contextmanager
def _deleted_on_failure(layer: Gimp.Layer) -> Iterator[None]:
    """A layer that no image has would stay in GIMP's memory, where nobody sees it."""
    try:
        yield
    except BaseException:
        layer.delete()
        raise


def _built(image: Gimp.Image, hidden: Gimp.Layer | None, finished: Finished, folder: Path, name: str) -> Gimp.Layer:
    """What is to be inserted, finished, as the image is now.

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
                _add_mask(layer, finished.box, finished.masks, folder)
            _composite_exactly(layer, image, hidden)
    except TypeError as error:  # PyGObject's, where GIMP returns nothing
        if image.is_valid():
            raise
        raise _closed() from error
    return layer


def _insert(image: Gimp.Image, layer: Gimp.Layer, below: Gimp.Layer | None, hidden: Gimp.Layer | None) -> None:
    """The insertion, as one undo step.

    Raises:
        Refusal: GIMP refused it, as where the image was converted in this very moment. An undo step that does nothing
            is left then: GIMP cannot take it away.
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
    """A layer with offsets, pixels and parasite, that the image does not know yet."""
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
    """Has GIMP composite the layer in the space that the pixels below are in.

    Left to itself it goes through linear light. That is where the pixels below are anyhow, once several layers make
    them. A single layer's are as they are stored, and the way to linear light and back changes last bits all over a
    16-bit or float image in some profiles, even where the new layer shows nothing.
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
    """A group of all variations, built in an image of its own: only an inserted group can have children."""
    _x, _y, width, height = finished.box
    scratch = empty_like(image, width, height)
    try:
        group = Gimp.GroupLayer.new(scratch, name)
        scratch.insert_layer(group, None, 0)
        for position, result in enumerate(finished.results):
            full_name = _("{name} (seed {seed})").format(name=name, seed=result.seed)
            layer = _layer(scratch, finished.box, result, folder, full_name)
            layer.set_visible(position == 0)
            scratch.insert_layer(layer, group, position)
        _add_mask(group, finished.box, finished.masks, folder)
        copy = Gimp.Layer.new_from_drawable(group, image)
        copy.set_name(name)  # it says “… copy”
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
