"""One picture of a batch inside GIMP: opened, its area selected, saved."""

from __future__ import annotations

from pathlib import Path

from gi.repository import Gegl, Gimp, Gio, GLib

from canvas.reading import Refusal, every_layer
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


def select_area(image: Gimp.Image, area: dict[str, str | None]) -> None:
    """Selects what is to be regenerated.

    Args:
        area: "how": "selection" (the file's own), "name" (with "name": a channel, path, layer mask or layer), "picture"
            (with "file" and "means") or "transparent".

    Raises:
        Refusal: there is nothing to select.
    """
    if area["how"] == "picture":
        try:
            select_shown(image, area["file"], area["means"])
        except MaskRefused as refused:
            raise Refusal(str(refused)) from refused
    elif area["how"] == "name":
        image.select_item(Gimp.ChannelOps.REPLACE, _named(image, str(area["name"])))
    if area["how"] != "transparent" and Gimp.Selection.is_empty(image):
        raise Refusal("Nothing is selected in it: save it with a selection, or say where the area is (--mask, …).")


def _named(image: Gimp.Image, name: str) -> Gimp.Item:
    """The channel, path, layer mask (by its own name or its layer's) or layer of that name."""
    found = image.get_channel_by_name(name) or image.get_path_by_name(name)
    layers = list(every_layer(image))
    found = found or next((layer.get_mask() for layer in layers if _is_masked(layer, name)), None)
    found = found or next((layer for layer in layers if layer.get_name() == name), None)
    if found is None:
        raise Refusal(f"It has no channel, path, layer mask or layer “{name}”.")
    return found


def _is_masked(layer: Gimp.Layer, name: str) -> bool:
    mask = layer.get_mask()
    return bool(mask) and name in (mask.get_name(), layer.get_name())


class Selection:
    """An image's own selection, to be put back before the image is saved."""

    def __init__(self, image: Gimp.Image) -> None:
        self._image = image
        self._kept = None if Gimp.Selection.is_empty(image) else image.get_selection().get_buffer().dup()

    def restore(self) -> None:
        """Puts it back."""
        if self._kept is None:
            Gimp.Selection.none(self._image)
            return
        size = (self._image.get_width(), self._image.get_height())
        channel = Gimp.Channel.new(self._image, "selection", *size, 100, Gegl.Color.new("white"))
        self._image.insert_channel(channel, None, 0)
        self._kept.copy(None, Gegl.AbyssPolicy.NONE, channel.get_buffer(), None)
        channel.get_buffer().flush()
        self._image.select_item(Gimp.ChannelOps.REPLACE, channel)
        self._image.remove_channel(channel)


def save(image: Gimp.Image, path: str, flat_alpha: bool) -> None:
    """Saves XCF, PSD and ORA with their layers; any other file flattened, in the image's precision if it has it.

    Args:
        flat_alpha: whether a flattened picture may be transparent.

    Raises:
        Refusal: GIMP cannot write it.
    """
    suffix, copy = Path(path).suffix.lower(), image
    if suffix not in _LAYERED:
        copy = image.duplicate()
        if flat_alpha and suffix not in (".jpg", ".jpeg"):
            copy.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
        else:
            copy.flatten()
    try:
        written = _written(copy, path, suffix)
        reason = "" if written else Gimp.get_pdb().get_last_error()
    except GLib.Error as error:
        written, reason = False, error.message
    finally:
        if copy is not image:
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


def may_be_transparent(image: Gimp.Image) -> bool:
    """Whether a flattened picture of it needs alpha: a single layer's own, else if it is transparent somewhere."""
    layers = image.get_layers()
    if len(layers) == 1 and not layers[0].is_group():
        return bool(layers[0].has_alpha())
    seen = Gimp.Layer.new_from_visible(image, image, "seen")
    box = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    opaque = not seen.get_buffer().get(box, 1.0, _ALPHA, Gegl.AbyssPolicy.NONE).strip(b"\xff")
    seen.delete()
    return not opaque


def _line(text: str | None) -> str:
    return " ".join((text or "no reason is given").split())
