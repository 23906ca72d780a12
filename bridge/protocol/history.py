"""Messages about the history: stored results and recent prompts."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.jobs import Finished
from bridge.protocol.values import Document, Job, Message, Rectangle


@dataclass(frozen=True)
class Browse(Message):
    """List results, newest first; answered by `Page`.

    Attributes:
        search: words that must all occur in prompt, image name or seed; empty matches everything.
        offset: how many matching results to skip.
        count: how many to list at most.
    """

    search: str
    offset: int
    count: int


@dataclass(frozen=True)
class Entry:
    """One result.

    Attributes:
        id, variation: the job, and the number of the result in it.
        time: when the job started, in seconds since 1970.
        image: the name of the image it was made for.
        engine: "photio" or "offline".
        inserted: whether it was placed in an image.
    """

    id: str
    variation: int
    time: float
    image: str
    prompt: str
    seed: int
    engine: str
    inserted: bool


@dataclass(frozen=True)
class Page(Message):
    """Some of the `total` matching entries. The whole history takes `size` bytes on disk."""

    entries: tuple[Entry, ...]
    total: int
    size: int


@dataclass(frozen=True)
class Show(Message):
    """Render a result as it looks in its image; answered by `Picture`.

    Attributes:
        variation: from 1; 0 shows the original.
        size: the maximum length of the longer side, px.
    """

    id: str
    variation: int
    size: int


@dataclass(frozen=True)
class ShowPart(Message):
    """Render a part of what `Show` renders, for a closer look; answered by `Picture`.

    Attributes:
        variation: as in `Show`.
        part: the part of the canvas.
        step: canvas px per pixel of the picture; 1: in full size.
        linear: whether GIMP will blend the result in linear light.
    """

    id: str
    variation: int
    part: Rectangle
    step: int
    linear: bool


@dataclass(frozen=True)
class Picture(Message):
    """A file in the job folder, 8 bits, sRGB: PNG after `Show`; after `ShowPart` P6, or P7 if it may be transparent.

    Attributes:
        box: the part of the canvas that it shows.
    """

    file: str
    box: Rectangle


@dataclass(frozen=True)
class Recall(Message):
    """Get what is needed to insert the results of a stored job; answered by `Recalled`."""

    id: str


@dataclass(frozen=True)
class Recalled(Message):
    """A stored job. `folder` contains the files that `finished` names."""

    folder: str
    job: Job
    document: Document
    finished: Finished


@dataclass(frozen=True)
class Discard(Message):
    """Delete a result permanently; answered by `Discarded`."""

    id: str
    variation: int


@dataclass(frozen=True)
class Discarded(Message):
    """The result is deleted."""


@dataclass(frozen=True)
class AskUnclaimed(Message):
    """Count the paid results that were neither inserted nor reported so far. Answered by `Unclaimed`; reports them."""


@dataclass(frozen=True)
class Unclaimed(Message):
    """The number of such results."""

    count: int


@dataclass(frozen=True)
class AskPrompts(Message):
    """Get the recent prompts; answered by `Prompts`."""


@dataclass(frozen=True)
class Prompts(Message):
    """The recent prompts, newest first, without duplicates, at most 50."""

    texts: tuple[str, ...]
