"""Messages about what was done before."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.jobs import Finished
from bridge.protocol.values import Document, Job, Message, Rectangle


@dataclass(frozen=True)
class Browse(Message):
    """List results, newest first; answered by `Page`.

    Attributes:
        search: words that must all occur in prompt, image name or seed; empty: everything.
        offset: so many are left out at the beginning.
        count: at most so many are listed.
    """

    search: str
    offset: int
    count: int


@dataclass(frozen=True)
class Entry:
    """One result.

    Attributes:
        id, variation: which one.
        time: when its job was begun, in seconds since 1970.
        image: the name of the image it was made for.
        engine: "photio" or "offline".
        inserted: it has been placed in an image.
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
    """Some entries of `total` that match; the whole history takes `size` bytes on the disk."""

    entries: tuple[Entry, ...]
    total: int
    size: int


@dataclass(frozen=True)
class Show(Message):
    """Make a picture of a result as it looks in its image; answered by `Picture`.

    Attributes:
        variation: from 1; 0: how it was before.
        size: the longer side's largest length, px.
    """

    id: str
    variation: int
    size: int


@dataclass(frozen=True)
class Picture(Message):
    """A PNG in the job's folder, 8 bits, sRGB, and the part of the canvas that it shows."""

    file: str
    box: Rectangle


@dataclass(frozen=True)
class Recall(Message):
    """Everything that is needed to insert a job's results; answered by `Recalled`."""

    id: str


@dataclass(frozen=True)
class Recalled(Message):
    """A job of the history; the files of `finished` are in `folder`."""

    folder: str
    job: Job
    document: Document
    finished: Finished


@dataclass(frozen=True)
class Discard(Message):
    """Delete a result for good; answered by `Discarded`."""

    id: str
    variation: int


@dataclass(frozen=True)
class Discarded(Message):
    """It is gone."""


@dataclass(frozen=True)
class AskUnclaimed(Message):
    """How many results were paid for, never inserted and never mentioned; now they are. Answered by `Unclaimed`."""


@dataclass(frozen=True)
class Unclaimed(Message):
    """So many."""

    count: int


@dataclass(frozen=True)
class AskPrompts(Message):
    """The last prompts; answered by `Prompts`."""


@dataclass(frozen=True)
class Prompts(Message):
    """Newest first, each once, at most 50."""

    texts: tuple[str, ...]
