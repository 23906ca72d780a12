"""The state of one request, shared by the thread that sends it and others that watch or cancel it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, Protocol

from bridge.common.i18n import _
from bridge.regen.errors import Cancelled

Stage = Literal["connecting", "uploading", "waiting", "receiving"]
Progress = Callable[[Stage, int, int], None]


class AnswerSink(Protocol):
    """Receives an answer's content while it arrives."""

    def begin(self) -> None:
        """Start a new answer and drop the content of an earlier one."""

    def write(self, content: bytes) -> None:
        """Take the next part."""


class Call:
    """A handle to watch and cancel one request from any thread.

    Args:
        on_progress: called from the transport's thread with the stage, the bytes done and the bytes in all (0 if
            unknown).
        sink: gets the answer's content, unpacked, while it arrives.

    Attributes:
        changed: guards the state, and is notified of changes.
        cancelled: whether `cancel()` was called.
        sent: whether the socket got the request's last byte. From then on the request may be billed.
    """

    def __init__(self, on_progress: Progress | None = None, sink: AnswerSink | None = None) -> None:
        self.sink = sink
        self.changed = threading.Condition()
        self.cancelled = False
        self.sent = False
        self._on_progress = on_progress

    def cancel(self) -> None:
        """Cancel the request, unless it is already sent.

        If `sent` is False after this returns, the service never gets the whole request. If it is True, the wait for
        the answer continues, because the request may be billed.
        """
        with self.changed:
            self.cancelled = True
            self.changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait before the request is sent again.

        Raises:
            Cancelled: the request is cancelled, before or during the wait.
        """
        with self.changed:
            self.sent = False
            self.changed.wait_for(lambda: self.cancelled, timeout=seconds)
            self.refuse_if_cancelled()

    def refuse_if_cancelled(self) -> None:
        """Raise `Cancelled` if the request was cancelled before it was sent."""
        with self.changed:
            if self.cancelled and not self.sent:
                raise Cancelled(_("Cancelled before the service took the request: nothing was billed."))

    def report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Report progress to `on_progress`; `done` and `total` in bytes."""
        if self._on_progress is not None:
            self._on_progress(stage, done, total)
