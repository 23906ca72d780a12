"""Turns what happens to each request into one bar and one short text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from bridge.geometry import Crop
from bridge.protocol import Progress

#: Where in the bar each stage of a request begins and ends (0–1).
_STAGES = {"connecting": (0.05, 0.1), "uploading": (0.1, 0.3), "waiting": (0.3, 0.8), "receiving": (0.8, 0.95)}

_TEXTS = {
    "connecting": "Connecting to {service} …",
    "uploading": "Uploading to {service}: {done} of {total} kB …",
    "waiting": "Waiting for {service} …",
    "receiving": "Receiving from {service} …",
}

_SERVICES = {"photio": "Photio", "offline": "the offline engine"}


class Stages:
    """Announces how far a job's requests are, the slowest one's stage as the text. Safe from any thread."""

    def __init__(
        self, announce: Callable[[Progress], None], backend: str, crops: Sequence[Crop], variations: int
    ) -> None:
        self._announce = announce
        self._service = _SERVICES[backend]
        requests = len(crops) * variations
        self._note = f" ({requests} requests)" if requests > 1 else ""
        lowest = min(crop.scale for crop in crops)
        if lowest < 1:
            self._note += f" (at {lowest:.0%} of the resolution)"
        self._fractions = [0.05] * requests
        self._lock = threading.Lock()
        self._said = ""
        announce(Progress(0.02, f"Preparing the picture{self._note} …"))

    def of(self, number: int) -> Callable[[str, int, int], None]:
        """The listener for request `number` (from 0): takes a stage, bytes done and bytes in all."""

        def listen(stage: str, done: int, total: int) -> None:
            start, end = _STAGES[stage]
            with self._lock:
                fraction = start + (end - start) * (done / total if total else 0)
                self._fractions[number] = fraction
                if fraction > min(self._fractions):
                    return
                text = _TEXTS[stage].format(service=self._service, done=done // 1000, total=total // 1000) + self._note
                if text != self._said:
                    self._said = text
                    self._announce(Progress(sum(self._fractions) / len(self._fractions), text))

        return listen
