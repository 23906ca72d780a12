"""`python -m bridge regen --raw`: sends picture and mask as they are and writes the answer, to test a service."""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable

from PIL import Image, ImageOps

from bridge.commands.regen_options import ONLY_COOKED
from bridge.commands.saving import format_of, keep_unreadable, write
from bridge.common.errors import PhotioError
from bridge.job.backend import Backend
from bridge.regen.call import Call
from bridge.regen.client import RegenRequest, RegenResult
from bridge.regen.decoding import to_srgb
from bridge.regen.errors import ParameterError, RegenError

_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def send_raw(
    chosen: argparse.Namespace, negative_prompt: str, backend: Callable[[], Backend], warn: Callable[[str], None]
) -> int:
    """Send the request, write the answer and print the seed; returns the exit status.

    Args:
        backend: who does it; called when all else was checked.

    Raises:
        PhotioError: the request failed, or the answer could not be written to `--out`.
    """
    for name in ONLY_COOKED:
        if getattr(chosen, name) is not None:
            raise PhotioError(
                f"“--raw” sends the files as they are, so “--{name.replace('_', '-')}” means nothing with it."
            )
    kind = format_of(chosen.out)  # before paying
    if kind not in _MEDIA_TYPES:
        raise ParameterError("out", str(chosen.out), "a file name that ends with .png, .jpg or .webp, with “--raw”")
    request = RegenRequest(
        base_image=_image("base", chosen.base),
        mask_image=_image("mask", chosen.mask),
        prompt=chosen.prompt,
        negative_prompt=negative_prompt,
        quality=chosen.quality,
        seed=chosen.seed,
        cfg_scale=chosen.cfg_scale,
    )
    call = Call()
    try:
        result = backend().client().regenerate(request, call=call)
    except KeyboardInterrupt:
        call.cancel()
        if call.sent:
            warn("The request was sent already and may have been billed.")
        raise
    except RegenError as error:
        keep_unreadable(chosen.out, [error.received] if error.received else [], warn)
        raise
    for warning in result.warnings:
        warn(warning)
    write(chosen.out, _encode(result, kind))
    print(f"{chosen.out}: seed {result.seed}")
    return 0


def _image(name: str, source: str | None) -> Image.Image | str:
    """A URL unchanged; a file as an sRGB image with EXIF orientation applied, as the user saw it for the mask."""
    if source is None:
        raise ParameterError(name, "", "an image file that exists, or a URL")
    if is_url(source):
        return source
    try:
        with Image.open(source) as image:
            return to_srgb(ImageOps.exif_transpose(image))[0]
    except FileNotFoundError as error:
        raise ParameterError(name, source, "an image file that exists, or a URL") from error
    except Exception as error:  # on damaged files Pillow's decoders raise errors of any type
        raise ParameterError(name, source, "an image file that can be read, or a URL") from error


def is_url(source: str) -> bool:
    """Whether a picture is named by its address, which only `--raw` can send."""
    return source.startswith(("http://", "https://"))


def _encode(result: RegenResult, wanted: str) -> bytes:
    """The file as received if it has the wanted format: encoding it again would only lose quality."""
    if result.media_type == _MEDIA_TYPES[wanted]:
        return result.encoded
    image = result.image.convert("RGB") if wanted == "JPEG" else result.image
    buffer = io.BytesIO()
    options = {"lossless": True} if wanted == "WEBP" else {"quality": 95} if wanted == "JPEG" else {}
    image.save(buffer, wanted, **options)
    return buffer.getvalue()
