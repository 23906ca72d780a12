"""The retouch layer: one layer that collects repairs of what is below it. docs/layers.md has its rules.

A repair is composited above the earlier ones by GIMP, in an image of its own that is as large as the repair. What
comes out replaces that part of the retouch layer. GIMP keeps only that part for undo, so time and memory depend on
the repair and not on the layer.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace

from gi.repository import Gegl, Gimp

from bridge.common.i18n import _
from bridge.protocol import Finished, Rectangle
from canvas import building, provenance, reading, stacking
from canvas.building import Files
from canvas.reading import Capture, Refusal, bounds
from canvas.stacking import Repaired, Stacking, Target

#: The parasite that makes a layer a retouch layer (docs/provenance.md).
MARK = "photio-retouch"

_FORMAT = 1
_LONGEST_MARK = 1000  # bytes


def is_retouch_layer(layer: Gimp.Layer) -> bool:
    """Whether the layer collects repairs."""
    return _mark(layer) is not None


def repaired(image: Gimp.Image, layer: Gimp.Layer) -> tuple[Gimp.Layer, Gimp.Layer | None]:
    """The layer that a retouch layer repairs, and the retouch layer.

    One that repairs all visible layers belongs to none of them: it is a layer by itself.

    Raises:
        Refusal: that layer is gone.
    """
    sample, tattoo = _mark(layer) or ("", 0)
    if sample == "visible":
        return layer, None
    source = image.get_layer_by_tattoo(tattoo)
    if source is None or source == layer:
        raise Refusal(_("The layer that this retouch layer belongs to is gone: select another layer."))
    return source, layer


def check_shown(layer: Gimp.Layer) -> None:
    """Raises `Refusal` if a retouch layer is hidden."""
    if not layer.get_visible():
        sentence = _("The retouch layer “{name}” is hidden: show it in the Layers dialog, then try again.")
        raise Refusal(sentence.format(name=layer.get_name()))


def collecting(captured: Capture) -> Capture:
    """The same, but the result goes into the retouch layer, and what that has collected is sampled, too.

    Raises:
        Refusal: nothing may be inserted into the retouch layer, or it would not be seen.
    """
    earlier = find(captured.image, stacking.repaired_by(captured.sample, captured.source))
    if earlier:
        check_shown(earlier)
    if earlier and is_locked(earlier):
        sentence = _("The retouch layer “{name}” is locked: unlock its pixels and its alpha channel, then try again.")
        raise Refusal(sentence.format(name=earlier.get_name()))
    return replace(captured, earlier=earlier, collects=True)


def is_locked(layer: Gimp.Layer) -> bool:
    """Whether the layer takes no pixels, or no alpha."""
    return bool(layer.get_lock_content() or layer.get_lock_alpha())


def find(image: Gimp.Image, collected: Repaired) -> Gimp.Layer | None:
    """The retouch layer that there is for these repairs, or None.

    For one layer it is above that layer, in the same group. For all visible layers it is the topmost visible one:
    below another layer, it would be composited with that a second time.
    """
    layer = collected.source
    if layer is None:
        top = next((other for other in image.get_layers() if other.get_visible()), None)
        return top if top and (_mark(top) or ("",))[0] == "visible" else None
    if not layer.is_valid():
        return None
    parent = layer.get_parent()
    above = (parent.get_children() if parent else image.get_layers())[: image.get_item_position(layer)]
    wanted = (collected.sample, layer.get_tattoo())
    return next((other for other in reversed(above) if not other.is_group() and _mark(other) == wanted), None)


def begun(target: Target, finished: Finished) -> Finished:
    """The results as a new retouch layer begins with: a layer as large as what it repairs.

    What is transparent takes no memory. If the layer grew with each repair instead, GIMP would copy all of it each
    time, and keep all copies for undo.
    """
    source = target.collected.source if target.collected else None
    canvas = (0, 0, target.image.get_width(), target.image.get_height())
    whole = bounds(source) if source and source.is_valid() and target.repaired else canvas
    return replace(finished, box=_union(whole, finished.box))


def mark(layer: Gimp.Layer, collected: Repaired) -> None:
    """Makes a layer that is not inserted yet a retouch layer."""
    tattoo = collected.source.get_tattoo() if collected.source else 0
    text = json.dumps({"format": _FORMAT, "sample": collected.sample, "source": tattoo})
    layer.attach_parasite(Gimp.Parasite.new(MARK, provenance.PERSISTENT, text.encode()))


@contextlib.contextmanager
def composited(layer: Gimp.Layer, finished: Finished, files: Files) -> Iterator[Gimp.Layer]:
    """A layer of an image of its own: what is in the retouch layer where the result is, with the result above it.

    If the retouch layer has a mask, this one has a mask, too, and is opaque.
    """
    image = layer.get_image()
    left, top, width, height = finished.box
    stage = reading.empty_like(image, width, height)
    try:
        below = Gimp.Layer.new(stage, "", width, height, building.kind(image), 100, Gimp.LayerMode.NORMAL)
        if layer.get_mask():
            below.add_mask(below.create_mask(Gimp.AddMaskType.BLACK))
        stage.insert_layer(below, None, 0)
        x, y, *_size = bounds(layer)
        there, here = (left - x, top - y, width, height), (0, 0, width, height)
        for old, copy in zip(_drawables(layer), _drawables(below), strict=True):
            _copy(old.get_buffer(), there, copy.get_buffer(), here)
            copy.update(*here)
        above = building.single(stage, building.moved(finished, -left, -top), files, "")
        for new in (below, above):  # as both would be composited in the image
            new.set_blend_space(layer.get_blend_space())
            new.set_composite_space(layer.get_composite_space())
        stage.insert_layer(above, None, 0)
        both = stage.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
        if layer.get_mask():
            both.add_mask(both.create_mask(Gimp.AddMaskType.ALPHA_TRANSFER))
        yield both
    finally:
        stage.delete()


def add(target: Target, chosen: Stacking, layer: Gimp.Layer, finished: Finished, new: Gimp.Layer) -> None:
    """Puts a result into the retouch layer, as one undo step.

    Args:
        layer: the retouch layer.
        new: what `composited` gave.
    """
    image = target.image
    before = image.get_selected_layers()
    image.undo_group_start()
    try:
        if chosen.isolated:
            image.reorder_item(layer, stacking.isolate(image, chosen.isolated), 0)
        if chosen.clipped and not is_clipped(layer):
            layer.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
        _grow(layer, finished.box)
        with _selected_alone(image, finished.box), _all_components(image):
            _replace(layer, finished.box, new)
        provenance.attach_further(layer, finished.results[0].provenance)
        if target.hidden:
            target.hidden.set_visible(False)
        image.set_selected_layers(before)
    finally:
        image.undo_group_end()


def is_clipped(layer: Gimp.Layer) -> bool:
    """Whether the layer is only as opaque as what is below it."""
    return layer.get_composite_mode() == Gimp.LayerCompositeMode.CLIP_TO_BACKDROP


def _mark(layer: Gimp.Layer) -> tuple[str, int] | None:
    """The sample and the source's tattoo of a retouch layer; None for any other layer. A stranger may have made it."""
    parasite = layer.get_parasite(MARK)
    if parasite is None or parasite.size > _LONGEST_MARK:
        return None
    try:
        fields = json.loads(provenance.text_of(parasite))
    except ValueError:
        return None
    if not isinstance(fields, dict) or fields.get("format") != _FORMAT:
        return None
    sample, source = fields.get("sample"), fields.get("source")
    if sample not in ("layer", "below", "visible") or type(source) is not int or not 0 <= source < 1 << 32:
        return None
    return sample, source


def _drawables(layer: Gimp.Layer) -> list[Gimp.Drawable]:
    """The layer and its mask, if it has one."""
    return [drawable for drawable in (layer, layer.get_mask()) if drawable]


def _copy(source: Gegl.Buffer, box: Rectangle, to: Gegl.Buffer, where: Rectangle) -> None:
    """Copies pixels as they are stored."""
    source.copy(Gegl.Rectangle.new(*box), Gegl.AbyssPolicy.NONE, to, Gegl.Rectangle.new(*where))
    to.flush()


def _grow(layer: Gimp.Layer, box: Rectangle) -> None:
    """Makes the layer so large that the box, on the canvas, is within it: the canvas has grown since it was begun."""
    x, y, width, height = bounds(layer)
    left, top, wide, high = _union((x, y, width, height), box)
    if (wide, high) != (width, height):
        layer.resize(wide, high, x - left, y - top)


def _replace(layer: Gimp.Layer, box: Rectangle, new: Gimp.Layer) -> None:
    """Replaces the pixels in a box on the canvas, which must be all that is selected, so that it can be undone."""
    x, y, *_size = bounds(layer)
    where = (box[0] - x, box[1] - y, *box[2:])
    for old, source in zip(_drawables(layer), _drawables(new), strict=True):
        _copy(source.get_buffer(), (0, 0, *box[2:]), old.get_shadow_buffer(), where)
        old.merge_shadow(True)
        old.update(*where)


@contextlib.contextmanager
def _selected_alone(image: Gimp.Image, box: Rectangle) -> Iterator[None]:
    """Selects a box for a moment, then what was selected before.

    GIMP writes only what is selected, and keeps for undo only that. The selection is kept in the mask of a hidden layer
    that is as large as the selection: a saved channel, as large as the canvas, would be kept for undo each time.
    """
    Gimp.context_push()
    Gimp.context_set_defaults()  # without feather
    _known, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    keeper = None
    try:
        if selected:
            size = (right - left, bottom - top)
            keeper = Gimp.Layer.new(image, "", *size, building.kind(image), 100, Gimp.LayerMode.NORMAL)
            keeper.set_offsets(left, top)
            keeper.set_visible(False)
            keeper.add_mask(keeper.create_mask(Gimp.AddMaskType.SELECTION))
            image.insert_layer(keeper, None, 0)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *box)
        yield
    finally:
        if keeper:
            image.select_item(Gimp.ChannelOps.REPLACE, keeper.get_mask())
            image.remove_layer(keeper)
        else:
            Gimp.Selection.none(image)
        Gimp.context_pop()


@contextlib.contextmanager
def _all_components(image: Gimp.Image) -> Iterator[None]:
    """Lets all of red, green, blue and alpha be written, whatever is chosen in the Channels dialog."""
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kinds = ("GRAY", "ALPHA") if gray else ("RED", "GREEN", "BLUE", "ALPHA")
    components = [getattr(Gimp.ChannelType, kind) for kind in kinds]
    spared = [component for component in components if not image.get_component_active(component)]
    for component in spared:
        image.set_component_active(component, True)
    try:
        yield
    finally:
        for component in spared:
            image.set_component_active(component, False)


def _union(one: Rectangle, other: Rectangle) -> Rectangle:
    """The smallest box that both are in."""
    x, y = min(one[0], other[0]), min(one[1], other[1])
    right, bottom = max(one[0] + one[2], other[0] + other[2]), max(one[1] + one[3], other[1] + other[3])
    return (x, y, right - x, bottom - y)
