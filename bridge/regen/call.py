"""A request as another thread sees it: how far it is, and how to cancel it. It is sent by `bridge.regen.transport`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bridge.common.i18n import _
from bridge.regen.errors import Cancelled

Stage = Literal["connecting", "uploading", "waiting", "receiving"]


@dataclass(eq=False)
class Call:
    """A handle to watch and cancel one request from any thread."""

    #: Called from the transport's thread with the stage, the bytes done, and the bytes in all (0 if unknown).
    on_progress: Callable[[Stage, int, int], None] | None = None
    #: Called when an answer begins, which replaces an earlier one. What it returns gets the content as it arrives.
    on_answer: Callable[[], Callable[[bytes], object]] | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)  # guards the state
    cancelled: bool = False
    sent: bool = False  # whether the socket got the request's last byte: from then on it may be billed

    def cancel(self) -> None:
        """Cancel the request, unless it is already sent.

        If `sent` is False after this returns, the service never gets the whole request. If it is True, the wait for
        the answer continues, because the request may be billed.
        """
        with self.changed:
            self.cancelled = True
            self.changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Wait before the request is sent again; raises `Cancelled` if it is cancelled before or during the wait."""
        with self.changed:
            self.sent = False
            self.changed.wait_for(lambda: self.cancelled, timeout=seconds)
            self.refuse_if_cancelled()

    def refuse_if_cancelled(self) -> None:
        """Raise `Cancelled` if the request was cancelled before it was sent."""
        with self.changed:
            if self.cancelled and not self.sent:
                raise Cancelled(_("Cancelled before the service took the request: nothing was billed."))
