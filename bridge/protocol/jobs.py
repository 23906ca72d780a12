"""Messages of a job: `Open`, any number of `Plan`, `Run`, then `Placed`. One job runs at a time."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.values import (
    CropPlan,
    Document,
    Job,
    Message,
    Patch,
    Preview,
    Rectangle,
    RequestProgress,
    Result,
)


@dataclass(frozen=True)
class Open(Message):
    """Start a job; answered by `Opened`."""


@dataclass(frozen=True)
class Plan(Message):
    """Plan the requests; answered by `Planned`, and replaces an earlier plan.

    Attributes:
        selection: bounds of the selection.
        masked: whether `SELECTION_FILE` in the job folder holds its coverage; if not, everything within the bounds is
            selected.
        preview: the maximum width and height of the preview, px; (0, 0) for none. A preview is shown even if the
            engine cannot do what the prompt asks for.
    """

    job: Job
    document: Document
    selection: Rectangle
    masked: bool
    preview: tuple[int, int]


@dataclass(frozen=True)
class Mark(Message):
    """Draw the preview's overlay again for a part of the canvas, at `size` (px); answered by `Marked`.

    Only after a `Plan`, and before its `Run`.
    """

    part: Rectangle
    size: tuple[int, int]


@dataclass(frozen=True)
class DesktopProxies(Message):
    """The desktop's proxies for the service at `origin`, which hold from now on. Has no answer.

    Attributes:
        proxies: URLs, the preferred one first; `direct://` is no proxy. Empty if the desktop said nothing.
    """

    origin: str
    proxies: tuple[str, ...]


@dataclass(frozen=True)
class Run(Message):
    """Send the requests: the crops are in the job folder. Answered once, by `Finished`, `Cancelled` or `Failed`.

    `Progress` and `Received` carry the number of their `Run`, too. They always come before its answer.
    """


@dataclass(frozen=True)
class Cancel(Message):
    """Cancel a `Run`. Results that were paid for still go to the journal.

    It has no answer of its own: `Cancelled` answers the `Run`. It has no effect when the `Run` is already answered.

    Attributes:
        run: the number of that `Run`.
    """

    run: int


@dataclass(frozen=True)
class Placed(Message):
    """These variations of a job are now in an image. Answered only on failure."""

    id: str
    variations: tuple[int, ...]


@dataclass(frozen=True)
class Opened(Message):
    """The new job's identifier and the path of its folder."""

    id: str
    folder: str


@dataclass(frozen=True)
class Planned(Message):
    """What a `Run` would send.

    Attributes:
        requests: the number of requests.
        engine: where they go: "photio" or "offline".
        origin: the service, if it is not on this computer: `DesktopProxies` should say how to reach it. Else empty.
        upload: the upper limit for the size of all requests together, in bytes.
        remarks: sentences for the user.
        grow, feather, spill: px, as they will be; the automatic ones are chosen.
    """

    crops: tuple[CropPlan, ...]
    requests: int
    engine: str
    origin: str
    upload: int
    remarks: tuple[str, ...]
    preview: Preview | None
    grow: int
    feather: int
    spill: int


@dataclass(frozen=True)
class Marked(Message):
    """The file of an overlay, as in `Preview`, in the job folder."""

    overlay: str


@dataclass(frozen=True)
class Progress(Message):
    """The job's progress: the total as a fraction (0–1) and as a short text, and each request's."""

    fraction: float
    text: str
    requests: tuple[RequestProgress, ...]


@dataclass(frozen=True)
class Received(Message):
    """An answer of the service is in the journal."""

    variation: int
    seed: int


@dataclass(frozen=True)
class Finished(Message):
    """All results, and where they belong.

    Attributes:
        box: the part of the canvas that each layer covers.
        masks: the parts of the layers' masks that are not black: P5, 8 bits. A result may have others of its own.
        results: the layers, in the order of the variations.
        remarks: sentences for the user.
    """

    box: Rectangle
    masks: tuple[Patch, ...]
    results: tuple[Result, ...]
    remarks: tuple[str, ...]

    def masks_of(self, result: Result) -> tuple[Patch, ...]:
        """The parts of the layer mask of one of the results."""
        own = {mask.box: mask for mask in result.masks}
        return tuple(own.get(mask.box, mask) for mask in self.masks)


@dataclass(frozen=True)
class Cancelled(Message):
    """The user cancelled a `Run`. `may_be_billed`: a request was already sent; its result goes to the history."""

    may_be_billed: bool


@dataclass(frozen=True)
class Failed(Message):
    """A message failed: `code` is a stable identifier for programs, `sentence` is for the user."""

    code: str
    sentence: str
