"""Results and the image before them. The bridge makes the pictures, and the parts that are looked at closely."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bridge.protocol import Rectangle
from bridge.protocol.history import Picture, Show, ShowPart
from bridge_process import BridgeError
from canvas import blending
from canvas.generation import Outcome
from windows.parts import GdkPixbuf
from windows.regenerate.generator import Generator
from windows.regenerate.results import Shown
from windows.regenerate.scene import Part, Scene, of_file


def results_of(outcome: Outcome, generator: Generator, size: int) -> list[Shown]:
    """The results of a generation with their pictures, whose longer side has `size` px at the most.

    Raises:
        BridgeError: a picture cannot be made.
    """
    job = outcome.draft

    def picture(variation: int) -> Picture:
        return generator.ask(Show(job.id, variation, size), Picture)

    before = picture(0)
    files = [(result, picture(result.variation).file) for result in outcome.finished.results]
    return [
        Shown(outcome, result, str(job.folder / file), str(job.folder / before.file), before.box)
        for result, file in files
    ]


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
