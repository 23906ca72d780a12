"""Messages of a job: `Open`, `Plan` as often as wanted, `Run`, then `Placed`; one job runs at a time."""

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
    """Begin a job; answered by `Opened`."""


@dataclass(frozen=True)
class Plan(Message):
    """Decide what would be sent; answered by `Planned`, and replaces what was planned before.

    Attributes:
        selection: bounds of what is to be regenerated.
        masked: its coverage is in the job folder (`SELECTION_FILE`); False: all within the bounds, no file.
        preview: the largest size in px to show the plan at; (0, 0): no preview wanted.
    """

    job: Job
    document: Document
    selection: Rectangle
    masked: bool
    preview: tuple[int, int]


@dataclass(frozen=True)
class Run(Message):
    """The crops are in the job folder: send them. Answered once, by `Finished`, `Cancelled` or `Failed`.

    `Progress` and `Received` have the number of their `Run`, too. They come before its answer, and never after it.
    """


@dataclass(frozen=True)
class Cancel(Message):
    """The user no longer waits for a `Run`. What was paid for is still journaled.

    This asks nothing: the `Run` is answered, by `Cancelled`. When the `Run` has been answered already, nothing happens.

    Attributes:
        run: the number of that `Run`.
    """

    run: int


@dataclass(frozen=True)
class Placed(Message):
    """Results of a job are in an image: the numbers of their variations. Asks nothing: only a failure is answered."""

    id: str
    variations: tuple[int, ...]


@dataclass(frozen=True)
class Opened(Message):
    """The job has a folder."""

    id: str
    folder: str


@dataclass(frozen=True)
class Planned(Message):
    """What will be sent: `requests` of them, to `engine` ("photio" or "offline"); `remarks` are for the user.

    Attributes:
        upload: all requests take at most so many bytes.
    """

    crops: tuple[CropPlan, ...]
    requests: int
    engine: str
    upload: int
    remarks: tuple[str, ...]
    preview: Preview | None


@dataclass(frozen=True)
class Progress(Message):
    """How far the job is: 0–1, a short text of all, and every request by itself."""

    fraction: float
    text: str
    requests: tuple[RequestProgress, ...]


@dataclass(frozen=True)
class Received(Message):
    """One of the service's answers is in the journal."""

    variation: int
    seed: int


@dataclass(frozen=True)
class Finished(Message):
    """All results, and where they go.

    Attributes:
        box: what each layer covers.
        masks: what their mask shows: P5, 8 bits; black elsewhere.
        results: the layers, in the order of the variations.
        remarks: sentences for the user.
    """

    box: Rectangle
    masks: tuple[Patch, ...]
    results: tuple[Result, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Cancelled(Message):
    """The user did not wait for a `Run`. `may_be_billed`: a request was sent; its result will be in the history."""

    may_be_billed: bool


@dataclass(frozen=True)
class Failed(Message):
    """A message could not be done: a stable word for programs, a sentence for the user."""

    code: str
    sentence: str
