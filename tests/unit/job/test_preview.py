"""What the preview draws over the image."""

from __future__ import annotations

import numpy as np

from bridge.job import areas, preview
from bridge.pixels.geometry import Box, Size, bounds
from tests.unit.history_jobs import a_job

FRAME = (255, 255, 255, 200)


def test_each_of_several_crops_has_a_frame_on_its_outermost_pixels() -> None:
    canvas = Size(3000, 1000)
    coverage = np.zeros((40, 2040), np.uint8)
    coverage[:, :40] = coverage[:, -40:] = 255
    asked = a_job(areas="separate", context=50.0, grow=0, feather=0)
    planning = areas.plan(asked, coverage, Box(400, 400, 2040, 40), canvas, 4.0)
    assert len(planning.crops) == 2
    whole = bounds(crop.box for crop in planning.crops)
    drawn = preview.overlay(planning, whole, whole.size)[-4 * whole.width * whole.height :]
    pixels = np.frombuffer(drawn, np.uint8).reshape(whole.height, whole.width, 4)
    for crop in planning.crops:
        inside = pixels[crop.box.relative_to(whole).slices]
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert (edge == FRAME).all()
        assert not (inside[1, 1:-1] == FRAME).all()
        assert not (inside[-2, 1:-1] == FRAME).all()
