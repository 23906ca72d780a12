"""The steps from a selection to a new layer, with a window or without. No GTK here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gi.repository import Gimp

from bridge.common.i18n import _
from bridge.protocol import (
    PROVENANCE,
    SELECTION_FILE,
    Finished,
    Job,
    Open,
    Opened,
    Placed,
    Plan,
    Planned,
    Run,
)
from bridge_process import Bridge
from canvas import exporting, reading, retouching
from canvas.placing import place
from canvas.provenance import made_by
from canvas.reading import Capture, Refusal


@dataclass(frozen=True)
class Draft:
    """A job that was opened and has not been run yet. A bridge has one at a time."""

    id: str
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """A job's results, and everything that is needed to place them."""

    draft: Draft
    job: Job
    captured: Capture
    finished: Finished


def open_draft(bridge: Bridge) -> Draft:
    """Opens a job.

    Raises:
        BridgeError: it cannot be opened.
    """
    opened = bridge.ask(Open(), Opened)
    return Draft(opened.id, Path(opened.folder))


def plan(bridge: Bridge, draft: Draft, captured: Capture, job: Job, preview: tuple[int, int] = (0, 0)) -> Planned:
    """Asks the bridge what to send for the captured selection.

    Args:
        preview: the largest size of a preview in px; (0, 0): none.

    Raises:
        BridgeError: nothing can be sent.
    """
    if captured.masked:
        exporting.export_selection(captured, draft.folder / SELECTION_FILE)
    document = reading.document(captured.image, captured.layer)
    return bridge.ask(Plan(job, document, captured.selection, captured.masked, preview), Planned)


def export(draft: Draft, captured: Capture, planned: Planned) -> None:
    """Writes the crops. Afterwards changes to the image no longer matter."""
    exporting.export_crops(captured, [(crop.box, draft.folder / crop.file) for crop in planned.crops])


def run(bridge: Bridge, draft: Draft, captured: Capture, job: Job) -> Outcome:
    """Runs the job with the exported crops, and waits for its results.

    Raises:
        BridgeError: there is no result.
    """
    return Outcome(draft, job, captured, bridge.ask(Run(), Finished))


def insert(bridge: Bridge, outcome: Outcome, variations: tuple[int, ...] = ()) -> list[Gimp.Layer]:
    """Places results in the image that they were made for, as one undo step.

    Args:
        variations: the results to place; empty: all.

    Raises:
        Refusal: they cannot be placed, because the image was closed or converted, for example.
        OSError: the results' files cannot be read.
    """
    chosen = tuple(each for each in outcome.finished.results if not variations or each.variation in variations)
    finished = replace(outcome.finished, results=chosen)
    layers = place(outcome.captured, finished, outcome.draft.folder, layer_name(outcome.job.prompt))
    bridge.notify(Placed(outcome.draft.id, tuple(each.variation for each in chosen)))
    return layers


def layer_name(prompt: str) -> str:
    """The name of a result's layer."""
    words = " ".join(prompt.split())
    return _("Photio: {prompt}").format(prompt=words) if words else _("Photio: removed")


def capture(
    image: Gimp.Image, layer: Gimp.Layer, job: Job, again: bool, selecting: Gimp.Image | None = None
) -> tuple[Capture, Job]:
    """Captures the selection; for a result of ours with nothing selected, its own area of the layer it was made from.

    A retouch layer stands for the layer that it repairs.

    Args:
        again: take the result's own area, even if something is selected.
        selecting: an image whose selection counts instead of the image's own (`named_mask`).

    Returns:
        The capture, and `job` adapted to it.

    Raises:
        Refusal: there is nothing to do, or the result could not be placed.
    """
    earlier = None
    if retouching.is_retouch_layer(layer):
        if again:
            raise Refusal(_("A retouch layer has many repairs: select what you want to repair again, then try again."))
        retouching.check_shown(layer)
        layer, earlier = retouching.repaired(image, layer)
        job = replace(job, source=layer.get_tattoo())
    before = None if earlier else made_by(layer)
    if before and (again or Gimp.Selection.is_empty(selecting or image)):
        source = _source(image, layer, before)
        captured = reading.capture_again(image, layer, source, job.sample)
        # the mask is already grown and feathered, or painted on since
        return captured, replace(job, grow=0, feather=0, source=source.get_tattoo())
    whole_layer = bool(job.prompt.strip()) or job.fill_transparent
    captured = reading.capture(image, layer, layer, job.sample, whole_layer, selecting)
    return replace(captured, earlier=earlier), job


def _source(image: Gimp.Image, layer: Gimp.Layer, before: Job) -> Gimp.Layer:
    """The layer that a result was made from; if that is gone, the next layer below that is no result."""
    source = image.get_layer_by_tattoo(before.source) if before.source > 0 else None
    if source and source.get_id() != layer.get_id():
        return source
    below = list(reading.every_layer(image))
    below = below[[other.get_id() for other in below].index(layer.get_id()) + 1 :]
    for other in below:
        if not other.is_group() and not other.get_parasite(PROVENANCE):
            return other
    raise Refusal(_("The layer that this one was made of is gone: use Regenerate… on another layer."))
