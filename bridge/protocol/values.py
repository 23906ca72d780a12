"""What messages are made of: a job, the image it belongs to, boxes and files. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

#: x, y, width, height in canvas px.
Rectangle = tuple[int, int, int, int]

#: The selection's coverage within its bounds, in the job folder: P5, 8 bits.
SELECTION_FILE = "selection.pgm"

#: The layers' persistent parasite (docs/provenance.md).
PROVENANCE = "photio-regen"

#: A longer one, in bytes, is not even unpacked: the job that it tells has to fit into one message (`LONGEST_LINE`).
LONGEST_PROVENANCE = 1 << 19

#: GIMP's tattoos have 32 bits, and PyGObject raises what nobody expects when it is given more.
_TATTOOS = (0, (1 << 32) - 1)


class ProtocolError(ValueError):
    """A line that is no message of ours; says what is wrong with it."""


@dataclass(frozen=True)
class Message:
    """What one side says to the other; its name in small letters is its type on the wire."""


_CHOICES = {
    "sample": ("layer", "visible"),
    "engine": ("auto", "photio", "offline"),
    "areas": ("auto", "together", "separate"),
    "resolution": ("recommended", "native"),
}
_RANGES = {"variations": (1, 8), "context": (0, 400), "grow": (0, 500), "feather": (0, 500), "source": _TATTOOS}


@dataclass(frozen=True)
class Job:
    """What the user asked for.

    Attributes:
        prompt: what to put there; empty: remove what is there.
        seed: −1 (draw one) or 1…4 294 967 296.
        variations: how many results, each with a seed of its own.
        sample: "layer" or "visible".
        context: percent of the selection's longer side.
        grow: px by which the selection is grown before it is regenerated.
        feather: px over which the result fades into its surroundings.
        engine: "auto", "photio" or "offline".
        areas: "auto", "together" or "separate": whether disjoint parts of the selection are sent together.
        resolution: "recommended" (one of Photio's sizes) or "native" (the crop's own).
        fill_transparent: transparent parts of the crops are regenerated too.
        match_colour: undo what the service did to colours that it should have kept.
        match_grain: give the result the noise of its surroundings.
        source: the tattoo (GIMP's lasting number) of the layer that is sampled, for making the result again.

    Raises:
        ProtocolError: a value is out of its range. What the service itself checks, is not checked here.
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

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ProtocolError(f"{name}: one of {', '.join(allowed)} expected")
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:  # false for NaN
                raise ProtocolError(f"{name}: {least} to {most} expected")


@dataclass(frozen=True)
class Document:
    """The image that a job belongs to, as far as it can be recognised later.

    Attributes:
        name: what GIMP calls it, for the user.
        files: the URIs it is or was stored under; empty when it was never saved.
        session: tells images that were never saved apart, as long as their GIMP runs.
        canvas: width and height in px.
        layer: the tattoo of the layer that results go above.

    Raises:
        ProtocolError: there is no such tattoo.
    """

    name: str
    files: tuple[str, ...]
    session: str
    canvas: tuple[int, int]
    layer: int

    def __post_init__(self) -> None:
        least, most = _TATTOOS
        if not least <= self.layer <= most:
            raise ProtocolError(f"layer: {least} to {most} expected")


@dataclass(frozen=True)
class CropPlan:
    """One crop that the plug-in is to export.

    Attributes:
        file: the file's name in the job folder; P6 (RGB) or P7 (RGBA), 8 bits, sRGB.
        box: which part of the canvas.
        size: width and height that the service gets, px.
        scale: API px per canvas px; below 1 resolution is lost.
    """

    file: str
    box: Rectangle
    size: tuple[int, int]
    scale: float


@dataclass(frozen=True)
class Preview:
    """How to show what will be sent.

    Attributes:
        box: the part of the canvas that holds all crops.
        size: width and height to show it at, px.
        overlay: P7 of that size, to be laid over it: marks what is regenerated, outlines the crops, dims the rest.
    """

    box: Rectangle
    size: tuple[int, int]
    overlay: str


@dataclass(frozen=True)
class Patch:
    """A picture in the job folder, and which part of the canvas it is."""

    file: str
    box: Rectangle


@dataclass(frozen=True)
class Result:
    """One layer to place.

    Attributes:
        patches: its pixels: P5 (gray), P6 or P7, 16 bits, sRGB; what they do not cover is transparent.
        variation: its number in the job, from 1.
        seed: what it was made with.
        provenance: the text of its parasite `PROVENANCE`.
    """

    patches: tuple[Patch, ...]
    variation: int
    seed: int
    provenance: str


@dataclass(frozen=True)
class RequestProgress:
    """How far one request is.

    Attributes:
        stage: "preparing", "connecting", "uploading", "waiting", "receiving", "finishing", "done" or "failed".
        done: bytes sent or received in this stage.
        total: of so many; 0: unknown.
    """

    stage: str
    done: int
    total: int
