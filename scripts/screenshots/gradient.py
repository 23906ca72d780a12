"""The picture that shows that correcting the colours of a repair in a 16-bit sky causes no banding.

A smooth sky is sent at 8 bits. The answer comes back brighter, with more contrast and a vignette, and the correction
undoes that: once rounded to 8 bits, as in most plug-ins, and once at 16 bits, as Photio does it. The picture shows
what the correction adds to the answer. The contrast of both halves is stretched alike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge.pixels.match_colour import match_colour

WIDTH, HEIGHT = 1024, 384


def corrections() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is added to the answer at 8 and at 16 bits, in levels of 8 bits: float64 [height, width] each."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    sky = np.stack([110 + x / 60 + y / 90, 140 + x / 70 + y / 80, 190 + x / 120 + y / 60], axis=-1)
    vignette = 5 * np.hypot(y - HEIGHT / 2, x - WIDTH / 2)[..., None] / WIDTH
    sent = np.rint(sky).astype(np.uint8)
    answer = np.clip(np.rint(sky * 1.05 + 6 + vignette), 0, 255).astype(np.uint8)
    edited = np.hypot((y - HEIGHT / 2) / 120, (x - WIDTH / 2) / 330) < 1
    matched = match_colour(sent, answer, edited)
    gain = np.polyfit(answer[..., 0].ravel(), matched[..., 0].ravel(), 1)[0]
    # without the gain's own steps, which are the answer's 8 bits and no doing of ours
    field = matched[..., 0].astype(np.float64) - gain * answer[..., 0]
    sixteen = np.rint(matched[..., 0].astype(np.float64) * 257) / 257 - gain * answer[..., 0]
    eight = np.rint(field)
    print(f"largest step of the correction: {np.abs(np.diff(eight, axis=1)).max() * 257:.0f} / 65535 at 8 bits")
    print(f"                                {np.abs(np.diff(sixteen, axis=1)).max() * 257:.1f} / 65535 at 16 bits")
    return eight, sixteen


def draw(file: Path) -> None:
    """Writes the picture: 8 bits above, 16 bits below."""
    eight, sixteen = corrections()
    low, high = np.percentile(sixteen, 0.5), np.percentile(sixteen, 99.5)
    halves = [np.clip((half - low) / (high - low) * 255, 0, 255).astype(np.uint8) for half in (eight, sixteen)]
    gap = np.full((8, WIDTH), 255, np.uint8)
    Image.fromarray(np.vstack([halves[0], gap, halves[1]])).save(file, optimize=True)
