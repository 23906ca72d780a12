"""`python -m bridge regen`: regenerates an image given by files or URLs, and writes the result to a file."""

from __future__ import annotations

import argparse
import dataclasses
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

from bridge.job.backend import Backend, choose
from bridge.regen.client import DEFAULT_NEGATIVE_PROMPT, Call, RegenRequest, RegenResult
from bridge.regen.decoding import to_srgb
from bridge.regen.errors import ParameterError
from bridge.store.private_files import StorageError
from bridge.store.settings import Settings

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def regenerate_files(chosen: argparse.Namespace, settings: Settings, warn: Callable[[str], None]) -> int:
    """Send the request, write the result and print the seed; returns the exit status.

    Raises:
        PhotioError: the request failed, or the result could not be written to `--out`.
    """
    _check_out(chosen.out)  # before paying
    negative = DEFAULT_NEGATIVE_PROMPT if chosen.negative_prompt is None else chosen.negative_prompt
    request = RegenRequest(
        base_image=_image("base", chosen.base),
        mask_image=_image("mask", chosen.mask),
        prompt=chosen.prompt,
        negative_prompt=negative,
        quality=chosen.quality,
        seed=chosen.seed,
        cfg_scale=chosen.cfg_scale,
    )
    if chosen.origin is not None:
        settings = dataclasses.replace(settings, origin=chosen.origin)
    call = Call()
    try:
        result = _backend(chosen.prompt, settings, warn).client().regenerate(request, call=call)
    except KeyboardInterrupt:
        call.cancel()
        if call.sent:
            warn("The request was sent already and may have been billed.")
        raise
    for warning in result.warnings:
        warn(warning)
    _write(chosen.out, result)
    print(f"{chosen.out}: seed {result.seed}")
    return 0


def _backend(prompt: str, settings: Settings, warn: Callable[[str], None]) -> Backend:
    """Photio, or the offline engine when it is configured or there is no key."""
    chosen = choose("auto", prompt, settings)
    for remark in chosen.remarks:
        warn(remark)
    if chosen.name == "offline" and settings.engine != "offline":
        warn("No API key is configured, so the offline engine on this computer is used.")
    return chosen


def _image(name: str, source: str) -> Image.Image | str:
    """A URL unchanged; a file as an sRGB image with EXIF orientation applied, as the user saw it for the mask."""
    if source.startswith(("http://", "https://")):
        return source
    try:
        with Image.open(source) as image:
            return to_srgb(ImageOps.exif_transpose(image))[0]
    except FileNotFoundError as error:
        raise ParameterError(name, source, "an image file that exists, or a URL") from error
    except Exception as error:  # on damaged files Pillow's decoders raise errors of any type
        raise ParameterError(name, source, "an image file that can be read, or a URL") from error


def _check_out(out: Path) -> None:
    if out.suffix.lower() not in _FORMATS:
        raise ParameterError("out", str(out), "a file name that ends with " + ", ".join(_FORMATS))
    try:
        usable = out.parent.is_dir() and os.access(out.parent, os.W_OK) and not out.is_dir()
    except OSError:  # for example, the name is too long
        usable = False
    if not usable:
        raise ParameterError("out", str(out), "a file in a folder that exists and can be written")


def _write(out: Path, result: RegenResult) -> None:
    """Write the result atomically. If that fails, store it in a temporary file: it may have been paid for."""
    content = _encode(result, _FORMATS[out.suffix.lower()])
    try:
        _replace(out, content)
    except OSError as error:
        handle, rescued = tempfile.mkstemp(prefix="photio-", suffix=out.suffix)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        raise StorageError(f"“{out}” could not be written: the result is in “{rescued}”.", str(error)) from error


def _replace(out: Path, content: bytes) -> None:
    umask = os.umask(0o077)
    os.umask(umask)
    handle, draft = tempfile.mkstemp(dir=out.parent, prefix=".photio-")  # `out`'s name may be too long to extend
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o666 & ~umask)  # as for any new file, instead of a temporary file's 0600
        os.replace(draft, out)
    except OSError:
        os.unlink(draft)
        raise


def _encode(result: RegenResult, wanted: str) -> bytes:
    """The file as received if it has the wanted format: encoding it again would only lose quality."""
    if result.media_type == _MEDIA_TYPES[wanted]:
        return result.encoded
    image = result.image.convert("RGB") if wanted == "JPEG" else result.image
    buffer = io.BytesIO()
    options = {"lossless": True} if wanted == "WEBP" else {"quality": 95} if wanted == "JPEG" else {}
    image.save(buffer, wanted, **options)
    return buffer.getvalue()
