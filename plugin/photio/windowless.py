"""Runs a job without a window: its progress is in GIMP's status bar."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gimp

import desktop_proxy
from bridge.common.i18n import _
from bridge.protocol import Job, Progress
from bridge.protocol.settings import AskSettings, SettingsReport
from bridge_process import Bridge
from canvas import expanding, generation, hiding, retouching
from canvas.edges import Edges
from canvas.reading import Capture, Refusal


def regenerate(image: Gimp.Image, layer: Gimp.Layer, job: Job, insert_as: str | None) -> list[Gimp.Layer]:
    """All steps of one job. Returns the new layers.

    Args:
        insert_as: "again" replaces another result, "new" and "retouch" are as in the argument; None: as the settings
            say.

    Raises:
        Refusal, BridgeError, OSError: there is no result, or it cannot be placed.
    """

    def captured(bridge: Bridge) -> tuple[Capture, Job]:
        captured, adapted = generation.capture(image, layer, job, again=insert_as == "again")
        into = insert_as or bridge.ask(AskSettings(with_keyring=False), SettingsReport).preferences.insert_as
        if into != "retouch":
            return captured, adapted
        captured = retouching.collecting(captured)
        if adapted.variations > 1:
            raise Refusal(_("The retouch layer takes one result at a time: set Variations to 1."))
        return captured, adapted

    return _done(captured)


def expand(image: Gimp.Image, layer: Gimp.Layer, job: Job, edges: Edges) -> list[Gimp.Layer]:
    """Makes the canvas larger and fills what is new. Raises as `regenerate`."""
    return _done(lambda _bridge: (expanding.capture(image, layer, job.sample, edges), job))


def _done(capture: Callable[[Bridge], tuple[Capture, Job]]) -> list[Gimp.Layer]:
    bridge = Bridge(_show_progress)  # first, because it takes time to start
    try:
        captured, job = capture(bridge)
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
