"""Colours between a photograph's own profile and sRGB, by Little CMS as Pillow has it.

It converts 8 bits. Values between two levels are interpolated between what these become, so that a picture of 16 bits
keeps its gradations. The error stays below one level of 8 bits, which is what the service works with.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from bridge.commands.photograph import Photograph
from bridge.pixels.flat_patches import luma
from bridge.pixels.imaging import Colours, Pixels

#: 8 bits in, 8 bits out: [height, width, channels].
_Apply = Callable[[Pixels], Pixels]

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC

#: What is converted to see whether a profile is sRGB, and how much of a difference is only rounding (levels).
_SHADES = np.arange(0, 256, 5, dtype=np.uint8)
_ROUNDING = 1


class Conversion:
    """From a photograph's colours to sRGB and back.

    Attributes:
        remarks: a sentence if its profile cannot be used.
    """

    def __init__(self, photograph: Photograph) -> None:
        self.remarks: tuple[str, ...] = ()
        self._gray = photograph.colours.shape[2] == 1
        self._there: _Apply | None = None
        self._back: _Apply | None = None
        if photograph.profile:
            try:
                self._there, self._back = _transforms(photograph.profile, "L" if self._gray else "RGB")
            except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
                self.remarks = ("The photograph's colour profile cannot be used: its colours are sent as they are.",)

    def to_srgb(self, colours: NDArray[np.uint8] | NDArray[np.uint16]) -> Pixels:
        """uint8 [height, width, 3], of 8 or 16 bits, [height, width, 1 or 3]."""
        if colours.dtype == np.uint8 and self._there:
            return self._there(colours.astype(np.uint8, copy=False))
        levels = colours.astype(np.float32) / np.float32(1 if colours.dtype == np.uint8 else 257)
        if self._there:
            levels = _between_levels(self._there, levels)
        whole = np.rint(levels).astype(np.uint8)
        return np.repeat(whole, 3, axis=2) if whole.shape[2] == 1 else whole

    def from_srgb(self, colours: Colours) -> Colours:
        """The photograph's channels, [height, width, 1 or 3], of [height, width, 3]; both 0–255, not rounded."""
        if self._back:
            return _between_levels(self._back, colours)
        return luma(colours)[..., None] if self._gray else colours


def _transforms(profile: bytes, mode: str) -> tuple[_Apply | None, _Apply | None]:
    """To sRGB and back; None if the profile is sRGB, where a conversion would only add rounding errors."""
    own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    there = _applied(ImageCms.buildTransform(own, srgb, mode, "RGB", _INTENT), mode)
    back = _applied(ImageCms.buildTransform(srgb, own, "RGB", mode, _INTENT), "RGB")
    if mode == "RGB":
        cube = np.stack(np.meshgrid(_SHADES, _SHADES, _SHADES, indexing="ij"), axis=-1).reshape(len(_SHADES), -1, 3)
        if np.abs(there(cube).astype(np.int16) - cube).max() <= _ROUNDING:
            return None, None
    return there, back


def _applied(transform: ImageCms.ImageCmsTransform, mode: str) -> _Apply:
    def apply(pixels: Pixels) -> Pixels:
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels))
        converted = ImageCms.applyTransform(image, transform)
        assert converted is not None  # it is None only when converting in place
        result = np.asarray(converted)
        return result if result.ndim == 3 else result[..., None]

    return apply


def _between_levels(apply: _Apply, values: Colours) -> Colours:
    """As `apply`, but of values between whole levels, and not rounded: float32, 0–255."""
    low = np.clip(np.floor(values), 0, 254).astype(np.uint8)
    part = np.clip(values, 0, 255) - low
    base = apply(low).astype(np.float32)
    result = base.copy()
    for channel in range(values.shape[2]):
        next_level = low.copy()
        next_level[..., channel] += 1
        result += part[..., channel : channel + 1] * (apply(next_level) - base)
    return np.clip(result, 0, 255)
