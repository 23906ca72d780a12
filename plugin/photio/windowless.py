"""Runs a job without a window: its progress is in GIMP's status bar."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from gi.repository import Gimp

import desktop_proxy
from bridge.common.i18n import _
from bridge.protocol import Job, Progress
from bridge.protocol.settings import AskSettings, SettingsReport
from bridge_process import Bridge
from canvas import expanding, generation, hiding, named_mask, retouching
from canvas.edges import Edges
from canvas.reading import Capture, Refusal


def regenerate(
    image: Gimp.Image, layer: Gimp.Layer, job: Job, insert_as: str | None, mask_name: str
) -> list[Gimp.Layer]:
    """All steps of one job. Returns the new layers.

    Args:
        insert_as: "again" replaces another result, "new" and "retouch" are as in the argument; None: as the settings
            say.
        mask_name: what is used instead of the selection; empty: the selection.

    Raises:
        Refusal, BridgeError, OSError: there is no result, or it cannot be placed.
    """

    @contextlib.contextmanager
    def captured(bridge: Bridge) -> Iterator[tuple[Capture, Job]]:
        with named_mask.selecting(image, mask_name) as selecting:
            captured, adapted = generation.capture(image, layer, job, insert_as == "again", selecting)
            into = insert_as or bridge.ask(AskSettings(with_keyring=False), SettingsReport).preferences.insert_as
            if into == "retouch":
                captured = retouching.collecting(captured)
                if adapted.variations > 1:
                    raise Refusal(_("The retouch layer takes one result at a time: set Variations to 1."))
            yield captured, adapted

    return _done(captured)


def expand(image: Gimp.Image, layer: Gimp.Layer, job: Job, edges: Edges) -> list[Gimp.Layer]:
    """Makes the canvas larger and fills what is new. Raises as `regenerate`."""
    return _done(lambda _bridge: contextlib.nullcontext((expanding.capture(image, layer, job.sample, edges), job)))


def _done(capture: Callable[[Bridge], AbstractContextManager[tuple[Capture, Job]]]) -> list[Gimp.Layer]:
    """All steps. What `capture` opens is closed once the job is planned."""
    bridge = Bridge(_show_progress)  # first, because it takes time to start
    try:
        with capture(bridge) as (captured, job):
            remarks = hiding.remarks(captured)
            Gimp.progress_init("Photio")
            draft = generation.open_draft(bridge)
            planned = generation.plan(bridge, draft, captured, job)
        generation.export(draft, captured, planned)
        desktop_proxy.tell(bridge, planned.origin)
        outcome = generation.run(bridge, draft, captured, job)
        layers = generation.insert(bridge, outcome)
    finally:
        bridge.close()
        Gimp.progress_end()
    for remark in (*remarks, *planned.remarks, *outcome.finished.remarks):
        Gimp.message(remark)
    return layers


def _show_progress(progress: Progress) -> None:
    Gimp.progress_set_text(progress.text)
    Gimp.progress_update(progress.fraction)
