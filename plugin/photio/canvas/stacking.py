"""Where a result goes in the stack of layers. docs/layers.md has the rules as a table.

After a result was inserted, the image looks as if the pixels that were sampled had been repaired themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gi.repository import Gimp

from bridge.common.i18n import _

#: An opaque layer in one of these modes and with one of these composite modes hides what is below.
NORMAL = (Gimp.LayerMode.NORMAL, Gimp.LayerMode.NORMAL_LEGACY)
UNION = (Gimp.LayerCompositeMode.AUTO, Gimp.LayerCompositeMode.UNION)


@dataclass(frozen=True)
class Repaired:
    """What the repairs in one retouch layer repair.

    Attributes:
        sample: "layer", "below" or "visible", as in a job.
        source: the layer; None: the image as it looks.
    """

    sample: str
    source: Gimp.Layer | None


@dataclass(frozen=True)
class Target:
    """Where a result is to go.

    Attributes:
        below: the layer that it goes above; None or gone: the top of the stack.
        hidden: a layer to hide, or None.
        repaired: the layer whose pixels it repairs; None: what is below it.
        clipped: whether it is as opaque as what it repairs. Otherwise it has its own alpha.
        collected: what the retouch layer repairs that it goes into; None: it becomes a layer of its own.
        enlarged: width and height of the larger canvas that the result is for, and where the old one is on it: left and
            top, px; None: the canvas stays as it is.
    """

    image: Gimp.Image
    below: Gimp.Layer | None
    hidden: Gimp.Layer | None = None
    repaired: Gimp.Layer | None = None
    clipped: bool = True
    collected: Repaired | None = None
    enlarged: tuple[int, int, int, int] | None = None


def target_of(
    image: Gimp.Image, sample: str, layer: Gimp.Layer | None, source: Gimp.Layer | None, hidden: Gimp.Layer | None
) -> Target:
    """Where a result goes.

    Args:
        sample: what was sampled: "layer", "below" or "visible".
        layer: the layer that was selected.
        source: the layer that was sampled. It is another one if the result of before was selected.
        hidden: that result, which is replaced, or None.
    """
    if sample == "visible":  # what was seen includes all that lies above the layer
        return Target(image, hidden, hidden)
    return Target(image, layer, hidden, source if sample == "layer" else None)


def collecting(
    image: Gimp.Image, sample: str, source: Gimp.Layer, hidden: Gimp.Layer | None, earlier: Gimp.Layer | None
) -> Target:
    """Where a result goes that the retouch layer takes.

    Args:
        sample, source, hidden: as for `target_of`.
        earlier: the retouch layer that there is already, or None.
    """
    below = earlier if sample == "visible" else earlier or source
    repaired = source if sample == "layer" else None
    return Target(image, below, hidden, repaired, collected=repaired_by(sample, source))


def repaired_by(sample: str, source: Gimp.Layer) -> Repaired:
    """What the retouch layer repairs that a result goes into. Sample and source are as for `target_of`."""
    return Repaired(sample, None if sample == "visible" else source)


@dataclass(frozen=True)
class Stacking:
    """How a result goes there.

    Attributes:
        isolated: a layer that moves into a group of its own, below the result; or None.
        clipped: whether GIMP shows the result only as far as what is below it is opaque.
        below: the layer that it goes above, or None.
    """

    isolated: Gimp.Layer | None
    clipped: bool
    below: Gimp.Layer | None


def decide(target: Target, soft: bool) -> Stacking:
    """Decides how a result goes into the image as it is now.

    Args:
        soft: whether the result has pixels that are neither opaque nor transparent.
    """
    below = _valid(target.below)
    clipped = soft and target.clipped
    layer = _valid(target.repaired)
    if layer is None:
        return Stacking(None, clipped, below)
    if not is_normal(layer) or (clipped and not _is_lowest_of_its_group(target.image, layer)):
        return Stacking(layer, clipped, below)
    if clipped and below and below.get_parent() != layer.get_parent():  # somebody moved the result that is replaced
        return Stacking(None, clipped, layer)
    return Stacking(None, clipped, below)


def is_normal(layer: Gimp.Layer) -> bool:
    """Whether an opaque pixel of the layer looks the same above anything."""
    return layer.get_opacity() == 100 and layer.get_mode() in NORMAL and layer.get_composite_mode() in UNION


def isolate(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.GroupLayer:
    """Moves a layer into a group of its own, which takes over how the layer is composited. The image looks the same.

    The layer's pixels, mask and effects stay as they are. What is put into the group is composited with it first.
    """
    group = Gimp.GroupLayer.new(image, _("{name} (retouched)").format(name=layer.get_name()))
    image.insert_layer(group, layer.get_parent(), image.get_item_position(layer))
    image.reorder_item(layer, group, 0)
    _take_over(group, layer)
    layer.set_mode(Gimp.LayerMode.NORMAL)
    layer.set_opacity(100)
    layer.set_blend_space(Gimp.LayerColorSpace.AUTO)
    layer.set_composite_space(Gimp.LayerColorSpace.AUTO)
    layer.set_composite_mode(Gimp.LayerCompositeMode.AUTO)
    layer.set_visible(True)
    return group


def release(image: Gimp.Image, group: Gimp.GroupLayer, layer: Gimp.Layer) -> None:
    """Undoes `isolate`."""
    _take_over(layer, group)
    image.reorder_item(layer, group.get_parent(), image.get_item_position(group))
    image.remove_layer(group)


def _take_over(layer: Gimp.Layer, other: Gimp.Layer) -> None:
    """Composites a layer as the other one is composited."""
    layer.set_mode(other.get_mode())  # first: it sets the others to their defaults
    layer.set_opacity(other.get_opacity())
    layer.set_blend_space(other.get_blend_space())
    layer.set_composite_space(other.get_composite_space())
    layer.set_composite_mode(other.get_composite_mode())
    layer.set_visible(other.get_visible())
    layer.set_color_tag(other.get_color_tag())


def is_pass_through(layer: Gimp.Layer) -> bool:
    """Whether it is a group whose layers are composited with what lies below the group."""
    return bool(layer.is_group()) and layer.get_mode() == Gimp.LayerMode.PASS_THROUGH


def half_shown(layer: Gimp.Layer) -> Gimp.Layer | None:
    """A group around the layer that passes through, but does not show all of what is in it as it is; or None.

    Groups around one that does not pass through do not matter.
    """
    for group in ancestors(layer):
        if not is_pass_through(group):
            return None
        if group.get_opacity() < 100 or group.get_filters() or (group.get_mask() and group.get_apply_mask()):
            return group
    return None


def ancestors(layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
    """The groups around a layer, from the inside."""
    parent = layer.get_parent()
    while parent:
        yield parent
        parent = parent.get_parent()


def at_and_below(image: Gimp.Image, layer: Gimp.Layer) -> list[Gimp.Layer]:
    """The layer and all layers that it is composited with, from top to bottom.

    These are the layers of its group; and of the groups around that, as long as these pass through.
    """
    shown = []
    for inner in (layer, *ancestors(layer)):
        if inner != layer and not is_pass_through(inner):
            break
        siblings = list(inner.get_parent().get_children() if inner.get_parent() else image.get_layers())
        start = siblings.index(inner)
        shown += siblings[start if inner == layer else start + 1 :]
    return shown


def _is_lowest_of_its_group(image: Gimp.Image, layer: Gimp.Layer) -> bool:
    """Whether nothing is below the layer, and nothing can come from outside its group."""
    parent = layer.get_parent()
    if not parent or is_pass_through(parent):
        return False
    return bool(image.get_item_position(layer) == len(parent.get_children()) - 1)


def _valid(layer: Gimp.Layer | None) -> Gimp.Layer | None:
    return layer if layer and layer.is_valid() else None
