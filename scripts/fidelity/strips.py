"""Real removals at 100 %: before, and by each model of the offline engine; for `fidelity.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from fidelity.offline import Hole, Picture, engines

#: px of the scaled crop: about what is sent for an object, and the margin around it as a share of its longer side.
SENT, MARGIN = 1_050_000, 0.6
#: px: how much the mask is grown, and the size of the part that is shown.
GROWN, SHOWN = 9, (360, 420)
SEED = 1
MODELS = ("PatchMatch", "MI-GAN", "texture without MI-GAN", "texture")


def strips(photographs: list[Path], folder: Path, notes: list[str]) -> Iterator[Path]:
    """Writes a strip for each photograph that has an object's mask (NAME-object.png) and gives its path."""
    found = engines(notes)
    for path in photographs:
        mask = path.with_name(f"{path.stem}-object.png")
        if mask.exists():
            rgb, hole = removal(path, mask)
            shown = [("before", rgb)] + [(name, found[name](rgb, hole, SEED)) for name in MODELS if name in found]
            strip = folder / f"{path.stem}.jpg"
            join(shown, middle(hole)).save(strip, quality=86)
            yield strip


def removal(photograph: Path, mask: Path) -> tuple[Picture, Hole]:
    """The crop around the object and its hole, as large as they are sent."""
    with Image.open(photograph) as image, Image.open(mask) as drawn:
        drawn = drawn.convert("L").resize(image.size)
        left, top, right, bottom = drawn.point(lambda value: 255 * (value > 127)).getbbox()
        margin = round(MARGIN * max(right - left, bottom - top))
        box = (max(0, left - margin), max(0, top - margin))
        box += (min(image.width, right + margin), min(image.height, bottom + margin))
        crop, drawn = image.convert("RGB").crop(box), drawn.crop(box)
    scale = min(1.0, (SENT / (crop.width * crop.height)) ** 0.5)
    size = round(crop.width * scale), round(crop.height * scale)
    grown = drawn.resize(size).filter(ImageFilter.MaxFilter(2 * GROWN + 1))
    return np.asarray(crop.resize(size, Image.Resampling.LANCZOS)), np.asarray(grown) > 127


def middle(hole: Hole) -> tuple[int, int]:
    """The left upper corner of the part that is shown."""
    rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
    at = (int(columns[0] + columns[-1]) - SHOWN[0]) // 2, (int(rows[0] + rows[-1]) - SHOWN[1]) // 2
    return max(0, min(at[0], hole.shape[1] - SHOWN[0])), max(0, min(at[1], hole.shape[0] - SHOWN[1]))


def join(shown: list[tuple[str, Picture]], corner: tuple[int, int]) -> Image.Image:
    """The same part of each picture, side by side, with its name below."""
    x, y = corner
    parts = [Image.fromarray(picture[y : y + SHOWN[1], x : x + SHOWN[0]]) for _name, picture in shown]
    strip = Image.new("RGB", (sum(part.width + 4 for part in parts) - 4, parts[0].height + 18), "white")
    left = 0
    for (name, _picture), part in zip(shown, parts, strict=True):
        strip.paste(part, (left, 0))
        ImageDraw.Draw(strip).text((left + 4, part.height + 3), name, "black")
        left += part.width + 4
    return strip
