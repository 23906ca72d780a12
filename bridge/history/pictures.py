"""How a result looks in its image, as a small picture or a part of it, made from the job folder's own files.

Crops are worked on in bands of rows, each scaled down at once: a result of 64 megapixels takes no more memory than one
of a single megapixel.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from bridge.common.i18n import _
from bridge.history.records import HistoryError, Record, read_record
from bridge.history.recovery import check_crops, recall
from bridge.job.fitting import base_file
from bridge.pixels.geometry import Box, bounds
from bridge.pixels.imaging import pnm
from bridge.pixels.light import blended
from bridge.pixels.pnm_header import read_header
from bridge.protocol.history import Picture, ShowPart
from bridge.store.journal import JobFolder
from bridge.store.private_files import write_private

_LARGEST = 2048  # px
_LARGEST_PART = 1 << 24  # px; a screen has fewer
_BAND = 1 << 19  # px of a crop that are worked on at once, about
_RUN_LENGTHS = 3  # zlib's Z_RLE: no slower than its quickest level, and smaller
_PART = "part.pnm"
_EIGHT_BITS = ((np.arange(1 << 16) + 128) // 257).astype(np.uint8)  # rounded, as GIMP does
_LIGHT, _DARK, _SQUARE = 255, 230, 8  # the board under transparent parts: gray levels, px in the picture


@dataclass(frozen=True)
class _Layer:
    """A picture file, where it lies, and the mask that it is seen through."""

    picture: Path
    box: Box
    mask: Path | None = None

    def part(self, part: Box) -> tuple[Image.Image, Image.Image | None]:
        """Colours and coverage of a part of this layer, which is in canvas px."""
        inside = part.relative_to(self.box)
        picture = _read(self.picture, inside)
        alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
        if self.mask:
            seen = _read(self.mask, inside)
            alpha = ImageChops.multiply(seen, alpha) if alpha else seen
        return picture.convert("RGB"), alpha


@dataclass(frozen=True)
class _View:
    """What of the canvas is drawn, and how.

    Attributes:
        part: in canvas px.
        step: each pixel of the picture stands for so many of the canvas, in both directions.
        square: the length of the board's squares, in canvas px.
        linear: whether layers are blended in linear light.
    """

    part: Box
    step: int
    square: int
    linear: bool = False


def show(journal: Path, id_: str, variation: int, size: int) -> Picture:
    """A PNG of all of a job's crops with a result in place.

    Args:
        variation: from 1; 0: as it was before.
        size: the longer side's largest length, px; nothing is enlarged. Where the crops leave parts of their bounds
            out, the picture is transparent.

    Raises:
        PhotioError: the files are not there.
    """
    size = max(1, min(size, _LARGEST))
    folder = JobFolder.existing(journal, id_)
    name = f"picture-{variation}-{size}.png"
    record = _record(folder, variation)
    box = bounds(Box(*crop.box) for crop in record.crops)
    if not folder.file(name).is_file():
        longer = max(box.size)
        view = _View(box, max(1, longer // size), max(1, round(_SQUARE * longer / min(size, longer))))
        picture = _compose(folder.path, record, _patches(journal, id_, variation), view)
        picture.thumbnail((size, size), Image.Resampling.BOX, reducing_gap=None)
        data = io.BytesIO()
        _opaque(picture).save(data, "PNG", compress_level=1, compress_type=_RUN_LENGTHS)
        write_private(folder.file(name), data.getvalue())
    return Picture(name, (box.x, box.y, box.width, box.height))


def show_part(journal: Path, asked: ShowPart) -> Picture:
    """A PNM of a part of what `show` shows, for a closer look. The next one replaces it.

    Its `part` is cut to the crops' bounds, and widened to whole pixels of the picture. Its `step` is raised if the
    picture would be larger than any screen.

    Raises:
        PhotioError: the files are not there, or no crop is near that part.
    """
    folder = JobFolder.existing(journal, asked.id)
    record = _record(folder, asked.variation)
    whole = bounds(Box(*crop.box) for crop in record.crops)
    part = Box(*asked.part).within(whole)
    if part.is_empty:
        raise HistoryError(_("There is no picture of this result."))
    step = max(1, min(asked.step, max(whole.size)), math.isqrt(part.size.area // _LARGEST_PART))
    left, top = part.x - (part.x - whole.x) % step, part.y - (part.y - whole.y) % step
    across, down = -(-(part.right - left) // step), -(-(part.bottom - top) // step)
    part = Box(left, top, across * step, down * step)
    view = _View(part, step, _SQUARE * step, asked.linear)
    picture = _compose(folder.path, record, _patches(journal, asked.id, asked.variation), view)
    write_private(folder.file(_PART), pnm(np.asarray(_opaque(picture))), lasting=False)
    return Picture(_PART, (part.x, part.y, part.width, part.height))


def _record(folder: JobFolder, variation: int) -> Record:
    read = read_record(folder.path)
    if read is None or not 0 <= variation <= read[0].job.variations:
        raise HistoryError(_("There is no picture of this result."))
    return read[0]


def _patches(journal: Path, id_: str, variation: int) -> list[_Layer]:
    """The result's parts; none of variation 0. `recall` sees that their files are whole."""
    if not variation:
        return []
    folder, finished = JobFolder.existing(journal, id_).path, recall(journal, id_).finished
    patches = list[_Layer]()
    for result in (each for each in finished.results if each.variation == variation):
        masks = {mask.box: folder / mask.file for mask in finished.masks_of(result)}
        shown = [each for each in result.patches if each.box in masks]
        patches += [_Layer(folder / each.file, Box(*each.box), masks[each.box]) for each in shown]
    if not patches:
        raise HistoryError(_("This result is no longer in the history."))
    return patches


def _compose(folder: Path, record: Record, patches: list[_Layer], view: _View) -> Image.Image:
    """RGBA. What no crop shows is transparent.

    Raises:
        PhotioError: the crops' files are not there.
    """
    check_crops(folder, record)
    part, step = view.part, view.step
    whole = Image.new("RGBA", (-(-part.width // step), -(-part.height // step)))
    for number, crop in enumerate(record.crops, 1):
        base = _Layer(folder / base_file(number), Box(*crop.box))
        shown = base.box.within(part)
        if shown.is_empty:
            continue
        rows = max(1, _BAND // shown.width // step) * step
        first = part.y + (shown.y - part.y) // step * step  # a multiple of `step` from the picture's upper edge
        for top in range(first, shown.bottom, rows):
            band = Box(shown.x, top, shown.width, rows).within(shown)
            place = band.relative_to(part)
            picture = _reduced(_band(base, patches, band, view), place, step)
            whole.paste(picture, (place.x // step, place.y // step))
    return whole


def _opaque(picture: Image.Image) -> Image.Image:
    """RGB instead of RGBA, unless something is transparent."""
    least, _most = picture.getchannel("A").getextrema()
    return picture.convert("RGB") if least == 255 else picture


def _band(base: _Layer, patches: list[_Layer], band: Box, view: _View) -> Image.Image:
    """A part of a crop with the result over it, in full size."""
    picture, alpha = base.part(band)
    if alpha is not None:
        board = _board(band, view.square)
        board.paste(picture, (0, 0), alpha)
        picture = board
    for layer in patches:
        common = layer.box.within(band)
        if common.is_empty:
            continue
        place = common.relative_to(band)
        colours, mask = layer.part(common)
        if mask and view.linear:
            below = picture.crop((place.x, place.y, place.right, place.bottom))
            colours, mask = Image.fromarray(blended(*map(np.asarray, (below, colours, mask)))), None
        picture.paste(colours, place[:2], mask)
    return picture


def _board(band: Box, square: int) -> Image.Image:
    """Light squares and lighter ones."""
    rows = (np.arange(band.y, band.bottom) // square)[:, None]
    columns = (np.arange(band.x, band.right) // square)[None, :]
    gray = np.where((rows + columns) % 2 == 0, _LIGHT, _DARK).astype(np.uint8)
    return Image.fromarray(gray).convert("RGB")


def _reduced(picture: Image.Image, place: Box, step: int) -> Image.Image:
    """Scaled down by `step`, on the grid of the whole; incomplete cells at the edges repeat their last pixels."""
    before, after = place.x % step, -place.right % step
    above, below = place.y % step, -place.bottom % step
    if before or after or above or below:
        pixels = np.pad(np.asarray(picture), ((above, below), (before, after), (0, 0)), mode="edge")
        picture = Image.fromarray(pixels)
    return picture.reduce(step)


def _read(file: Path, part: Box) -> Image.Image:
    """A part of a PNM file as L, RGB or RGBA, in 8 bits."""
    header = read_header(file)
    if header is None or part.bottom > header.height or part.right > header.width:
        raise HistoryError(_("“{file}” is missing or damaged.").format(file=file))
    start = header.start + part.y * header.row
    content = np.fromfile(file, np.uint8, part.height * header.row, offset=start)
    pixels = content.reshape(part.height, header.width, -1)[:, part.x : part.right]
    if header.depth == 2:
        pixels = _EIGHT_BITS[np.ascontiguousarray(pixels).view(">u2")]
    pixels = pixels.reshape(part.height, part.width, header.channels)
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if header.channels == 1 else pixels))
