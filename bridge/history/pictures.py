"""How a result looks in its image, as a small picture made from the job folder's own files.

Crops are worked on in bands of rows, each scaled down at once: a result of 64 megapixels takes no more memory than one
of a single megapixel.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops

from bridge.common.i18n import _
from bridge.history.records import HistoryError, Record, read_record
from bridge.history.recovery import check_crops, recall
from bridge.job.fitting import base_file
from bridge.pixels.geometry import Box, bounds
from bridge.pixels.pnm_header import read_header
from bridge.protocol import Finished
from bridge.protocol.history import Picture
from bridge.store.journal import JobFolder
from bridge.store.private_files import write_private

_LARGEST = 2048  # px
_BAND = 1 << 19  # px of a crop that are worked on at once, about
_RUN_LENGTHS = 3  # zlib's Z_RLE: no slower than its quickest level, and smaller
_LIGHT, _DARK, _SQUARE = 255, 230, 8  # the board under transparent parts: gray levels, px in the picture


@dataclass(frozen=True)
class _Layer:
    """A picture file, where it lies, and the mask that it is seen through."""

    picture: Path
    box: Box
    mask: Path | None = None

    def rows(self, part: Box) -> tuple[Image.Image, Image.Image | None]:
        """Colours and coverage of the rows of `part`, over this layer's whole width.

        Args:
            part: in canvas px, with this layer's `x` and `width`.
        """
        top = part.y - self.box.y
        picture = _read_rows(self.picture, top, part.height)
        alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
        if self.mask:
            seen = _read_rows(self.mask, top, part.height)
            alpha = ImageChops.multiply(seen, alpha) if alpha else seen
        return picture.convert("RGB"), alpha


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
    read = read_record(folder.path)
    if read is None or not 0 <= variation <= read[0].job.variations:
        raise HistoryError(_("There is no picture of this result."))
    record = read[0]
    box = bounds(Box(*crop.box) for crop in record.crops)
    if not folder.file(name).is_file():
        patches = _patches(folder.path, recall(journal, id_).finished, variation) if variation else []
        if variation and not patches:
            raise HistoryError(_("This result is no longer in the history."))
        check_crops(folder.path, record)
        data = io.BytesIO()
        picture = _compose(folder.path, record, patches, box, size)
        picture.save(data, "PNG", compress_level=1, compress_type=_RUN_LENGTHS)
        write_private(folder.file(name), data.getvalue())
    return Picture(name, (box.x, box.y, box.width, box.height))


def _patches(folder: Path, finished: Finished, variation: int) -> list[_Layer]:
    """The result's parts. `recall` has seen that their files are whole."""
    layers = []
    for result in (each for each in finished.results if each.variation == variation):
        masks = {mask.box: folder / mask.file for mask in finished.masks_of(result)}
        shown = [each for each in result.patches if each.box in masks]
        layers += [_Layer(folder / each.file, Box(*each.box), masks[each.box]) for each in shown]
    return layers


def _compose(folder: Path, record: Record, patches: list[_Layer], box: Box, size: int) -> Image.Image:
    step = max(1, max(box.size) // size)
    square = max(1, round(_SQUARE * max(box.size) / min(size, max(box.size))))
    whole = Image.new("RGBA", (-(-box.width // step), -(-box.height // step)))
    for number, crop in enumerate(record.crops, 1):
        base = _Layer(folder / base_file(number), Box(*crop.box))
        rows = max(1, _BAND // base.box.width // step) * step
        first = box.y + (base.box.y - box.y) // step * step  # a multiple of `step` from the whole's upper edge
        for top in range(first, base.box.bottom, rows):
            band = Box(base.box.x, top, base.box.width, rows).within(base.box)
            place = band.relative_to(box)
            picture = _reduced(_band(base, patches, band, square), place, step)
            whole.paste(picture, (place.x // step, place.y // step))
    whole.thumbnail((size, size), Image.Resampling.BOX, reducing_gap=None)
    least, _most = whole.getchannel("A").getextrema()
    return whole.convert("RGB") if least == 255 else whole


def _band(base: _Layer, patches: list[_Layer], band: Box, square: int) -> Image.Image:
    """A part of a crop with the result over it, in full size."""
    picture, alpha = base.rows(band)
    if alpha is not None:
        board = _board(band, square)
        board.paste(picture, (0, 0), alpha)
        picture = board
    for layer in patches:
        common = layer.box.within(band)
        if not common.is_empty:
            part = Box(layer.box.x, common.y, layer.box.width, common.height)
            colours, mask = layer.rows(part)
            picture.paste(colours, part.relative_to(band)[:2], mask)
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


def _read_rows(file: Path, top: int, count: int) -> Image.Image:
    """Rows of a PNM file as L, RGB or RGBA; of 16 bits the upper 8."""
    header = read_header(file)
    if header is None or top + count > header.height:
        raise HistoryError(_("“{file}” is missing or damaged.").format(file=file))
    content = np.fromfile(file, np.uint8, count * header.row, offset=header.start + top * header.row)
    pixels = content.reshape(count, header.width, header.channels * header.depth)[..., :: header.depth]
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if header.channels == 1 else pixels))
