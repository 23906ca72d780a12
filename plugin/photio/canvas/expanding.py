"""Captures an image whose canvas is to become larger. The canvas itself is enlarged when the result is inserted."""

from __future__ import annotations

from gi.repository import Gimp

from bridge.common.i18n import _
from canvas import reading
from canvas.edges import LARGEST_SIDE, Edges
from canvas.reading import Capture, Refusal


def capture(image: Gimp.Image, layer: Gimp.Layer, sample: str, edges: Edges) -> Capture:
    """Captures the image and what will be new on its canvas. Nothing is changed.

    Args:
        layer: the selected one.
        sample: "layer", "below" or "visible".

    Raises:
        Refusal: there is nothing to add, or the result could not be placed or would not be meant.
    """
    old = (image.get_width(), image.get_height())
    new = edges.canvas(old)
    if min(edges) < 0 or new == old:
        raise Refusal(_("The canvas would not become larger: move an edge outwards, then try again."))
    if max(new) > LARGEST_SIDE:
        sentence = _("GIMP's images are at most {most} px wide and high: expand the canvas less, then try again.")
        raise Refusal(sentence.format(most=LARGEST_SIDE))
    reading.check_shown(layer, sample)
    where = reading.bounds(layer)
    if sample == "layer" and reading.common(where, (0, 0, *old)) != (0, 0, *old):
        sentence = _(
            "The layer “{name}” does not reach all edges of the canvas: set Sample to “All visible layers”, or select "
            "a layer that does."
        )
        raise Refusal(sentence.format(name=layer.get_name()))
    whole = (0, 0, *new)
    return Capture(image, layer, where, layer, None, sample, new, whole, None, before=edges.before(old))
