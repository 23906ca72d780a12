"""Whether a result would be hidden by a layer above it."""

from __future__ import annotations

from collections.abc import Iterator

from gi.repository import Gegl, Gimp

from bridge.common.i18n import _
from bridge.protocol import Rectangle
from canvas import stacking
from canvas.reading import Capture, bounds, common

#: So many px across and down are looked at, at the most: what hides only nearly everything is not told.
SAMPLES = 64


def remarks(captured: Capture) -> tuple[str, ...]:
    """What the user should know before something is paid for: which layer hides the result."""
    layer = _hiding(captured)
    if layer is None:
        return ()
    sentence = _("The layer “{name}” lies above and hides the result: hide it, or select that layer instead.")
    return (sentence.format(name=layer.get_name()),)


def _hiding(captured: Capture) -> Gimp.Layer | None:
    """The uppermost layer that hides all of what is regenerated, or None."""
    below = captured.target.below
    if captured.before:  # no layer reaches over what is new
        return None
    if below is None or not below.is_valid():
        return None
    return next((layer for layer in _above(captured.image, below) if _hides(layer, captured.selection)), None)


def _above(image: Gimp.Image, layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
    """The visible layers above one, and above the groups around it, from the top of the image."""
    for inner in reversed([layer, *stacking.ancestors(layer)]):
        parent = inner.get_parent()
        siblings = parent.get_children() if parent else image.get_layers()
        yield from (other for other in siblings[: image.get_item_position(inner)] if other.get_visible())


def _hides(layer: Gimp.Layer, box: Rectangle) -> bool:
    """Whether a layer is opaque all over a box on the canvas. Its effects are not looked at."""
    shows_all = stacking.is_normal(layer) or (stacking.is_pass_through(layer) and layer.get_opacity() == 100)
    if not shows_all or common(bounds(layer), box) != box:
        return False
    _known, x, y = layer.get_offsets()
    inside = (box[0] - x, box[1] - y, *box[2:])
    mask = layer.get_mask() if layer.get_apply_mask() else None
    if mask and not _is_white(mask, inside, "Y u8"):
        return False
    return not layer.has_alpha() or _is_white(layer, inside, "A u8")


def _is_white(drawable: Gimp.Drawable, box: Rectangle, pixel_format: str) -> bool:
    """Whether a drawable, scaled down, has nothing but the highest value in a box, in its own px."""
    x, y, width, height = box
    scale = min(1.0, SAMPLES / max(width, height))
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    area = Gegl.Rectangle.new(round(x * scale), round(y * scale), *size)
    values: bytes = drawable.get_buffer().get(area, scale, pixel_format, Gegl.AbyssPolicy.NONE)
    return set(values) == {255}
