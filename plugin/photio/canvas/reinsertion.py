"""Inserts a result of the history into an image. No GTK here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gi.repository import Gimp, Gio

from bridge.common.i18n import _
from bridge.protocol import Document, Finished, Rectangle
from bridge.protocol.history import Picture, Recalled
from canvas import reading
from canvas.building import moved
from canvas.generation import layer_name
from canvas.placing import place_at
from canvas.reading import Refusal
from canvas.stacking import Target, collecting, target_of


@dataclass(frozen=True)
class Inserted:
    """The new layer, and a sentence that tells the user where it is."""

    layer: Gimp.Layer
    sentence: str


@dataclass(frozen=True)
class Spot:
    """Where a result goes.

    Attributes:
        shift: px to the right and down from its original place.
        sentence: tells the user the place; {name} stands for the image's name.
    """

    target: Target
    shift: tuple[int, int]
    sentence: str


def insert(image: Gimp.Image, recalled: Recalled, variation: int, insert_as: str = "new") -> Inserted:
    """Inserts one result: at its old place if this is the image that it was made for, else in the middle.

    In another image that is the middle of the selection, or of the canvas. A plug-in cannot find out which part of the
    image is in view: the PDB and libgimp of 3.0.4 and 3.2.6 offer nothing for that.

    Args:
        insert_as: "retouch": at its old place it goes into the retouch layer; "new": it becomes a layer of its own.

    Raises:
        Refusal: it cannot be placed in this image; nothing was changed.
    """
    if not image.is_valid():
        raise Refusal(_("The image was closed: open it again, then choose History… in its menu."))
    chosen = only(recalled.finished, variation)
    spot = _old_place(image, recalled, insert_as) if is_same(image, recalled.document) else _middle(image, chosen.box)
    _refuse_unplaceable(image, spot.target.below)
    placed, folder, name = moved(chosen, *spot.shift), Path(recalled.folder), _name(recalled)
    (layer,) = place_at(spot.target, placed, folder, name)
    Gimp.displays_flush()
    return Inserted(layer, spot.sentence.format(name=image.get_name()))


def open_as_new(picture: Picture, recalled: Recalled, variation: int) -> Inserted:
    """Opens a new image with the picture before the change, and the result above it.

    Args:
        picture: the picture before the change, possibly scaled down.

    Raises:
        GLib.Error: the picture cannot be loaded.
        Refusal: the result is gone.
    """
    chosen, folder = only(recalled.finished, variation), Path(recalled.folder)
    x, y, width, height = picture.box
    crops = list(folder.glob("base-*.pnm"))
    file = crops[0] if len(crops) == 1 else folder / picture.file  # a single crop is the whole picture, unscaled
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    try:
        image.undo_disable()
        before = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(file)))
        before.set_name(_("Before"))
        image.insert_layer(before, None, 0)
        if (before.get_width(), before.get_height()) != (width, height):
            before.scale(width, height, False)
        image.undo_enable()
        name = _name(recalled)
        (layer,) = place_at(Target(image, before), moved(chosen, -x, -y), folder, name)
    except BaseException:
        image.delete()
        raise
    Gimp.Display.new(image)
    return Inserted(layer, _("Opened as a new image."))


def is_same(image: Gimp.Image, document: Document) -> bool:
    """Whether this is the image that the result was made for, with the same size, or not expanded yet."""
    layers, sizes = image.get_layers(), [document.canvas, *([document.before[2:]] if document.before else [])]
    if not layers or (image.get_width(), image.get_height()) not in sizes:
        return False
    here = reading.document(image, layers[0])
    return here.session == document.session or not set(here.files).isdisjoint(document.files)


def _name(recalled: Recalled) -> str:
    return layer_name(recalled.job.prompt, expanded=recalled.document.before is not None)


def only(finished: Finished, variation: int) -> Finished:
    """The results reduced to one variation.

    Raises:
        Refusal: there is no such variation.
    """
    chosen = tuple(result for result in finished.results if result.variation == variation)
    if not chosen:
        raise Refusal(_("Nothing of this result can be inserted: Show in Files shows what there is."))
    return replace(finished, results=chosen)


def _old_place(image: Gimp.Image, recalled: Recalled, insert_as: str) -> Spot:
    """Where it went when it was made. After a re-roll the result of before is hidden, as it was then."""
    tattoo, job = recalled.document.layer, recalled.job
    below = image.get_layer_by_tattoo(tattoo) if tattoo > 0 else None
    again = job.source not in (0, tattoo)
    source = image.get_layer_by_tattoo(job.source) if job.source > 0 else below
    if insert_as == "retouch" and source and not again:
        target = collecting(image, job.sample, source, None, None)
    else:
        target = target_of(image, job.sample, below, source, hidden=below if again else None)
    document = recalled.document
    if document.before and (image.get_width(), image.get_height()) == document.before[2:]:
        target = replace(target, enlarged=(*document.canvas, *document.before[:2]))
    return Spot(target, (0, 0), _("Inserted into “{name}” at its old place."))


def _middle(image: Gimp.Image, box: Rectangle) -> Spot:
    """Above the selected layer, in the middle of the selection or the canvas."""
    selected_layers = image.get_selected_layers()
    target = Target(image, selected_layers[0] if len(selected_layers) == 1 else None, clipped=False)
    _ok, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    if not selected:
        left, top, right, bottom = 0, 0, image.get_width(), image.get_height()
    shift = ((left + right - box[2]) // 2 - box[0], (top + bottom - box[3]) // 2 - box[1])
    if selected:
        return Spot(target, shift, _("Inserted into “{name}”, in the middle of the selection."))
    return Spot(target, shift, _("Inserted into “{name}”, in the middle."))


def _refuse_unplaceable(image: Gimp.Image, below: Gimp.Layer | None) -> None:
    """Raises `Refusal` if no result can be placed in the image, or not there."""
    layers = [below] if below else image.get_layers()[:1]
    if layers or image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        reading.single_layer(image, layers)  # an image without any layer is no obstacle
