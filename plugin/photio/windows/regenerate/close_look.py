"""A result and the image before it, to be looked at closely: the bridge makes the parts that are looked at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bridge.protocol import Rectangle
from bridge.protocol.history import Picture, ShowPart
from bridge_process import BridgeError
from canvas import blending
from windows.parts import GdkPixbuf
from windows.regenerate.generator import Generator
from windows.regenerate.results import Shown
from windows.regenerate.scene import Part, Scene, of_file


def scenes(shown: Shown, generator: Generator, failed: Callable[[Exception], None]) -> tuple[Scene, Scene]:
    """The result in place, and how it was before.

    Args:
        failed: called with the `BridgeError` or `OSError` if a part cannot be had.
    """
    load = partial(_load, shown, generator, failed)
    pictures = ((shown.picture, shown.result.variation), (shown.before, 0))
    after, before = (
        Scene(Part(GdkPixbuf.Pixbuf.new_from_file(file), shown.box), partial(load, variation))
        for file, variation in pictures
    )
    return after, before


def _load(
    shown: Shown,
    generator: Generator,
    failed: Callable[[Exception], None],
    variation: int,
    part: Rectangle,
    step: int,
) -> Part | None:
    draft, captured = shown.outcome.draft, shown.outcome.captured
    linear = blending.in_linear_light(captured.target)
    try:
        made = generator.ask(ShowPart(draft.id, variation, part, step, linear), Picture)
        file = draft.folder / made.file
        pixels = of_file(file)
        file.unlink()  # it is made again in milliseconds, and would fill the history
    except (BridgeError, OSError) as error:
        failed(error)
        return None
    return Part(pixels, made.box)
