"""Transparent photographs: what the service sees of them, and how a result takes over their alpha."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.pixels.diffusion import diffuse


def fill_transparent(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """RGB of [height, width, 3 or 4], without holes: the colours around transparent pixels are continued into them."""
    if pixels.shape[2] == 3:
        return pixels
    hidden, colours = pixels[..., 3] == 0, np.ascontiguousarray(pixels[..., :3])
    return colours if hidden.all() else diffuse(colours, hidden)


def filled(
    answer: npt.NDArray[np.float32], original: npt.NDArray[np.uint8], share: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """The colours of an opaque layer that fills what is transparent. They fade into the photograph, as a mask would.

    Args:
        answer: [height, width, 3], 0–255.
        original: RGBA of the same size.
        share: [height, width]: 255 is the answer, 0 the photograph above the answer.

    Returns:
        [height, width, 3], 0–255. It is the answer where the photograph is opaque: there the layer's mask fades.
    """
    # products of whole numbers first, so that every processor gets the same
    shows = (255 - share.astype(np.int32)) * np.where(original[..., 3] < 255, original[..., 3], 0)
    weight = shows[..., None].astype(np.float32) / np.float32(255 * 255)
    return answer + (original[..., :3] - answer) * weight


def continued(
    answer: npt.NDArray[np.float32],
    earlier: npt.NDArray[np.float32],
    shown: npt.NDArray[np.uint8],
    share: npt.NDArray[np.uint8],
) -> npt.NDArray[np.float32]:
    """The colours of a layer into which a further answer is put: it fades into the earlier one.

    Args:
        answer, earlier: [height, width, 3], 0–255.
        shown: [height, width]: the layer's mask before; 0 where there is no earlier answer.
        share: [height, width]: 255 is the answer, 0 the earlier one.

    Returns:
        [height, width, 3], 0–255.
    """
    weight = share[..., None].astype(np.float32) / np.float32(255)
    return np.where(shown[..., None] > 0, earlier + (answer - earlier) * weight, answer)


def below(
    photograph: npt.NDArray[np.uint8], layer: npt.NDArray[np.float32], shown: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """How a photograph looks below a layer: RGBA, [height, width, 4]. It is opaque where the layer shows anything.

    Args:
        photograph: RGB or RGBA.
        layer: [height, width, 3], 0–255.
        shown: [height, width]: the layer's mask. It is 255 where the photograph is not opaque, or 0.
    """
    weight = shown[..., None].astype(np.float32) / np.float32(255)
    under = photograph[..., :3].astype(np.float32)
    colours = np.clip(np.rint(under + (layer - under) * weight), 0, 255).astype(np.uint8)
    alpha = photograph[..., 3] if photograph.shape[2] == 4 else np.full_like(shown, 255)
    return np.dstack([colours, np.where(shown > 0, np.uint8(255), alpha)])


def shown_alpha(alpha: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    """The alpha of a result: the photograph's; None if that is opaque wherever the mask shows the result.

    If it is 0 or 255 wherever the mask shows the result, it is so everywhere: the plug-in can tell then that the result
    has no soft edges. What the mask hides does not matter.
    """
    visible = alpha[mask > 0]
    if visible.min(initial=255) == 255:
        return None
    soft = ((visible > 0) & (visible < 255)).any()
    return alpha if soft else np.where(alpha > 127, np.uint8(255), np.uint8(0))
