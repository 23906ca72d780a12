"""Real removals at 100 %: before, and by each model of the offline engine; for `fidelity.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from bridge.engine import texture_model
from bridge.engine.fill import Fill
from fidelity.offline import Hole, Picture, engines

#: px of the scaled crop: about what is sent for an object, and the margin around it as a share of its longer side.
SENT, MARGIN = 1_050_000, 0.6
#: px: how much the mask is grown, and the size of the part that is shown.
GROWN, SHOWN = 9, (360, 420)
SEED = 1
MODELS = ("PatchMatch", "MI-GAN", "MI-GAN + texture", "texture")
#: What no model can continue: a photograph, and the middle and half axes of an ellipse in it, px at half its size.
FAILURES = {
    "pattern": ("roman-colosseum", (770, 680), (120, 180)),
    "face": ("oakland-zoo-otters", (690, 365), (60, 55)),
    "text": ("lake-sherburne", (960, 300), (130, 60)),
}
TEXT = "Photio for GIMP"


def strips(photographs: list[Path], folder: Path, notes: list[str]) -> Iterator[str]:
    """Writes strips: of each photograph with an object's mask (NAME-object.png), and of what no model can do.

    Gives a line for each, with the seconds of processor time that each model took.
    """
    found = engines(notes)
    for path in photographs:
        mask = path.with_name(f"{path.stem}-object.png")
        if mask.exists():
            yield _strip(folder / f"{path.stem}.jpg", *removal(path, mask), found)
    of = {path.stem: path for path in photographs}
    for name, (photograph, centre, axes) in FAILURES.items():
        if photograph in of:
            yield _strip(folder / f"{name}.jpg", *failure(of[photograph], name, centre, axes), found)


def cost(photographs: list[Path]) -> Iterator[str]:
    """The seconds that the default model takes for each removal: a line for each, of the second of two fills."""
    for path in photographs:
        mask = path.with_name(f"{path.stem}-object.png")
        if mask.exists():
            rgb, hole = removal(path, mask)
            for _ in range(2):  # what is imported and compiled for the first one does not count
                began = time.perf_counter(), time.process_time()
                texture_model.fill(rgb, hole, SEED)
                seconds, processor = time.perf_counter() - began[0], time.process_time() - began[1]
            told = f"{path.name}, {hole.size / 1e6:.2f} megapixels, hole {hole.mean():.1%}"
            yield f"{told}: {seconds:.2f} s, {processor:.2f} s of the processor"


def _strip(strip: Path, rgb: Picture, hole: Hole, found: dict[str, Fill]) -> str:
    shown, line = [("before", rgb)], f"{strip.name}, {hole.size / 1e6:.2f} MP, hole {hole.mean():.1%}:"
    for name in MODELS:
        if name in found:
            began = time.process_time()
            shown.append((name, found[name](rgb, hole, SEED)))
            line += f"  {name} {time.process_time() - began:.1f} s"
    join(shown, middle(hole)).save(strip, quality=60)
    return line


def failure(photograph: Path, name: str, centre: tuple[int, int], axes: tuple[int, int]) -> tuple[Picture, Hole]:
    """A photograph at half its size, for "text" with a line of it, and an ellipse as the hole."""
    with Image.open(photograph) as image:
        half = image.convert("RGB").reduce(2)
    if name == "text":
        ImageDraw.Draw(half).text(centre, TEXT, "white", ImageFont.load_default(72), "mm")
    y, x = np.mgrid[: half.height, : half.width]
    return np.asarray(half), ((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2 < 1


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
