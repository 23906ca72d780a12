"""Blends in linear light, as GIMP does with layers above others."""

from __future__ import annotations

import numpy as np

from bridge.pixels.imaging import Pixels

_ENCODED = np.arange(256, dtype=np.float32) / 255

#: IEC 61966-2-1 (sRGB): linear light, 0–1, of each 8-bit value.
_LIGHT = np.where(_ENCODED <= 0.04045, _ENCODED / 12.92, ((_ENCODED + 0.055) / 1.055) ** 2.4).astype(np.float32)


def blended(below: Pixels, above: Pixels, mask: Pixels) -> Pixels:
    """`above` over `below`, both uint8 [height, width, 3], through `mask`, uint8 [height, width]."""
    mixed = np.where(mask[..., None] == 255, above, below)
    soft = (mask > 0) & (mask < 255)
    share = mask[soft][:, None].astype(np.float32) / 255
    light = _LIGHT[above[soft]] * share + _LIGHT[below[soft]] * (1 - share)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    mixed[soft] = np.rint(encoded * 255).astype(np.uint8)
    return mixed
