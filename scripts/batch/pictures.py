"""One picture of a batch inside GIMP: opened, its area selected, saved."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio, GLib

from canvas import named_mask
from canvas.reading import Refusal, bounds, empty_like
from gimp.pictures import MaskRefused, select_shown

#: The format in which the whole picture's alpha is read at once.
_ALPHA = "A u8"

#: These keep their layers.
_LAYERED = {".xcf", ".psd", ".ora"}

#: The procedures that write flattened pictures.
_EXPORTS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff", ".webp": "webp"}

#: Arguments of those that have them.
_KEPT = {"include-exif": True, "include-iptc": True, "include-xmp": True, "include-comment": True}

#: JPEG and WebP are compressed anew. JPEG's quality is a share, WebP's a percentage.
_QUALITY = {".jpg": {"quality": 0.95}, ".jpeg": {"quality": 0.95}, ".webp": {"quality": 95.0}}


def open_image(path: str) -> Gimp.Image:
    """Opens a file as GIMP does.

    Raises:
        Refusal: GIMP cannot open it.
    """
    try:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
        reason = Gimp.get_pdb().get_last_error() if image is None else ""
    except GLib.Error as error:
        image, reason = None, error.message
    if image is None:
        raise Refusal(f"GIMP cannot open it: {_line(reason)}")
    return image


def layer_of(image: Gimp.Image) -> Gimp.Layer:
    """The layer that results go above: the selected one if it is the only one, else the top one.

    Raises:
        Refusal: there is none.
    """
    selected = image.get_selected_layers()
    layers = selected if len(selected) == 1 else image.get_layers()[:1]
    if not layers:
        raise Refusal("It has no layers.")
    return layers[0]


@contextlib.contextmanager
def selecting(image: Gimp.Image, area: dict[str, str | None]) -> Iterator[Gimp.Image | None]:
    """An image of the same size whose selection is what is to be regenerated; None: the file's own selection is.

    So the selection in the file stays as it is.

    Args:
        area: "how": "selection" (the file's own), "name" (with "name": see `canvas.named_mask`), "picture" (with "file"
            and "means") or "transparent".

    Raises:
        Refusal: there is nothing to select.
    """
    if area["how"] == "name":
        with named_mask.selecting(image, str(area["name"])) as stage:
            yield stage
    elif area["how"] == "picture":
        stage = empty_like(image, image.get_width(), image.get_height())
        try:
            select_shown(stage, area["file"], area["means"])
            yield stage
        except MaskRefused as refused:
            raise Refusal(str(refused)) from refused
        finally:
            stage.delete()
    else:
        if area["how"] == "selection" and Gimp.Selection.is_empty(image):
            raise Refusal("Nothing is selected in it: save it with a selection, or say where the area is (--mask, …).")
        yield None


class Flat:
    """How an image is flattened: as GIMP does it, and to the last bit as it was where nothing was placed.

    Made before anything is placed. GIMP's flattening rounds: with a profile, values of 16 bits change by up to 11.
    """

    def __init__(self, image: Gimp.Image) -> None:
        layers = image.get_layers()
        single = layers[0] if len(layers) == 1 and not layers[0].is_group() else None
        self._transparent = bool(single.has_alpha()) if single else _is_transparent(image)
        self._pixels = single.get_buffer().dup() if single and _is_plain(image, single) else None

    def flattened(self, image: Gimp.Image, placed: list[Gimp.Layer], alpha: bool) -> Gimp.Image:
        """A flattened copy, which the caller has to delete.

        Args:
            placed: the layers that were placed in the image since.
            alpha: whether it may be transparent.
        """
        copy = image.duplicate()
        if self._transparent and alpha:
            flat = copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
        else:
            flat = copy.flatten()
        if self._pixels and flat.has_alpha() == self._transparent:
            for part in _around(_bounds(placed), (image.get_width(), image.get_height())):
                self._pixels.copy(part, Gegl.AbyssPolicy.NONE, flat.get_buffer(), part)
            flat.get_buffer().flush()
            flat.update(0, 0, flat.get_width(), flat.get_height())
        return copy


def _is_plain(image: Gimp.Image, layer: Gimp.Layer) -> bool:
    """Whether an image looks as its only layer's pixels say."""
    x, y, *size = bounds(layer)
    whole = (x, y) == (0, 0) and size == [image.get_width(), image.get_height()]
    normal = layer.get_mode() in (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY) and layer.get_opacity() == 100
    return whole and normal and layer.get_visible() and not layer.get_mask() and not layer.get_filters()


def _bounds(layers: list[Gimp.Layer]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of all of them."""
    boxes = [bounds(layer) for layer in layers]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    return left, top, max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)


def _around(box: tuple[int, int, int, int], size: tuple[int, int]) -> list[Gegl.Rectangle]:
    """The parts of a canvas around a box: above, below, left, right."""
    (width, height), (left, top, right, bottom) = size, box
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    parts = [(0, 0, width, top), (0, bottom, width, height - bottom)]
    parts += [(0, top, left, bottom - top), (right, top, width - right, bottom - top)]
    return [Gegl.Rectangle.new(*part) for part in parts if part[2] > 0 and part[3] > 0]


def _is_transparent(image: Gimp.Image) -> bool:
    """Whether an image is transparent somewhere."""
    seen = Gimp.Layer.new_from_visible(image, image, "seen")
    box = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    opaque = not seen.get_buffer().get(box, 1.0, _ALPHA, Gegl.AbyssPolicy.NONE).strip(b"\xff")
    seen.delete()
    return not opaque


def save(image: Gimp.Image, path: str, flat: Flat, placed: list[Gimp.Layer]) -> None:
    """Saves XCF, PSD and ORA with their layers; any other file flattened, in the image's precision if it has it.

    Args:
        placed: the layers that were placed in the image.

    Raises:
        Refusal: GIMP cannot write it.
    """
    suffix = Path(path).suffix.lower()
    layered = suffix in _LAYERED
    copy = image if layered else flat.flattened(image, placed, suffix not in (".jpg", ".jpeg"))
    try:
        written = _written(copy, path, suffix)
        reason = "" if written else Gimp.get_pdb().get_last_error()
    except GLib.Error as error:
        written, reason = False, error.message
    finally:
        if not layered:
            copy.delete()
    if not written:
        raise Refusal(f"GIMP cannot write {path}: {_line(reason)}")


def _written(image: Gimp.Image, path: str, suffix: str) -> bool:
    """Writes a file, with what GIMP leaves out if a script does not ask for it. Returns whether that succeeded."""
    file = Gio.File.new_for_path(path)
    if suffix not in _EXPORTS:
        return bool(Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None))
    export = Gimp.get_pdb().lookup_procedure(f"file-{_EXPORTS[suffix]}-export")
    config = export.create_config()
    config.set_property("image", image)
    config.set_property("file", file)
    own_profile = image.get_color_profile() is not None  # otherwise GIMP would add its own sRGB
    wishes = {**_KEPT, **_QUALITY.get(suffix, {}), "include-color-profile": own_profile}
    for name, value in wishes.items():
        if config.find_property(name):
            config.set_property(name, value)
    return bool(export.run(config).index(0) == Gimp.PDBStatusType.SUCCESS)


def _line(text: str | None) -> str:
    return " ".join((text or "no reason is given").split())
