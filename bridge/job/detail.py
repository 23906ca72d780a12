"""What gives answers that were scaled up the fine detail of their surroundings. No files, no network."""

from __future__ import annotations

import numpy as np

from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Crop
from bridge.pixels.imaging import Answer, Pixels
from bridge.pixels.match_colour import eight_bits
from bridge.pixels.softness import softened

#: A crop that was sent smaller than this share of its size lost detail that can be seen.
LARGEST_SCALE = 0.8

#: Detail is taken from so far around an area: half of its longer side, but at least and at most so many px. So the
#: memory follows the area, and not the crop.
LEAST_REACH, LARGEST_REACH = 96, 640

#: Rows of the soft photograph that are made at a time: in floating point it takes four times the memory.
_STRIP = 256


def window_for(area: Box, crop: Crop) -> Box:
    """The part of the canvas that an area's detail is taken from: the area, and enough around it."""
    reach = min(max(LEAST_REACH, max(area.size) // 2), LARGEST_REACH)
    return area.grown(reach).within(crop.box)


def soft_photograph(sent: Pixels, softness: float, crop: Crop, window: Box) -> Pixels:
    """A part of the photograph as soft as an answer: uint8 [window height, window width, 3].

    Args:
        sent: the crop as the service got it, uint8 [height, width, 3] of `crop.size`.
        softness: how much softer than that the answer is (`bridge.pixels.softness`).
        window: in px of the canvas, inside `crop.box`.
    """
    part = imaging.part_for(crop, window)
    soft = softened(np.ascontiguousarray(sent[part.slices]), softness)
    made = np.empty((window.height, window.width, 3), np.uint8)
    for top in range(0, window.height, _STRIP):
        strip = Box(window.x, window.y + top, window.width, min(_STRIP, window.height - top))
        needed = imaging.part_for(crop, strip)
        answer = Answer(soft[needed.relative_to(part).slices].astype(np.float32), needed)
        made[top : top + strip.height] = eight_bits(imaging.from_service(answer, crop, strip))
    return made
