"""Puts a job's results into the photograph, as GIMP shows them: each through its layer mask, at the picture's depth.

A pixel whose mask is 0 is not touched. GIMP composites a photograph's only layer in the colours that are stored, and so
do we.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge.commands.colours import Conversion
from bridge.commands.photograph import Photograph, Samples
from bridge.pixels.imaging import Colours, PictureError, read_pnm
from bridge.pixels.pnm_header import read_header
from bridge.protocol import Finished, Patch, Result


def placed(photograph: Photograph, conversion: Conversion, finished: Finished, result: Result, folder: Path) -> Samples:
    """The photograph with one of the results in it; a new array of the same shape and dtype.

    Args:
        folder: the job's, with the files that `finished` names.

    Raises:
        PictureError: a file is not there, or damaged.
    """
    pixels = photograph.pixels.copy()
    masks = {mask.box: mask for mask in finished.masks_of(result)}
    for patch in result.patches:
        x, y, width, height = patch.box
        region = pixels[y : y + height, x : x + width]
        mask = read_pnm(folder / masks[patch.box].file).astype(np.float32) / np.float32(255)
        colours, opaque = _read_deep(folder, patch)
        new, seen = conversion.from_srgb(colours) * np.float32(photograph.most / 255), mask[..., None]
        if photograph.has_alpha:
            new, seen = _with_alpha(new, seen, region[..., -1:].astype(np.float32), photograph.most if opaque else None)
        blended = region + (new - region) * seen
        region[mask > 0] = np.rint(blended[mask > 0]).astype(pixels.dtype)
    return pixels


def _with_alpha(new: Colours, seen: Colours, alpha: Colours, most: int | None) -> tuple[Colours, Colours]:
    """The result with an alpha channel, and how much of each channel is shown, 0–1.

    Args:
        alpha: the photograph's, [height, width, 1]; it stays, unless the result fills what was transparent.
        most: the alpha of what is filled; None to keep the photograph's.
    """
    if most is None:
        return np.dstack([new, alpha]), seen
    # P. Duff, T. Porter, “Compositing Digital Images”, SIGGRAPH 1984: “over”, with an opaque layer
    weight = np.divide(seen, seen + alpha / most * (1 - seen), out=np.ones_like(seen), where=seen > 0)
    shown = np.dstack([np.repeat(weight, new.shape[2], axis=2), seen])
    return np.dstack([new, np.full_like(alpha, most)]), shown


def _read_deep(folder: Path, patch: Patch) -> tuple[Colours, bool]:
    """A result's colours, float32 [height, width, 3], 0–255; and whether it has no alpha.

    Raises:
        PictureError: the file is not there, or damaged.
    """
    file = folder / patch.file
    header = read_header(file)
    if header is None or header.depth != 2 or (header.width, header.height) != patch.box[2:]:
        raise PictureError(f"“{file}” is missing or damaged.")
    values = np.fromfile(file, ">u2", offset=header.start).reshape(header.height, header.width, header.channels)
    levels: Colours = values.astype(np.float32) / np.float32(257)
    return (np.repeat(levels, 3, axis=2) if header.channels == 1 else levels[..., :3]), header.channels < 4
