"""A channel, path, layer mask or layer that is used instead of the selection. docs/scripting.md has the rules."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from gi.repository import Gegl, Gimp

from bridge.common.i18n import _
from canvas import reading
from canvas.reading import Refusal

#: So many names are listed, and so many letters of each.
_LISTED, _LETTERS = 8, 40


@contextlib.contextmanager
def selecting(image: Gimp.Image, name: str) -> Iterator[Gimp.Image | None]:
    """An image of the same size, in which what has that name is selected; None if `name` is empty.

    The selection and the undo history of the user's image stay as they are. The new image is deleted at the end.

    Raises:
        Refusal: there is no such mask, or it selects nothing.
    """
    if not name:
        yield None
        return
    item = _called(image, name)
    stage = reading.empty_like(image, image.get_width(), image.get_height())
    try:
        _select(stage, item, name)
        if Gimp.Selection.is_empty(stage):
            raise Refusal(_("The mask “{name}” selects nothing: draw on it, or name another one.").format(name=name))
        yield stage
    finally:
        stage.delete()


def _called(image: Gimp.Image, name: str) -> Gimp.Item:
    """The channel, path, layer mask or layer of that name. A layer that has a layer mask stands for its mask.

    Raises:
        Refusal: there is none, or more than one.
    """
    items = list(_every_item(image))
    found = [item for item in items if item.get_name() == name]
    if len(found) > 1:
        sentence = _("{count} channels, paths, layer masks or layers are called “{name}”: rename all but one of them.")
        raise Refusal(sentence.format(count=len(found), name=name))
    if not found:
        sentence = _("No channel, path, layer mask or layer is called “{name}”. There are: {names}.")
        raise Refusal(sentence.format(name=name, names=_listed([item.get_name() for item in items])))
    (item,) = found
    return (item.get_mask() or item) if isinstance(item, Gimp.Layer) else item


def _every_item(image: Gimp.Image) -> Iterator[Gimp.Item]:
    yield from image.get_channels()
    yield from image.get_paths()
    for layer in reading.every_layer(image):
        if mask := layer.get_mask():
            yield mask
        yield layer


def _listed(names: list[str]) -> str:
    """The names for a sentence, shortened."""
    shown = ["“" + (name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…") + "”" for name in names[:_LISTED]]
    return ", ".join(shown) + (" …" if len(names) > _LISTED else "")


def _select(stage: Gimp.Image, item: Gimp.Item, name: str) -> None:
    """Selects in the other image what GIMP's “to Selection” would; of a layer, what is white and opaque in it."""
    Gimp.context_push()
    Gimp.context_set_defaults()  # without feather, and paths with smooth edges
    try:
        first, *others = _copied(item, stage, name)
        stage.select_item(Gimp.ChannelOps.REPLACE, first)
        for other in others:
            stage.select_item(Gimp.ChannelOps.INTERSECT, other)
    finally:
        Gimp.context_pop()


def _copied(item: Gimp.Item, stage: Gimp.Image, name: str) -> tuple[Gimp.Item, ...]:
    """Copies in the other image, which have to be selected there: what is in all of them is meant."""
    if isinstance(item, Gimp.Path):
        return (_copied_path(item, stage),)
    if isinstance(item, Gimp.LayerMask):
        return (_copied_layer(Gimp.Layer.from_mask(item), stage).get_mask(),)
    if isinstance(item, Gimp.Channel):
        return (_copied_channel(item, stage),)
    layer = _with_effects(_copied_layer(item, stage), stage)
    if _is_coloured(layer):
        sentence = _("The layer “{name}” has colours: draw a mask in white, and leave the rest black or transparent.")
        raise Refusal(sentence.format(name=name))
    return (_brightness(layer), layer)


def _copied_layer(layer: Gimp.Layer, stage: Gimp.Image) -> Gimp.Layer:
    copy = Gimp.Layer.new_from_drawable(layer, stage)
    stage.insert_layer(copy, None, 0)
    return copy


def _with_effects(layer: Gimp.Layer, stage: Gimp.Image) -> Gimp.Layer:
    """The layer as its effects make it look, if it has any.

    They are not merged: at 8 bits, GIMP would then store the image's selection with a gamma curve, and what is half
    selected would read as 21 %.
    """
    if not layer.get_filters():
        return layer
    layer.set_visible(True)
    layer.set_opacity(100)
    layer.set_mode(Gimp.LayerMode.NORMAL)
    rendered = Gimp.Layer.new_from_visible(stage, stage, "")
    stage.insert_layer(rendered, None, 0)
    return rendered


def _copied_channel(channel: Gimp.Channel, stage: Gimp.Image) -> Gimp.Channel:
    copy = Gimp.Channel.new(stage, "", channel.get_width(), channel.get_height(), 100, Gegl.Color.new("black"))
    everywhere = Gegl.Rectangle.new(0, 0, channel.get_width(), channel.get_height())
    channel.get_buffer().copy(everywhere, Gegl.AbyssPolicy.NONE, copy.get_buffer(), everywhere)
    copy.get_buffer().flush()
    stage.insert_channel(copy, None, 0)
    return copy


def _copied_path(path: Gimp.Path, stage: Gimp.Image) -> Gimp.Path:
    copy = Gimp.Path.new(stage, "")
    stage.insert_path(copy, None, 0)
    for stroke in path.get_strokes():
        kind, points, closed = path.stroke_get_points(stroke)
        copy.stroke_new_from_points(kind, points, closed)
    return copy


def _is_coloured(layer: Gimp.Layer) -> bool:
    """Whether red, green and blue differ. In a gray picture their averages are the same to the last digit."""
    if layer.is_gray():
        return False
    channels = (Gimp.HistogramChannel.RED, Gimp.HistogramChannel.GREEN, Gimp.HistogramChannel.BLUE)
    return len({layer.histogram(channel, 0, 1)[1] for channel in channels}) > 1


def _brightness(layer: Gimp.Layer) -> Gimp.LayerMask:
    """A new layer mask as white as the layer looks: 50 % gray is half, though masks are linear and pictures are not.

    GIMP's own “Grayscale copy of layer” would make 21 % of that, and take no notice of transparent parts.
    """
    mask = layer.create_mask(Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    everywhere = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    gray = layer.get_buffer().get(everywhere, 1.0, "Y' u16", Gegl.AbyssPolicy.NONE)
    mask.get_buffer().set(everywhere, "Y u16", gray)
    mask.get_buffer().flush()
    return mask
