"""One request's state, as the thread that sends it and whoever watches or cancels it share it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, Protocol

from bridge.common.i18n import _
from bridge.regen.errors import Cancelled

Stage = Literal["connecting", "uploading", "waiting", "receiving"]
Progress = Callable[[Stage, int, int], None]


class AnswerSink(Protocol):
    """Where an answer's content goes while it arrives."""

    def begin(self) -> None:
        """An answer begins; what came of an earlier one is void."""

    def write(self, content: bytes) -> None:
        """Takes the next part."""


class Call:
    """One request, as seen from another thread: it may be watched and cancelled. Thread-safe.

    Args:
        on_progress: called with the stage, and the bytes done and in all (0: not known), from a thread of
            the transport's own.
        sink: gets the answer's content while it comes, unpacked.

    Attributes:
        changed: held to look at or change any of it; told when something did.
    """

    def __init__(self, on_progress: Progress | None = None, sink: AnswerSink | None = None) -> None:
        self.sink = sink
        self.changed = threading.Condition()
        self._on_progress = on_progress
        self._cancelled = False
        self._sent = False

    def cancel(self) -> None:
        """Cancel the request, unless it is already sent.

        When this has returned and `sent` is False, the service surely never gets the whole request. When
        `sent` is True, the wait for the answer goes on: it may be paid for.
        """
        with self.changed:
            self._cancelled = True
            self.changed.notify_all()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel()` was called."""
        with self.changed:
            return self._cancelled

    @property
    def sent(self) -> bool:
        """Whether the request's last byte was handed to the socket: from then on it may be billed."""
        with self.changed:
            return self._sent

    def pause(self, seconds: float) -> None:
        """Wait before a repeat of a request that was not taken.

        Raises:
            Cancelled: at once, when the request is or gets cancelled.
        """
        with self.changed:
            self._sent = False
            self.changed.wait_for(lambda: self._cancelled, timeout=seconds)
            self.refuse_if_cancelled()

    def refuse_if_cancelled(self) -> None:
        """Raises `Cancelled` when the request was cancelled before it was sent."""
        with self.changed:
            if self._cancelled and not self._sent:
                raise Cancelled(_("Cancelled before the service took the request: nothing was billed."))

    def mark_sent(self) -> None:
        """From now on the request may be billed."""
        with self.changed:
            self._sent = True

    def report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Tell whoever watches, `done` and `total` in bytes."""
        if self._on_progress is not None:
            self._on_progress(stage, done, total)
