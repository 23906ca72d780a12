"""Reads a mask for a photograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.commands.mask_rule import BLACK, MOST_BETWEEN, WHITE, MaskError, coverage, is_lossy
from bridge.commands.photograph import Photograph, open_photograph, to_bytes
from bridge.pixels.flat_patches import luma
from bridge.pixels.imaging import Pixels

Gray = NDArray[np.float32]

#: Levels. A picture differs by no more from itself. And the least correlation with itself when it was made gray.
_IDENTICAL, _ALIKE = 2.0, 0.9

#: Levels between a pixel's highest and lowest channel: more is a colour. And the most such pixels in a mask.
_COLOURFUL, _MOST_COLOURFUL = 48, 0.01


def read_mask(path: Path, photograph: Photograph, told: str | None) -> tuple[Pixels, str]:
    """How much each pixel of the photograph, as it is seen, is regenerated; and a sentence that says what was taken.

    Args:
        path: a drawing in black and white, or a picture with a transparent part.
        told: what white (or opaque) means, "keep" or "edit"; None to find out.

    Returns:
        uint8 [height, width].

    Raises:
        PhotioError: it cannot be read, or it does not say what is to be regenerated.
    """
    mask = open_photograph(path, "mask")
    height, width = photograph.pixels.shape[:2]
    if mask.pixels.shape[:2] != (height, width):
        raise MaskError(_of_other_size(mask, photograph))
    values, opaque, clear = _values(mask, photograph)
    found, means = coverage(values.tobytes(), width, told, is_lossy(path))
    covered = np.frombuffer(found, np.uint8).reshape(height, width)
    part, other = (opaque, "keep") if means == "edit" else (clear, "edit")
    said = f"The mask's {part} part is regenerated, {_share(covered)} of the picture"
    return covered, f"{said}." if told else f"{said} (“--mask-means {other}” says the opposite)."


def _values(mask: Photograph, photograph: Photograph) -> tuple[Pixels, str, str]:
    """The values that count, uint8 [height, width], and what is said of the highest and the lowest."""
    colours = to_bytes(mask.colours)
    if mask.alpha is not None and mask.alpha.min() < mask.most:
        alpha = to_bytes(mask.alpha)
        _refuse_two_drawings(_gray(mask)[alpha > 127])
        return alpha, "opaque", "transparent"
    gray = _gray(mask)
    if _is_photograph(gray, photograph):
        raise MaskError("The mask is the photograph itself: give a drawing of its size that shows what to regenerate.")
    spread = colours.max(axis=2) - colours.min(axis=2)
    if np.count_nonzero(spread > _COLOURFUL) > _MOST_COLOURFUL * spread.size:
        raise MaskError("The mask is a picture in colours: give a drawing in black and white, or a transparent part.")
    return np.rint(gray).astype(np.uint8), "white", "black"


def _refuse_two_drawings(shown: Gray) -> None:
    """Refuses a drawing in black and white that is transparent elsewhere: it says two things."""
    drawn = np.count_nonzero((shown > BLACK) & (shown < WHITE)) < MOST_BETWEEN * shown.size
    if drawn and shown.min() <= BLACK and shown.max() >= WHITE:
        raise MaskError("The mask has black, white and transparent parts: use either black and white, or transparency.")


def _is_photograph(gray: Gray, photograph: Photograph) -> bool:
    """Whether a mask is the photograph, perhaps in gray or saved anew; not if it is a drawing of something in it."""
    own = _gray(photograph)
    if np.abs(gray - own).max() <= _IDENTICAL:
        return True
    shaded = np.count_nonzero((gray > BLACK) & (gray < WHITE)) > MOST_BETWEEN * gray.size
    one, other = gray - gray.mean(), own - own.mean()
    spread = float(np.sqrt((one * one).mean(dtype=np.float64) * (other * other).mean(dtype=np.float64)))
    return bool(shaded and (one * other).mean(dtype=np.float64) > _ALIKE * spread)


def _gray(picture: Photograph) -> Gray:
    return luma(to_bytes(picture.colours))


def _share(covered: Pixels) -> str:
    share = float(covered.mean()) / 255
    return f"{share:.0%}" if share >= 0.01 else "less than 1 %"


def _of_other_size(mask: Photograph, photograph: Photograph) -> str:
    sizes = ["{} × {} px".format(*reversed(each.pixels.shape[:2])) for each in (mask, photograph)]
    sentence = f"The mask has {sizes[0]}, but the photograph has {sizes[1]}"
    if photograph.turned:
        sentence += ", seen as its EXIF data turns it"
    return sentence + ": they must be of the same size."
