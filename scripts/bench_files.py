"""The pictures that the benchmark works on, made once, by GIMP, and kept in the cache."""

from dataclasses import dataclass
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio
from pictures import load

PHOTO = Path(__file__).resolve().parent / "photos" / "extreme-desert-hike.jpg"

#: px, of what is selected in the middle of the canvas.
SELECTION = (600, 400)

#: The layers above the photograph are at most so large, px: thirty of 400 MP would fill the disk, not the time.
_LARGEST_LAYER = (3000, 2000)
_COMPRESSION, _RLE, _ZLIB = 17, 1, 2  # a property in an XCF, and its values


@dataclass(frozen=True)
class Row:
    """One kind of image: megapixels, "u8" or "float", "rgb" or "gray", how many layers, "rle" or "zlib"."""

    megapixels: float
    precision: str = "u8"
    base: str = "rgb"
    layers: int = 1
    compression: str = "rle"

    @property
    def name(self):
        """As it is printed, and as it is asked for."""
        return f"{self.megapixels:g}-{self.precision}-{self.base}-{self.layers}-{self.compression}"

    @property
    def size(self):
        """Width and height, px, 3 : 2."""
        height = round((self.megapixels * 1e6 / 1.5) ** 0.5)
        return round(height * 1.5), height


def opened(row, folder):
    """The image of a row, loaded from its file, with its selection; the file is made if it is not there."""
    file = folder / f"{row.name}.xcf"
    if not file.exists():
        _make(row, file)
    image = load(file)
    x, y, width, height = selected(image)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)
    return image


def selected(image):
    """The box in the middle of the canvas."""
    width, height = SELECTION
    return ((image.get_width() - width) // 2, (image.get_height() - height) // 2, width, height)


def _make(row, file):
    image = _photograph(row)
    if row.layers > 1:
        _add_layers(image, row.layers - 1)
    if row.compression == "zlib":
        image = _compressing(image, row, file)
    draft = file.with_name(f"draft-{file.name}")
    _save(image, draft)
    image.delete()
    draft.rename(file)


def _photograph(row):
    image = load(PHOTO)
    image.scale(*row.size)
    if row.base == "gray":
        image.convert_grayscale()
    if row.precision == "float":
        image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
    return image


def _add_layers(image, count):
    """Layers that are seen a little each, over what is selected."""
    width, height = (min(each) for each in zip(_LARGEST_LAYER, (image.get_width(), image.get_height()), strict=True))
    x, y = (image.get_width() - width) // 2, (image.get_height() - height) // 2
    below = image.get_layers()[-1]
    for number in range(count):
        layer = Gimp.Layer.new_from_drawable(below, image)
        layer.add_alpha()
        layer.set_opacity(3 + number % 5)
        image.insert_layer(layer, None, 0)
        layer.resize(width, height, -x, -y)  # only a layer that is in an image can be


def _compressing(image, row, file):
    """The same image with zlib in its file. No procedure asks for that, but a file that has it keeps it."""
    empty = Gimp.Image.new_with_precision(*row.size, image.get_base_type(), image.get_precision())
    seed = file.with_name(f"empty-{file.name}")
    _save(empty, seed)
    data = seed.read_bytes()
    words = [part.to_bytes(4, "big") for part in (_COMPRESSION, 1)]
    before, found, after = data.partition(b"".join(words))
    if not found or after[:1] != bytes([_RLE]):
        raise OSError("GIMP writes its XCF files otherwise now: no file with zlib could be made")
    seed.write_bytes(before + found + bytes([_ZLIB]) + after[1:])
    target = load(seed)
    seed.unlink()
    for position, layer in enumerate(image.get_layers()):
        target.insert_layer(Gimp.Layer.new_from_drawable(layer, target), None, position)
    for each in (empty, image):
        each.delete()
    return target


def _save(image, file):
    if not Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(file)), None):
        raise OSError(f"{file} could not be written")


def drop_result(image, layer):
    """Takes a layer away again, and what undo holds of it."""
    image.remove_layer(layer)
    image.undo_disable()
    image.undo_enable()


Gegl.init(None)
