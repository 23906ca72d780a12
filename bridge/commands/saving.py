"""Writes results: the photograph's depth, alpha, profile and metadata, as far as the format of `--out` has them."""

from __future__ import annotations

import io
import itertools
import os
import tempfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffTags

from bridge.commands import deep
from bridge.commands.photograph import IPTC_TAG, XMP_NAME, Photograph, PhotographError, Samples, to_bytes
from bridge.pixels.png import png
from bridge.regen.errors import ParameterError
from bridge.store.private_files import StorageError

#: The formats of result files by the endings of their names.
FORMATS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}

#: px: the longest side.
_LONGEST = {"JPEG": 65_500, "WEBP": 16_383}

#: bytes; its offsets have 32 bits.
_LARGEST_TIFF = (1 << 32) - (1 << 20)

#: For a photograph that was no JPEG.
_JPEG = {"quality": 95, "subsampling": 0}

_XMP_TAG = 700
_ICC_TAG = 34675


def format_of(out: Path) -> str:
    """The format of a file that will be written.

    Raises:
        ParameterError: its name ends otherwise, or no file can be written there.
    """
    if out.suffix.lower() not in FORMATS:
        raise ParameterError("out", str(out), "a file name that ends with " + ", ".join(FORMATS))
    try:
        usable = out.parent.is_dir() and os.access(out.parent, os.W_OK) and not out.is_dir()
    except OSError:  # for example, the name is too long
        usable = False
    if not usable:
        raise ParameterError("out", str(out), "a file in a folder that exists and can be written")
    return FORMATS[out.suffix.lower()]


def not_kept(photograph: Photograph, kind: str) -> tuple[str, ...]:
    """Sentences about what a format does not keep of a photograph.

    Raises:
        PhotographError: it would lose transparency, or it cannot take the photograph's size or metadata.
    """
    height, width = photograph.pixels.shape[:2]
    if max(height, width) > _LONGEST.get(kind, max(height, width)):
        raise PhotographError(f"The photograph is too large for {kind}: choose a name that ends with .png or .tif.")
    if kind == "TIFF" and photograph.pixels.nbytes > _LARGEST_TIFF:
        raise PhotographError("The photograph is too large for TIFF: choose a name that ends with .png.")
    if kind == "JPEG" and photograph.alpha is not None and photograph.alpha.min() < photograph.most:
        raise PhotographError("JPEG has no transparency: choose a name that ends with .png, .tif or .webp.")
    try:
        encode(photograph, photograph.pixels[:1, :1], kind)  # a rehearsal, before something is paid for
    except Exception as error:  # Pillow raises errors of any type
        sentence = (
            f"{kind} cannot take the photograph's EXIF, XMP or IPTC data, which is too long or damaged: choose another "
            "ending, or remove that data from the photograph."
        )
        raise PhotographError(sentence, repr(error)) from error
    said = []
    if kind in ("JPEG", "WEBP") and photograph.most > 255:
        said.append(f"{kind} has 8 bits a channel, so the photograph's 16 are not kept: .png and .tif keep them.")
    if kind == "JPEG":
        said.append("JPEG is compressed anew, which changes all pixels a little: .png, .tif and .webp do not.")
    if kind in ("PNG", "WEBP") and "iptc" in photograph.extras:
        said.append(f"{kind} has no place for the photograph's IPTC data: .jpg and .tif keep it.")
    if kind != "PNG" and (texts := photograph.extras.get("texts")):
        said.append(f"{kind} has no place for the photograph's texts ({', '.join(texts)}): .png keeps them.")
    return (*photograph.remarks, *said)


def encode(photograph: Photograph, pixels: Samples, kind: str) -> bytes:
    """The file of a result.

    Args:
        photograph: what it was made of.
        pixels: the result, of the same shape and dtype.
        kind: one of `FORMATS`.
    """
    if kind == "TIFF":
        return deep.tiff(pixels, _tags(photograph))
    if kind == "PNG" and pixels.dtype == np.uint16:
        return png(pixels.astype(np.uint16, copy=False), _chunks(photograph))
    shown = to_bytes(pixels)
    if kind == "JPEG" and photograph.has_alpha:
        shown = shown[..., :-1]
    image = Image.fromarray(np.ascontiguousarray(shown[..., 0] if shown.shape[2] == 1 else shown))
    options: dict[str, Any] = {"icc_profile": photograph.profile, **photograph.extras}
    if photograph.exif:
        options["exif"] = photograph.exif.tobytes()
    if kind == "JPEG":
        options |= {**(photograph.jpeg or _JPEG), "extra": _segment(photograph.extras.get("iptc", b""))}
    elif kind == "WEBP":
        # exact: also the colours of transparent pixels; the others: a sixth of the time, for a file a fifth larger
        options |= {"lossless": True, "exact": True, "method": 0, "quality": 20}
    else:
        options |= {"pnginfo": _text(photograph), "compress_level": 3}  # half the time, for a file a fifth larger
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _segment(iptc: bytes) -> bytes:
    """The segment of a JPEG that has IPTC data: APP13, with a single one of Photoshop's image resources.

    Raises:
        OverflowError: it is too long.
    """
    if not iptc:
        return b""
    resource = b"8BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big") + iptc + bytes(len(iptc) % 2)
    content = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + (2 + len(content)).to_bytes(2, "big") + content


def _text(photograph: Photograph) -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    for name, value in photograph.extras.get("texts", {}).items():
        text.add_text(name, value)
    if xmp := photograph.extras.get("xmp"):
        text.add_itxt(XMP_NAME, xmp)
    return text


def _chunks(photograph: Photograph) -> list[tuple[bytes, bytes]]:
    """What a PNG has before its pixels."""
    chunks = []
    if photograph.profile:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(photograph.profile)))
    if dpi := photograph.extras.get("dpi"):
        per_metre = [round(float(each) / 0.0254).to_bytes(4, "big") for each in dpi]
        chunks.append((b"pHYs", b"".join(per_metre) + b"\1"))
    if photograph.exif:
        chunks.append((b"eXIf", photograph.exif.tobytes().removeprefix(b"Exif\0\0")))
    return chunks + [(name, content) for name, content, _after_pixels in _text(photograph).chunks]


def _tags(photograph: Photograph) -> dict[int, Any]:
    """What a TIFF has beside its pixels."""
    exif = photograph.exif
    tags = {tag: exif.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else exif[tag] for tag in exif}
    if photograph.profile:
        tags[_ICC_TAG] = photograph.profile
    if dpi := photograph.extras.get("dpi"):
        tags |= {ExifTags.Base.ResolutionUnit: 2, ExifTags.Base.XResolution: dpi[0], ExifTags.Base.YResolution: dpi[1]}
    for tag, name in ((_XMP_TAG, "xmp"), (IPTC_TAG, "iptc")):
        if name in photograph.extras:
            tags[tag] = photograph.extras[name]
    return tags


def write(out: Path, content: bytes) -> None:
    """Writes a result atomically. If that fails, it goes to a temporary file: it may have been paid for.

    Raises:
        StorageError: it could not be written; says where the result is.
    """
    try:
        replace(out, content)
    except OSError as error:
        handle, rescued = tempfile.mkstemp(prefix="photio-", suffix=out.suffix)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        raise StorageError(f"“{out}” could not be written: the result is in “{rescued}”.", str(error)) from error


def keep_unreadable(out: Path, answers: Sequence[bytes], warn: Callable[[str], None]) -> None:
    """Keeps answers that are no picture beside `out`, under new names: they may have been paid for."""
    for answer in answers:
        names = (f"{out.name}{f'-{number}' if number > 1 else ''}.unreadable" for number in itertools.count(1))
        beside = next(file for file in map(out.with_name, names) if not os.path.lexists(file))
        try:
            write(beside, answer)
            warn(f"What the service answered is in “{beside}”.")
        except StorageError as error:
            warn(error.sentence)


def replace(out: Path, content: bytes) -> None:
    """Writes a file atomically, with the rights of any new file.

    Raises:
        OSError: it cannot be written; a previous one is still there.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    handle, draft = tempfile.mkstemp(dir=out.parent, prefix=".photio-")  # `out`'s name may be too long to extend
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o666 & ~umask)  # instead of a temporary file's 0600
        os.replace(draft, out)
    except OSError:
        os.unlink(draft)
        raise
