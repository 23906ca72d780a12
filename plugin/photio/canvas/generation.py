"""What every way to a result shares, with a window or without: who is asked what, in which order. No GTK here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gi.repository import Gimp

from bridge.common.i18n import _
from bridge.protocol import (
    LONGEST_PROVENANCE,
    PROVENANCE,
    SELECTION_FILE,
    Finished,
    Job,
    Open,
    Opened,
    Placed,
    Plan,
    Planned,
    ProtocolError,
    Run,
    job_again,
)
from bridge_process import Bridge
from canvas import exporting, reading
from canvas.placing import place
from canvas.reading import Capture, Refusal


@dataclass(frozen=True)
class Draft:
    """A job that was opened; the bridge does one at a time."""

    id: str
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What came back, and all that placing it takes."""

    draft: Draft
    job: Job
    captured: Capture
    finished: Finished


def open_draft(bridge: Bridge) -> Draft:
    """Begins a job.

    Raises:
        BridgeError: it cannot be begun.
    """
    opened = bridge.ask(Open(), Opened)
    return Draft(opened.id, Path(opened.folder))


def plan(bridge: Bridge, draft: Draft, captured: Capture, job: Job, preview: tuple[int, int] = (0, 0)) -> Planned:
    """Lets the bridge decide what would be sent, of the selection as it is now.

    Args:
        preview: the largest size in px to show it at; (0, 0): not wanted.

    Raises:
        BridgeError: nothing can be sent.
    """
    if captured.masked:
        exporting.export_selection(captured, draft.folder / SELECTION_FILE)
    document = reading.document(captured.image, captured.layer)
    return bridge.ask(Plan(job, document, captured.selection, captured.masked, preview), Planned)


def export(draft: Draft, captured: Capture, planned: Planned) -> None:
    """Writes the crops; from here on GIMP's image may change as it likes."""
    exporting.export_crops(captured, [(crop.box, draft.folder / crop.file) for crop in planned.crops])


def run(bridge: Bridge, draft: Draft, captured: Capture, job: Job) -> Outcome:
    """Sends what was exported, and waits.

    Raises:
        BridgeError: there is no result.
    """
    return Outcome(draft, job, captured, bridge.ask(Run(), Finished))


def insert(bridge: Bridge, outcome: Outcome, variations: tuple[int, ...] = ()) -> list[Gimp.Layer]:
    """Places results (none named: all) in the image that they were made for; one undo step.

    Raises:
        Refusal: the image cannot take them as it is now: it was closed, say, or converted.
        OSError: the results' files cannot be read.
    """
    chosen = tuple(each for each in outcome.finished.results if not variations or each.variation in variations)
    finished = replace(outcome.finished, results=chosen)
    layers = place(outcome.captured, finished, outcome.draft.folder, layer_name(outcome.job.prompt))
    bridge.notify(Placed(outcome.draft.id, tuple(each.variation for each in chosen)))
    return layers


def layer_name(prompt: str) -> str:
    """What a result's layer is called."""
    words = " ".join(prompt.split())
    return _("Photio: {prompt}").format(prompt=words) if words else _("Photio: removed")


def made_by(layer: Gimp.Layer) -> Job | None:
    """The job that made a layer, as far as it says so; of a group of variations: the first one's."""
    for candidate in (layer, *(layer.get_children() if layer.is_group() else ())):
        if parasite := candidate.get_parasite(PROVENANCE):
            if parasite.size > LONGEST_PROVENANCE:  # up to 256 MB in a stranger's file: a list of as many numbers
                return None
            try:
                return job_again(bytes(value & 0xFF for value in parasite.get_data()))  # PyGObject takes it for signed
            except ProtocolError:  # a stranger's, or a later version's
                return None
    return None


def capture(image: Gimp.Image, layer: Gimp.Layer, job: Job, again: bool) -> tuple[Capture, Job]:
    """What to work on, as it is now. A layer of ours with nothing selected means its own area, of what it was made of.

    Args:
        again: it means that, even if something is selected.

    Raises:
        Refusal: there is nothing to do, or no way to place it.
    """
    before = made_by(layer)
    if before and (again or Gimp.Selection.is_empty(image)):
        source = _source(image, layer, before)
        captured = reading.capture_again(image, layer, source, job.sample)
        # the mask is already grown and feathered, or painted on since
        return captured, replace(job, grow=0, feather=0, source=source.get_tattoo())
    whole_layer = bool(job.prompt.strip()) or job.fill_transparent
    return reading.capture(image, layer, layer, job.sample, whole_layer), job


def _source(image: Gimp.Image, layer: Gimp.Layer, before: Job) -> Gimp.Layer:
    """The layer that a result was made of, or, where that is gone, the next one below that is not ours."""
    source = image.get_layer_by_tattoo(before.source) if before.source > 0 else None
    if source and source.get_id() != layer.get_id():
        return source
    below = list(reading.every_layer(image))
    below = below[[other.get_id() for other in below].index(layer.get_id()) + 1 :]
    for other in below:
        if not other.is_group() and not other.get_parasite(PROVENANCE):
            return other
    raise Refusal(_("The layer that this one was made of is gone: use Regenerate… on another layer."))
