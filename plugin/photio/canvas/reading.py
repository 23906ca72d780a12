"""Reads what is selected in GIMP: layer, selection and their bounds, but no pixels. All boxes are in canvas px."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gi.repository import Gegl, Gimp

from bridge.common.i18n import _
from bridge.protocol import Document, Rectangle
from canvas import stacking
from canvas.stacking import Target, collecting, target_of

#: The name of the channel that GIMP shows as the Quick Mask.
QUICK_MASK = "Qmask"

#: The name of a parasite in which GIMP keeps, until it ends, a text that no other GIMP has.
SESSION = "photio-session"


def start_gegl() -> None:
    """Initialises GEGL for reading and writing pixels, without its hundred operations: none of them is used here."""
    before = os.environ.get("GEGL_PATH")
    os.environ["GEGL_PATH"] = os.devnull
    Gegl.init(None)
    if before is None:
        del os.environ["GEGL_PATH"]
    else:
        os.environ["GEGL_PATH"] = before


class Refusal(Exception):
    """Photio cannot work on this; the text is one sentence that says what to do. Nothing was sent."""


def unreadable(error: OSError) -> str:
    """The sentence for the user about a file that cannot be read or written."""
    return _("Photio could not read or write {file}: {reason}. Put that right, then try again.").format(
        file=error.filename, reason=error.strerror
    )


@dataclass(frozen=True)
class Capture:
    """What the user saw when they started a job. Later changes to the image do not affect it.

    Attributes:
        layer: the layer that was selected.
        where: the bounds of that layer.
        source: the layer that is sampled: `layer` itself, or the source of `layer` if that is a result of ours.
        hidden: a layer that is left out of the sample, or None.
        sample: "layer", "below" (that layer and what it is composited with) or "visible" (the whole image).
        selection: the bounds of the part to be regenerated.
        coverage: the drawable that is the mask of this part, or None if it fills the bounds.
        origin: the canvas position of that drawable's upper left corner.
        earlier: the retouch layer of `source`, which is sampled together with it; or None.
        collects: whether the result goes into the retouch layer.
        before: where the canvas is on the larger one that it becomes with the result. Then `canvas` is the size of
            that, and `selection` is on it. None: the canvas stays as it is.
    """

    image: Gimp.Image
    layer: Gimp.Layer
    where: Rectangle
    source: Gimp.Layer
    hidden: Gimp.Layer | None
    sample: str
    canvas: tuple[int, int]
    selection: Rectangle
    coverage: Gimp.Drawable | None
    origin: tuple[int, int] = (0, 0)
    earlier: Gimp.Layer | None = None
    collects: bool = False
    before: Rectangle | None = None

    def here(self, box: Rectangle) -> Rectangle:
        """A box on the canvas as it is, from one on the canvas as it will be."""
        left, top = self.before[:2] if self.before else (0, 0)
        return (box[0] - left, box[1] - top, *box[2:])

    @property
    def target(self) -> Target:
        """Where the result goes."""
        if self.collects:
            return collecting(self.image, self.sample, self.source, self.hidden, self.earlier)
        return target_of(self.image, self.sample, self.earlier or self.layer, self.source, self.hidden)

    @property
    def masked(self) -> bool:
        """Whether the part to be regenerated does not fill its bounds."""
        return self.coverage is not None


def capture(
    image: Gimp.Image,
    layer: Gimp.Layer,
    source: Gimp.Layer,
    sample: str,
    whole_layer: bool,
    selecting: Gimp.Image | None = None,
) -> Capture:
    """Captures the selection.

    Args:
        layer: the layer that was selected.
        source: the layer that is sampled.
        whole_layer: an empty selection means the whole layer. Otherwise it is refused.
        selecting: an image of the same size whose selection counts instead of the image's own (`named_mask`).

    Raises:
        Refusal: there is nothing to do.
    """
    canvas = (image.get_width(), image.get_height())
    whole = (0, 0, *canvas)
    where = bounds(source)
    layer_box = common(where, whole)
    check_shown(layer, sample)
    _known, selected, x1, y1, x2, y2 = Gimp.Selection.bounds(selecting or image)
    if not selected and not whole_layer:
        raise Refusal(_("Nothing is selected: select what you want to change, then try again."))
    selection = (x1, y1, x2 - x1, y2 - y1) if selected else layer_box
    reach = layer_box if sample == "layer" else whole
    if selection is None or reach is None or not common(selection, reach):
        if selecting:
            raise Refusal(_("The mask lies outside the layer: name another mask, or select another layer."))
        raise Refusal(_("The selection lies outside the layer: select a part of the layer, or another layer."))
    coverage = (selecting or image).get_selection() if selected else None
    above = where if layer == source else bounds(layer)
    return Capture(image, layer, above, source, None, sample, canvas, selection, coverage)


def capture_again(image: Gimp.Image, layer: Gimp.Layer, source: Gimp.Layer, sample: str) -> Capture:
    """Captures the area of a result of ours: its present mask, or that of its group of variations.

    Raises:
        Refusal: it has no mask any more, or the mask lies outside the canvas.
    """
    parent = layer.get_parent()
    holder = layer if layer.get_mask() or not parent else parent
    check_shown(holder, sample, again=True)
    # in a group of variations that have masks of their own, the first one's counts
    inner = holder.get_children() if holder.is_group() and not holder.get_mask() else []
    holding = next((each for each in inner if each.get_mask()), holder)
    mask = holding.get_mask()
    canvas = (image.get_width(), image.get_height())
    where = bounds(holding)
    selection = common(where, (0, 0, *canvas))
    if not mask or selection is None:
        raise Refusal(_("The layer has no layer mask that says which part to regenerate: add one, then try again."))
    return Capture(image, holder, where, source, holder, sample, canvas, selection, mask, where[:2])


def single_layer(image: Gimp.Image, drawables: list[Gimp.Drawable]) -> Gimp.Layer:
    """The selected layer, or the layer whose mask is selected.

    Raises:
        Refusal: a result could not be placed there, or not in this image at all.
    """
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Refusal(_("Photio cannot work on indexed images: convert it with Image > Mode > RGB first."))
    if image.get_channel_by_name(QUICK_MASK):
        raise Refusal(_("The Quick Mask is on: leave it with Select > Toggle Quick Mask, then try again."))
    if image.get_floating_sel():
        raise Refusal(_("There is a floating selection: anchor it or make it a layer first."))
    if len(drawables) != 1:
        raise Refusal(_("Select exactly one layer, then try again."))
    (drawable,) = drawables
    layer = Gimp.Layer.from_mask(drawable) if isinstance(drawable, Gimp.LayerMask) else drawable
    if not isinstance(layer, Gimp.Layer):
        raise Refusal(_("A channel is selected: select a layer instead."))
    if locked := locked_group(layer):
        sentence = _("The layer group “{name}” is locked: unlock its pixels, then try again.")
        raise Refusal(sentence.format(name=locked.get_name()))
    return layer


def check_shown(layer: Gimp.Layer, sample: str, again: bool = False) -> None:
    """Raises `Refusal` if the result would not be seen, or could not look right.

    Args:
        layer: the selected one.
        again: that layer is a result that is replaced, so that it does not matter whether it is hidden.
    """
    if sample == "visible":
        return
    if hidden := next((group for group in stacking.ancestors(layer) if not group.get_visible()), None):
        sentence = _("The layer group “{name}” is hidden: show it in the Layers dialog, then try again.")
        raise Refusal(sentence.format(name=hidden.get_name()))
    if sample == "layer" and not again:
        if not layer.get_visible():
            sentence = _("The layer “{name}” is hidden: show it in the Layers dialog, or select another layer.")
            raise Refusal(sentence.format(name=layer.get_name()))
        if stacking.is_pass_through(layer):
            sentence = _(
                "The layer group “{name}” is in mode Pass Through, so it has no picture of its own: select a layer in "
                "it, or set Sample to “Current layer and below”."
            )
            raise Refusal(sentence.format(name=layer.get_name()))
    if sample == "below" and (group := stacking.half_shown(layer)):
        sentence = _(
            "The layer group “{name}” is in mode Pass Through and has an opacity, a mask or effects: set its mode to "
            "Normal, or set Sample to “All visible layers”."
        )
        raise Refusal(sentence.format(name=group.get_name()))


def locked_group(layer: Gimp.Layer) -> Gimp.Layer | None:
    """The innermost locked group around the layer, which takes no new layers; None if there is none."""
    parent = layer.get_parent()
    while parent and not parent.get_lock_content():
        parent = parent.get_parent()
    return parent


def document(image: Gimp.Image, layer: Gimp.Layer) -> Document:
    """Identifies the image, so that it is recognised later, and the layer that results go above."""
    files = (image.get_file(), image.get_xcf_file(), image.get_imported_file(), image.get_exported_file())
    uris = dict.fromkeys(file.get_uri() for file in files if file)
    canvas = (image.get_width(), image.get_height())
    return Document(image.get_name(), tuple(uris), f"{_session()}-{image.get_id()}", canvas, layer.get_tattoo())


def _session() -> str:
    """A text that identifies this run of GIMP. Its process number does not: in a sandbox it is always the same.

    GIMP keeps the text until it ends (flag 0: unsaved). Within one run, GIMP uses the number of an image only once. A
    parasite of the image would not do, for a duplicate of the image would have it, too.
    """
    kept = Gimp.get_parasite(SESSION)
    if kept is None:
        Gimp.attach_parasite(Gimp.Parasite.new(SESSION, 0, os.urandom(16).hex().encode()))
        kept = Gimp.get_parasite(SESSION)  # another plug-in process may have attached its own at the same time
    return bytes(kept.get_data()).decode("ascii")


def empty_like(image: Gimp.Image, width: int, height: int) -> Gimp.Image:
    """An image of the same kind without layers; the caller has to delete it. Size in px."""
    empty = Gimp.Image.new_with_precision(width, height, image.get_base_type(), image.get_precision())
    if profile := image.get_color_profile():  # given None, GIMP 3.0 shows an error message
        empty.set_color_profile(profile)
    return empty


def every_layer(image: Gimp.Image) -> Iterator[Gimp.Layer]:
    """All layers from top to bottom, groups before their children."""
    return with_children(image.get_layers())


def with_children(layers: Iterable[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """These layers, each group before its children, and theirs."""
    waiting = list(layers)
    while waiting:
        layer = waiting.pop(0)
        yield layer
        if layer.is_group():
            waiting[:0] = layer.get_children()


def bounds(layer: Gimp.Layer) -> Rectangle:
    """The layer's bounds."""
    _known, x, y = layer.get_offsets()
    return (x, y, layer.get_width(), layer.get_height())


def common(one: Rectangle, other: Rectangle) -> Rectangle | None:
    """The intersection, or None."""
    x, y = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[0] + one[2], other[0] + other[2]), min(one[1] + one[3], other[1] + other[3])
    return (x, y, right - x, bottom - y) if right > x and bottom > y else None
