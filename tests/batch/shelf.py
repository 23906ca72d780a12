"""A studio's shelf: some sixty files of all kinds, and what has to become of each."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from bridge.commands import deep
from tests.batch.support import MAKE, MODEL, SIZE, TAKEN, deep_tiff, mask, picture
from tests.unit.command_line import adobe_rgb

LONG = "l" * 251  # with its ending, the longest name that a file may have here is 255 bytes

UPRIGHT, TURNED = 1, 6  # EXIF's orientations


@dataclass
class Shelf:
    """The files and what is expected.

    Attributes:
        inputs, masks: the folders.
        failed, skipped: words of the sentence that tells why nothing comes of a file, by its name.
        deep: the pixels of the TIFFs with 16 bits a channel, a profile and EXIF data, by their names.
    """

    inputs: Path
    masks: Path
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    deep: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All files."""
        return sorted(str(file.relative_to(self.inputs)) for file in self.inputs.rglob("*") if file.is_file())

    @property
    def made(self) -> list[str]:
        """The files that something comes of."""
        return [name for name in self.names if name not in self.failed and name not in self.skipped]


def fill(folder: Path, layered: Path) -> Shelf:
    """Fills a shelf in a folder.

    Args:
        layered: the files of `inside/make_files.py`.
    """
    shelf = Shelf(folder / "in", folder / "masks")
    (shelf.inputs / "sub" / "sub").mkdir(parents=True)
    _tiffs(shelf)
    _flat(shelf.inputs)
    _names(shelf.inputs)
    for file in layered.iterdir():
        shutil.copy(file, shelf.inputs)
    _refused(shelf)
    for file in [file for file in shelf.inputs.rglob("*") if file.is_file()]:
        mask(shelf.masks, file.stem)
    _turned(shelf)
    _without_mask(shelf)
    return shelf


def _exif(orientation: int = UPRIGHT) -> Image.Exif:
    exif = Image.Exif()
    exif[271], exif[272], exif[274] = MAKE, MODEL, orientation
    exif.get_ifd(34665)[36867] = TAKEN
    return exif


def _tiffs(shelf: Shelf) -> None:
    for number in range(4):
        name = f"deep-{number}.tif"
        shelf.deep[name] = deep_tiff(shelf.inputs / name, adobe_rgb())
    noise = np.random.default_rng(1).integers(0, 65536, (SIZE[1], SIZE[0], 4)).astype(np.uint16)
    (shelf.inputs / "deep-gray.tif").write_bytes(deep.tiff(noise[..., :1], {}))
    picture().save(shelf.inputs / "eight.tiff", compression="tiff_lzw", icc_profile=adobe_rgb())
    picture("L").save(shelf.inputs / "eight-gray.tif")


def _flat(inputs: Path) -> None:
    """Files of one picture each, as many kinds as programs write."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    see_through = picture("RGBA")
    see_through.putalpha(picture("L"))
    picture().save(inputs / "rgb.png", icc_profile=srgb)
    picture("L").save(inputs / "gray.png")
    see_through.convert("LA").save(inputs / "gray-alpha.png")
    see_through.save(inputs / "rgba.png")
    Image.fromarray(np.asarray(picture("L")).astype(np.uint16) * 257).save(inputs / "gray-16.deep.png")
    picture().save(inputs / "sub" / "photo.jpg", quality=95, exif=_exif(), icc_profile=adobe_rgb())
    picture("L").save(inputs / "sub" / "gray.jpeg")
    picture("CMYK").save(inputs / "sub" / "press.jpg")
    picture().save(inputs / "sub" / "progressive.JPG", progressive=True)
    picture().save(inputs / "web.webp", lossless=True, exif=_exif())
    see_through.save(inputs / "web-alpha.webp", lossless=True)
    picture().save(inputs / "bitmap.bmp")


def _names(inputs: Path) -> None:
    strange = ("photo ü 写真", "🏜️ “100 %”", "#1?&", "-dash", "two\nlines", LONG)
    for number, name in enumerate(strange):
        picture(seed=number).save(inputs / "sub" / "sub" / f"{name}.png")
    picture().save(os.fsdecode(os.path.join(os.fsencode(inputs), b"old caf\xe9.png")))


def _refused(shelf: Shelf) -> None:
    """Files that have a mask and all the same come to nothing."""
    inputs, opens = shelf.inputs, "GIMP cannot open it"
    sources = {"png": "gray.png", "webp": "web.webp", "psd": "psd.psd", "ora": "ora.ora", "xcf": "grouped ü.xcf"}
    contents = {f"cut-{kind}.{kind}": (inputs / name).read_bytes()[:200] for kind, name in sources.items()}
    contents |= {f"empty-{kind}.{kind}": b"" for kind in ("png", "tif", "jpg", "xcf")}
    contents |= {f"text-{kind}.{kind}": b"This is no picture.\n" for kind in ("png", "webp")}
    for name, content in contents.items():
        shelf.failed[name] = opens
        (inputs / name).write_bytes(content)
    picture().quantize(16).save(inputs / "indexed.png")
    picture().quantize(16).save(inputs / "indexed.bmp.bmp")
    shelf.failed |= dict.fromkeys(("indexed.png", "indexed.bmp.bmp", "indexed-layers.xcf"), "indexed")
    for name in ("mask-of-another-size.png", "mask-empty.png", "mask-broken.png"):
        picture().save(inputs / name)
    picture().save(inputs / "twin.png")
    picture().save(inputs / "twin.webp")
    shelf.skipped["twin.webp"] = "is written to"


def _turned(shelf: Shelf) -> None:
    turn = Image.Transpose.ROTATE_90
    picture().transpose(turn).save(shelf.inputs / "sub" / "turned.jpg", exif=_exif(TURNED))
    mask(shelf.masks, "turned")
    with Image.open(shelf.masks / "turned.png") as upright:
        upright.transpose(turn).save(shelf.masks / "turned.png")


def _without_mask(shelf: Shelf) -> None:
    for name in ("without.png", "sub/without too.tif"):
        picture().save(shelf.inputs / name)
        shelf.skipped[name] = "There is no mask for it"
    Image.new("L", (30, 20), 255).save(shelf.masks / "mask-of-another-size.png")
    Image.new("L", SIZE, 0).save(shelf.masks / "mask-empty.png")
    (shelf.masks / "mask-broken.png").write_bytes(b"")
    shelf.failed |= {
        "mask-of-another-size.png": "not of the photograph's size",
        "mask-empty.png": "The mask is the same everywhere",
        "mask-broken.png": "cannot open the mask",
    }
