"""Puts the content of a hole together from the patches that were found for it."""

from __future__ import annotations

import numpy as np

from bridge.pixels.patch_features import Floats
from bridge.pixels.patch_field import Field, Places

#: px. Each pixel is an average of the 3 × 3 patches around it: with more of them the result is blurred.
REACH = 1
#: The Gaussian weights of the centre, of its 4 neighbours and of the 4 corners: exp(−d² / (2 · 0.9²)).
_WEIGHTS = (np.float32(1), np.float32(0.5394), np.float32(0.2910))
_BLOCK = 1 << 17  # px that are voted at a time: memory does not grow with the hole
#: exp(−x) for x from 0 to 10, in steps of 1 / 32, never less than 0.0001. The last bits of an exponential depend on
#: the processor: they are rounded off.
_STEPS = 32
_TRUST = np.round(np.exp(-np.arange(10 * _STEPS + 1) / _STEPS) + 1e-4, 6).astype(np.float32)


def vote(field: Field, picture: Floats, sharpness: float) -> Floats:
    """The picture with its hole filled from the field's sources.

    Args:
        picture: [H, W, C], any values, of the field's size. It need not be the picture that was searched: from a
            picture of details alone, only details are voted.
        sharpness: a patch whose distance is this share of the third quartile of all distances counts 1 / e as much as
            a perfect one. Less is sharper; 0.2 to 0.3 is usual.

    Returns:
        float32, of the same shape and exactly `picture` outside the hole.
    """
    trust = _trust(field.distances, sharpness)
    voted = picture.copy()
    pixels = voted.reshape(-1, picture.shape[2])
    for begin in range(0, len(field.layout.hole), _BLOCK):
        part = field.layout.hole[begin : begin + _BLOCK]
        pixels[part] = _votes(field, trust, picture, part)
    return voted


def _votes(field: Field, trust: Floats, picture: Floats, part: Places) -> Floats:
    """The content of a part of the hole, [n, C]."""
    layout = field.layout
    values = picture.reshape(-1, picture.shape[2])
    total = np.zeros((len(part), values.shape[1]), np.float32)
    weights = np.zeros((len(part), 1), np.float32)
    for down in range(-REACH, REACH + 1):
        for across in range(-REACH, REACH + 1):
            patches, inside = layout.moved(part, down, across)
            index = layout.position[np.where(inside, patches, part)]
            # at the picture's border, the patch around the pixel itself stands in for one outside
            back = np.where(inside, down * layout.shape[1] + across, 0).astype(np.int32)
            weight = (trust[index] * _WEIGHTS[abs(down) + abs(across)])[:, None]
            total += weight * values[field.sources[index] - back]
            weights += weight
    return np.asarray(total / weights)


def _trust(distances: Floats, sharpness: float) -> Floats:
    """How much each patch counts, 0.0001–1.0001."""
    quartile = np.partition(distances, 3 * len(distances) // 4)[3 * len(distances) // 4]
    steps = distances * np.float32(_STEPS) / (np.float32(sharpness) * (quartile + np.float32(1)))
    return np.asarray(_TRUST[np.minimum(steps, np.float32(len(_TRUST) - 1)).astype(np.int32)])
