"""The values in messages: a job, its image, boxes and files. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

#: x, y, width, height in canvas px.
Rectangle = tuple[int, int, int, int]

#: The selection's coverage within its bounds, in the job folder: P5, 8 bits.
SELECTION_FILE = "selection.pgm"

#: The layers' persistent parasite (docs/provenance.md).
PROVENANCE = "photio-regen"

#: bytes; a longer provenance is not parsed. The job in it has to fit into one message (`LONGEST_LINE`).
LONGEST_PROVENANCE = 1 << 19

#: GIMP's tattoos have 32 bits. PyGObject raises unexpected errors for larger numbers.
_TATTOOS = (0, (1 << 32) - 1)


class ProtocolError(ValueError):
    """Something received does not follow the protocol; the text says why."""


@dataclass(frozen=True)
class Message:
    """The base class of all messages. A class's lower-case name is its type in JSON."""


_CHOICES = {
    "sample": ("layer", "below", "visible"),
    "engine": ("auto", "photio", "offline"),
    "areas": ("auto", "together", "separate"),
    "resolution": ("recommended", "native"),
    "spill_unit": ("px", "percent"),
}

#: As `grow`, `feather` or `spill`: the bridge chooses it, by the size of what is selected (`bridge.job.margins`).
AUTOMATIC = -1

_MARGIN = (AUTOMATIC, 500)
_RANGES = {
    "variations": (1, 8), "context": (0, 400), "grow": _MARGIN, "feather": _MARGIN, "spill": _MARGIN,
    "source": _TATTOOS,
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """What the user asked for.

    Attributes:
        prompt: what to add; empty to remove what is selected.
        seed: 1…4 294 967 296, or −1 for a random one.
        variations: how many results, each with its own seed.
        sample: "layer", "below" (the layer and those that it is composited with) or "visible" (the image).
        context: surroundings to send along, in percent of the selection's longer side.
        grow: px by which the selection grows before it is regenerated, or `AUTOMATIC`.
        feather: px over which the result fades into its surroundings, or `AUTOMATIC`.
        engine: "auto", "photio" or "offline".
        areas: "auto", "together" or "separate": how to send disjoint parts of the selection.
        resolution: "recommended" (one of Photio's sizes) or "native" (the crop's own).
        fill_transparent: also regenerate transparent parts of the crops.
        match_colour: correct colour shifts that the service introduced.
        match_grain: give the result the noise of its surroundings.
        source: the tattoo (GIMP's permanent number) of the sampled layer, needed to repeat the job.
        spill: how far beyond what was regenerated the rest of something added may be shown, or `AUTOMATIC`.
        spill_unit: what `spill` is counted in: "px", or "percent" of the selection's longer side.
        match_detail: give a result that was scaled up the fine detail of its surroundings. Off in jobs that were
            recorded before this existed.

    Raises:
        ProtocolError: a value is out of range. Values that the service checks itself are not checked here.
    """

    prompt: str
    negative_prompt: str
    quality: str
    seed: int
    cfg_scale: float
    variations: int
    sample: str
    context: float
    grow: int
    feather: int
    engine: str
    areas: str
    resolution: str
    fill_transparent: bool
    match_colour: bool
    match_grain: bool
    source: int
    spill: int = 0
    spill_unit: str = "px"
    match_detail: bool = False

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ProtocolError(f"{name}: one of {', '.join(allowed)} expected")
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:  # false for NaN
                raise ProtocolError(f"{name}: {least} to {most} expected")


@dataclass(frozen=True)
class Document:
    """A job's image, with what identifies it later.

    Attributes:
        name: the name that GIMP shows.
        files: the URIs it is or was stored under; empty if it was never saved.
        session: identifies an unsaved image while its GIMP runs.
        canvas: width and height in px.
        layer: the tattoo of the layer that results are placed above.
        before: the canvas as it is, on the one that it is to become: then `canvas` is the new one. All coordinates
            of the job are px of the new one, and what is new on it is filled. None: the canvas stays as it is.

    Raises:
        ProtocolError: the tattoo is out of range.
    """

    name: str
    files: tuple[str, ...]
    session: str
    canvas: tuple[int, int]
    layer: int
    before: Rectangle | None = None

    def __post_init__(self) -> None:
        least, most = _TATTOOS
        if not least <= self.layer <= most:
            raise ProtocolError(f"layer: {least} to {most} expected")


@dataclass(frozen=True)
class CropPlan:
    """A crop that the plug-in exports.

    Attributes:
        file: its name in the job folder; P6 (RGB) or P7 (RGBA), 8 bits, sRGB.
        box: the part of the canvas.
        size: width and height of the image that is sent, px.
        scale: sent px per canvas px; below 1 resolution is lost.
    """

    file: str
    box: Rectangle
    size: tuple[int, int]
    scale: float


@dataclass(frozen=True)
class Preview:
    """A preview of the plan.

    Attributes:
        box: the part of the canvas that contains all crops.
        size: width and height of the preview, px.
        overlay: a P7 of that size to draw over the image: marks the mask, outlines the crops, dims everything else.
    """

    box: Rectangle
    size: tuple[int, int]
    overlay: str


@dataclass(frozen=True)
class Patch:
    """An image file in the job folder, and its box on the canvas."""

    file: str
    box: Rectangle


@dataclass(frozen=True)
class Result:
    """One layer to place.

    Attributes:
        patches: its pixels: P5 (grey), P6 or P7, 16 bits, sRGB; the layer is transparent elsewhere.
        variation: its number in the job, from 1.
        seed: the seed that was sent.
        provenance: the text of its parasite `PROVENANCE`.
        masks: parts of this layer's own mask, as `Finished.masks`; each replaces the common one of its box.
    """

    patches: tuple[Patch, ...]
    variation: int
    seed: int
    provenance: str
    masks: tuple[Patch, ...] = ()


@dataclass(frozen=True)
class RequestProgress:
    """The progress of one request.

    Attributes:
        stage: "keyring", "queued" (until earlier ones are answered), "preparing", "connecting", "uploading",
            "waiting", "receiving", "finishing", "done" or "failed".
        done: bytes sent or received in this stage.
        total: bytes in all; 0 if unknown.
    """

    stage: str
    done: int
    total: int
