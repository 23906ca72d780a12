"""The colour space in which GIMP blends a result with what is below it."""

from __future__ import annotations

from gi.repository import Gimp

from canvas import stacking
from canvas.stacking import Target


def single_space(image: Gimp.Image, hidden: Gimp.Layer | None) -> Gimp.LayerColorSpace | None:
    """The colour space of the only visible layer's pixels; None if there are several layers, or a group."""
    shown = [other for other in image.get_layers() if other.get_visible() and other != hidden]
    if len(shown) != 1 or shown[0].is_group():
        return None
    spaces = {50: Gimp.LayerColorSpace.RGB_NON_LINEAR, 75: Gimp.LayerColorSpace.RGB_PERCEPTUAL}
    # the hundreds are the type, the rest is the transfer function: 100 is linear U8, 150 non-linear U8
    return spaces.get(int(image.get_precision()) % 100, Gimp.LayerColorSpace.RGB_LINEAR)


def in_linear_light(target: Target) -> bool:
    """Whether GIMP will blend a result that is placed in the image as it is now in linear light."""
    image, hidden = target.image, target.hidden
    if not image.is_valid():
        return False
    hidden = hidden if hidden and hidden.is_valid() else None
    isolated = stacking.decide(target, soft=False).isolated
    return bool(isolated) or single_space(image, hidden) in (None, Gimp.LayerColorSpace.RGB_LINEAR)
