"""A picture with a hole, at several scales that fit together exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bridge.pixels.patch_features import Floats
from bridge.pixels.patch_field import Layout, Mask


class Scaled(NamedTuple):
    """A picture with a hole, at one scale.

    Attributes:
        picture: float32 [H, W, C].
        hole: [H, W]; true where any px of the full scale is.
        known: [H, W]; false where a px of the full scale was added to complete a block.
    """

    picture: Floats
    hole: Mask
    known: Mask

    def halved(self) -> Scaled:
        """At half the scale: averages of 2 × 2 px, added in a fixed order. Both sides have to be even."""
        rows = self.picture[0::2] + self.picture[1::2]
        return Scaled((rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25), _any(self.hole), ~_any(~self.known))

    def layout(self) -> Layout:
        """Where patches are wanted, and where they may come from."""
        return Layout(self.hole, self.known)


def scales(picture: Floats, hole: Mask, smallest: int) -> list[Scaled]:
    """The picture at full scale, a half, … 1 / `smallest`, which is a power of two.

    The outermost px are repeated below and to the right, up to a whole block of `smallest` px. A hole goes on there.
    """
    extra = [(0, -length % smallest) for length in hole.shape]
    known = np.pad(np.ones_like(hole), extra)
    found = [Scaled(np.pad(picture, (*extra, (0, 0)), mode="edge"), np.pad(hole, extra, mode="edge"), known)]
    while 1 << len(found) <= smallest:
        found.append(found[-1].halved())
    return found


def _any(mask: Mask) -> Mask:
    rows = mask[0::2] | mask[1::2]
    return np.asarray(rows[:, 0::2] | rows[:, 1::2])
