"""Reads a mask for a photograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.commands.mask_rule import BLACK, MOST_BETWEEN, WHITE, MaskError, coverage
from bridge.commands.photograph import Photograph, open_photograph, to_bytes
from bridge.pixels.imaging import Pixels

Gray = NDArray[np.float32]

#: Levels. A picture differs by less from itself, on average, even after it was saved as JPEG; or, everywhere, after it
#: became gray.
_SAME, _IDENTICAL = 6.0, 2.0

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
    found, means = coverage(values.tobytes(), width, told)
    covered = np.frombuffer(found, np.uint8).reshape(height, width)
    part, other = (opaque, "keep") if means == "edit" else (clear, "edit")
    said = f"The mask's {part} part is regenerated, {_share(covered)} of the picture"
    return covered, f"{said}." if told else f"{said} (“--mask-means {other}” says the opposite)."


def _values(mask: Photograph, photograph: Photograph) -> tuple[Pixels, str, str]:
    """The values that count, uint8 [height, width], and what is said of the highest and the lowest."""
    colours = to_bytes(mask.colours)
    if mask.alpha is not None and mask.alpha.min() < mask.most:
        alpha = to_bytes(mask.alpha)
        _refuse_two_drawings(colours, alpha)
        return alpha, "opaque", "transparent"
    gray = _gray(mask)
    if _is_photograph(gray, photograph):
        raise MaskError("The mask is the photograph itself: give a drawing of its size that shows what to regenerate.")
    spread = colours.max(axis=2) - colours.min(axis=2)
    if np.count_nonzero(spread > _COLOURFUL) > _MOST_COLOURFUL * spread.size:
        raise MaskError("The mask is a picture in colours: give a drawing in black and white, or a transparent part.")
    return np.rint(gray).astype(np.uint8), "white", "black"


def _refuse_two_drawings(colours: Pixels, alpha: Pixels) -> None:
    """A drawing in black and white that is transparent elsewhere says two things."""
    shown = colours[alpha > 127]
    if shown.size and shown.min() < 64 and shown.max() > 191 and np.mean((shown > 16) & (shown < 239)) < 0.1:
        raise MaskError("The mask has black, white and transparent parts: use either black and white, or transparency.")


def _is_photograph(gray: Gray, photograph: Photograph) -> bool:
    """Whether a mask is the photograph in gray. A dark photograph and a mask with a small object differ little, too."""
    away = np.abs(gray - _gray(photograph))
    shaded = np.count_nonzero((gray > BLACK) & (gray < WHITE)) > MOST_BETWEEN * gray.size
    return bool(away.max() <= _IDENTICAL or (shaded and away.mean() < _SAME))


def _gray(photograph: Photograph) -> Gray:
    gray: Gray = to_bytes(photograph.colours).mean(axis=2, dtype=np.float32)
    return gray


def _share(covered: Pixels) -> str:
    share = float(covered.mean()) / 255
    return f"{share:.0%}" if share >= 0.01 else "less than 1 %"


def _of_other_size(mask: Photograph, photograph: Photograph) -> str:
    sizes = ["{} × {} px".format(*reversed(each.pixels.shape[:2])) for each in (mask, photograph)]
    sentence = f"The mask has {sizes[0]}, but the photograph has {sizes[1]}"
    if photograph.turned:
        sentence += ", seen as its EXIF data turns it"
    return sentence + ": they must be of the same size."
