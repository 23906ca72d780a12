"""`Size`, `Box` and crop planning: pure functions on small values, in px of the canvas unless stated otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple


class Size(NamedTuple):
    """Width and height in px."""

    width: int
    height: int

    @property
    def area(self) -> int:
        """Width times height, in px²."""
        return self.width * self.height


class Box(NamedTuple):
    """A rectangle: its left and top edge, width and height, in px."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height

    @property
    def size(self) -> Size:
        """Width and height."""
        return Size(self.width, self.height)

    @property
    def is_empty(self) -> bool:
        """Whether it contains no pixel."""
        return self.width <= 0 or self.height <= 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns, to index an array with."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def grown(self, by: int) -> Box:
        """Widened by `by` px on each side."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def within(self, other: Box) -> Box:
        """The intersection of both; `is_empty` when there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Box(x, y, min(self.right, other.right) - x, min(self.bottom, other.bottom) - y)

    def contains(self, other: Box) -> bool:
        """Whether `other` lies inside; edges may touch."""
        return self.within(other) == other

    def overlaps(self, other: Box) -> bool:
        """Whether both have a pixel in common. Touching edges are not enough. Neither box may be empty."""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom

    def relative_to(self, other: Box) -> Box:
        """The same rectangle, measured from `other`'s upper left corner."""
        return Box(self.x - other.x, self.y - other.y, self.width, self.height)


class Padding(NamedTuple):
    """Columns and rows added beyond the canvas by mirroring, in px."""

    left: int
    top: int
    right: int
    bottom: int


class Crop(NamedTuple):
    """A part of the canvas that is sent.

    Attributes:
        box: the part of the canvas; always inside it.
        padding: what mirroring adds around the box. It is needed only on canvases too narrow for the shape.
        size: the size, in px, that box and padding together are scaled to. The service gets and returns this size.
    """

    box: Box
    padding: Padding
    size: Size

    @property
    def frame(self) -> Size:
        """Box and padding together."""
        left, top, right, bottom = self.padding
        return Size(self.box.width + left + right, self.box.height + top + bottom)

    @property
    def scale(self) -> float:
        """API px per canvas px, along the axis with fewer. Below 1 the crop loses resolution."""
        return min(self.size.width / self.frame.width, self.size.height / self.frame.height)


#: The sizes that the Regen API recommends, in px (photio-regen-api.txt). Their documented ratio names are
#: approximate (1152 × 896 is 9:7, not 4:3), so only the pixel sizes are used.
RECOMMENDED_SIZES: dict[str, Size] = {
    "Fullscreen": Size(1152, 896),
    "Widescreen": Size(1344, 768),
    "Ultrawide": Size(1536, 640),
    "Mobile landscape": Size(1216, 832),
    "Square": Size(1024, 1024),
    "Mobile portrait": Size(832, 1216),
    "Tall": Size(768, 1344),
}

#: px. Width and height of a crop that is not scaled are multiples of this. photio-regen-api.txt has no such rule, but
#: diffusion models work on a grid of 8 px, and all recommended sizes are on it.
NATIVE_STEP = 8

#: How much the aspect ratio of a crop may differ from that of the size it is scaled to (0.02 is 2 %).
STRETCH_LIMIT = 0.02

#: px. The least context around the area to regenerate, as far as the canvas reaches.
LEAST_CONTEXT = 64


def bounds(boxes: Iterable[Box]) -> Box:
    """The smallest box around all boxes, at least one."""
    lefts, tops, rights, bottoms = zip(*((box.x, box.y, box.right, box.bottom) for box in boxes), strict=True)
    return Box(min(lefts), min(tops), max(rights) - min(lefts), max(bottoms) - min(tops))


def disjoint(boxes: Iterable[Box]) -> tuple[Box, ...]:
    """The boxes from top to bottom and left to right, with those that overlap joined into their `bounds`."""
    apart: list[Box] = []
    for box in boxes:
        while overlapping := [other for other in apart if other.overlaps(box)]:
            apart = [other for other in apart if not other.overlaps(box)]
            box = bounds([box, *overlapping])
        apart.append(box)
    return tuple(sorted(apart, key=lambda box: (box.y, box.x)))


def context_for(selection: Box, percent: float) -> int:
    """px of context for the service around a selection: `percent` of its longer side, at least `LEAST_CONTEXT`."""
    return max(LEAST_CONTEXT, round(max(selection.size) * percent / 100))


def stretch(frame: Size, shape: Size) -> float:
    """How much scaling `frame` to `shape` changes its aspect ratio: 0 is not at all, 0.02 is 2 %."""
    ratio = (frame.width * shape.height) / (frame.height * shape.width)
    return max(ratio, 1 / ratio) - 1


def plan_crop(area: Box, context: int, canvas: Size) -> Crop:
    """The crop to send so that `area` can be regenerated with `context` px of its surroundings in view.

    The context grows until the crop has the shape of a recommended size. Where the canvas is too small for that, the
    context shrinks instead. Where even `area` alone fits no shape inside the canvas, the crop is padded beyond it.

    Args:
        area: everything to regenerate; not empty, and inside the canvas.
        context: px on each side; the canvas's edges cut it off.
        canvas: the image's size.
    """
    shapes = RECOMMENDED_SIZES.values()
    wanted = area.grown(context).within(Box(0, 0, *canvas))
    roomy = [(frame, shape) for shape in shapes if (frame := _around(wanted.size, shape, canvas))]
    tight = [(frame, shape) for shape in shapes if (frame := _inside(canvas, shape, area.size))]
    if tight and not roomy:
        # the one that shows most of the wanted context; of several, the smallest
        frame, shape = max(tight, key=lambda pair: (Size(*map(min, pair[0], wanted.size)).area, -pair[0].area))
        return Crop(_place(frame, wanted, area, canvas), Padding(0, 0, 0, 0), shape)
    frames = roomy or [(_smallest(wanted.size, shape), shape) for shape in shapes]
    frame, shape = min(frames, key=lambda pair: pair[0].area)
    return _extended(frame, wanted, canvas, shape)


def plan_native_crop(area: Box, context: int, canvas: Size, limit: float) -> Crop:
    """The crop to send so that `area` is regenerated with `context` px around it, without scaling.

    The context grows until width and height are multiples of 8 px. Where the canvas is too small for that, the crop
    is padded beyond it. A crop above the limit is scaled down to the limit.

    Args:
        area, context, canvas: as for `plan_crop`.
        limit: the most that may be sent, in megapixels (10⁶ px).
    """
    wanted = area.grown(context).within(Box(0, 0, *canvas))
    frame = Size(*(-(-side // NATIVE_STEP) * NATIVE_STEP for side in wanted.size))
    most = int(limit * 1e6)
    if frame.area <= most:
        return _extended(frame, wanted, canvas, frame)
    size = _reduced(frame, most)
    frame = _around(wanted.size, size, canvas) or _smallest(wanted.size, size)
    return _extended(frame, wanted, canvas, size)


def _reduced(frame: Size, most: int) -> Size:
    """About the largest size with `frame`'s aspect ratio, in multiples of 8 px, and at most `most` (≥ 64) px²."""
    short, long = sorted(frame)
    step = NATIVE_STEP
    across = max(step, int(short * sqrt(most / frame.area)) // step * step)
    along = max(step, min(round(long * across / short / step) * step, most // across // step * step))
    return Size(along, across) if frame.width > frame.height else Size(across, along)


def _extended(frame: Size, wanted: Box, canvas: Size, size: Size) -> Crop:
    """The crop of `frame` around `wanted`. What does not fit into the canvas is padding, half of it on each side."""
    inside = Size(*map(min, frame, canvas))
    left, top = (frame.width - inside.width) // 2, (frame.height - inside.height) // 2
    padding = Padding(left, top, frame.width - inside.width - left, frame.height - inside.height - top)
    return Crop(_place(inside, wanted, wanted, canvas), padding, size)


def _smallest(needed: Size, shape: Size) -> Size:
    """The smallest frame with `shape`'s aspect ratio that holds `needed`."""
    width = max(needed.width, -(-needed.height * shape.width // shape.height))
    while True:  # ends, because rounding the height to whole px matters less the larger the frame is
        frame = Size(width, max(needed.height, round(width * shape.height / shape.width)))
        if stretch(frame, shape) <= STRETCH_LIMIT:
            return frame
        width += 1


def _around(needed: Size, shape: Size, canvas: Size) -> Size | None:
    """A frame of `shape` that holds `needed` inside the canvas; None when there is none."""
    frame = Size(*map(min, _smallest(needed, shape), canvas))
    return frame if stretch(frame, shape) <= STRETCH_LIMIT else None


def _inside(canvas: Size, shape: Size, needed: Size) -> Size | None:
    """The largest frame of `shape` inside the canvas; None when it does not hold `needed`."""
    if canvas.width * shape.height < canvas.height * shape.width:
        frame = Size(canvas.width, max(1, round(canvas.width * shape.height / shape.width)))
    else:
        frame = Size(max(1, round(canvas.height * shape.width / shape.height)), canvas.height)
    holds = frame.width >= needed.width and frame.height >= needed.height
    return frame if holds and stretch(frame, shape) <= STRETCH_LIMIT else None


def _place(frame: Size, wanted: Box, needed: Box, canvas: Size) -> Box:
    """Places `frame` around the middle of `wanted`, inside the canvas and with `needed` inside the frame."""

    def start(length: int, wanted_ends: int, needed_from: int, needed_to: int, limit: int) -> int:
        covering = min(max((wanted_ends - length) // 2, needed_to - length), needed_from)
        return min(max(covering, 0), limit - length)

    x = start(frame.width, wanted.x + wanted.right, needed.x, needed.right, canvas.width)
    y = start(frame.height, wanted.y + wanted.bottom, needed.y, needed.bottom, canvas.height)
    return Box(x, y, *frame)
