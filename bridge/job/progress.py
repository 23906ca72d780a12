"""Turns what happens to each request into one bar and one short text."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from bridge.common.i18n import _, ngettext
from bridge.pixels.geometry import Crop
from bridge.protocol import Progress, RequestProgress

#: Where in the bar each stage of a request begins and ends (0–1).
_STAGES = {
    "keyring": (0.02, 0.02),
    "queued": (0.02, 0.02),
    "preparing": (0.02, 0.05),
    "connecting": (0.05, 0.1),
    "uploading": (0.1, 0.3),
    "waiting": (0.3, 0.8),
    "receiving": (0.8, 0.93),
    "finishing": (0.93, 1.0),
    "done": (1.0, 1.0),
    "failed": (1.0, 1.0),
}

#: Uploads are reported in steps of so many bytes.
_STEP = 1 << 16

#: The least time between two messages, in seconds: nobody sees more of them, and each keeps GIMP busy for a while.
_PAUSE = 0.05


class Stages:
    """Announces how far a job's requests are; the text is the slowest one's stage. Safe from any thread.

    Changes that come fast are announced together, the last of them always, until it is closed.
    """

    def __init__(
        self, announce: Callable[[Progress], None], backend: str, crops: Sequence[Crop], variations: int
    ) -> None:
        self._announce = announce
        self._service = "Photio" if backend == "photio" else _("the offline engine")
        requests = len(crops) * variations
        notes = []
        if requests > 1:
            notes.append(ngettext("{count} request", "{count} requests", requests).format(count=requests))
        lowest = min(crop.scale for crop in crops)
        if lowest < 1:
            notes.append(_("resolution: {percent} %").format(percent=round(100 * lowest)))
        self._note = f" ({', '.join(notes)})" if notes else ""
        self._requests = [RequestProgress("preparing", 0, 0)] * requests
        self._known: tuple[object, ...] = ()
        self._announced_at = -_PAUSE
        self._later: threading.Timer | None = None
        self._closed = False
        self._lock = threading.Lock()
        self.report(0, "preparing")

    def report(self, number: int, stage: str, done: int = 0, total: int = 0) -> None:
        """Request `number` (from 0) is that far, in bytes; announced only if that makes a visible difference."""
        with self._lock:
            self._requests[number] = RequestProgress(stage, done, total)
            visible = tuple((each.stage, each.done // _STEP, each.done == each.total) for each in self._requests)
            if visible == self._known or self._closed:
                return
            self._known = visible
            if self._later is not None:
                return  # it announces this as well
            pause = self._announced_at + _PAUSE - time.monotonic()
            if pause <= 0:
                self._announce_now()
            else:
                self._later = threading.Timer(pause, self._catch_up)
                self._later.daemon = True
                self._later.start()

    def close(self) -> None:
        """Announces nothing more: the job's end follows."""
        with self._lock:
            self._closed = True
            if self._later is not None:
                self._later.cancel()

    def _catch_up(self) -> None:
        with self._lock:
            self._later = None
            self._announce_now()

    def _announce_now(self) -> None:
        if not self._closed:
            self._announced_at = time.monotonic()
            fractions = [_fraction(each) for each in self._requests]
            under_way = [number for number, each in enumerate(self._requests) if each.stage != "queued"]
            slowest = self._requests[min(under_way or [0], key=fractions.__getitem__)]
            overall = sum(fractions) / len(fractions)
            self._announce(Progress(overall, self._text(slowest) + self._note, tuple(self._requests)))

    def _text(self, request: RequestProgress) -> str:
        texts = {
            "keyring": _("Waiting for the system's keyring…"),
            "preparing": _("Preparing the picture…"),
            "connecting": _("Connecting to {service}…"),
            "uploading": _("Uploading to {service}: {done} of {total} kB…"),
            "waiting": _("Waiting for {service}…"),
            "receiving": _("Receiving from {service}…"),
        }
        text = texts.get(request.stage) or _("Finishing…")
        return text.format(service=self._service, done=request.done // 1000, total=request.total // 1000)


def _fraction(request: RequestProgress) -> float:
    start, end = _STAGES[request.stage]
    return start + (end - start) * (request.done / request.total if request.total else 0)
