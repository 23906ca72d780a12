"""What becomes of one request to a server that misbehaves, as a row that can be printed."""

from __future__ import annotations

import base64
import contextlib
import gc
import logging
import os
import random
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from bridge.regen.client import Call, RegenClient, RegenRequest, RegenResult, Timeouts
from bridge.regen.errors import RegenError
from tests.faults.server import FaultServer, all_faults
from tests.faults.visit import Record

#: With signs that Python and JSON write in another way, capitals, and longer than what is ever quoted.
KEY = "Sk-Fault\\'\"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PIECES = (KEY, KEY[9:21], KEY[-16:], KEY[:8])

_SMALL = Image.effect_noise((48, 32), 60).convert("RGB")
# Noise that PNG cannot shrink: far more than the sockets' buffers on the way hold.
_LARGE = Image.frombytes("RGB", (1408, 1408), random.Random(1).randbytes(3 * 1408 * 1408))
_REQUESTS = {image.size: RegenRequest(image, Image.new("L", image.size, 0)) for image in (_SMALL, _LARGE)}

_PATIENCE = 60.0  # seconds until what is still there is left behind: for ever, as nothing in the transport times out


@dataclass(frozen=True)
class Outcome:
    """What the user and the computer notice of a fault.

    Attributes:
        fault: its name.
        breaks: what was broken.
        code: the error's, or "" when the image came.
        sentence: what the user is told; "" when all is well.
        image: "untouched", "complete" (there is a picture to place) or "broken" (and it cannot be placed).
        kept: of a picture that came: "whole" (used), "aside" (not usable, but handed on to be kept), "part" (what came
            of it is handed on), "lost"; "none" when none came.
        repeated: how often the log says that it was sent once more, and why.
        connections: how many the service saw.
        arrived: how often the request came to the service whole.
        says_billed: whether the user is told that it may have been billed.
        leaks: where the key was found: "error", "log", "elsewhere", "received".
        left: what is still there afterwards: threads, sockets, files.
        seconds: how long it took.
        megabytes: how much more memory was needed at most.
    """

    fault: str
    breaks: str
    code: str
    sentence: str
    image: str
    kept: str
    repeated: int
    connections: int
    arrived: int
    says_billed: bool
    leaks: tuple[str, ...]
    left: tuple[str, ...]
    seconds: float
    megabytes: int

    def to_json(self) -> dict[str, Any]:
        """A row for the table."""
        return asdict(self)


class _Log(logging.Handler):
    """Everything that anybody logs, with tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("PIL"):  # of the server's own pictures
            self.text += self.format(record) + "\n"


def observe(
    *faults: str, large: bool = False, answer: float = 120.0, connect: float = 60.0, interval: float = 0.02
) -> Outcome:
    """One request to a server with these faults: what comes of it.

    Args:
        faults: what its first, second … attempt meets; the last one stays.
        large: send so much that a stalled upload is noticed.
        answer: the longest wait for the answer, in seconds.
        connect: likewise, for the connection.
        interval: seconds between dripped bytes.

    Raises:
        Exception: whatever is no `RegenError`: the user would see a traceback.
    """
    request = _REQUESTS[(_LARGE if large else _SMALL).size]
    watched = _Watched()
    with watched, FaultServer(*faults, interval=interval) as server:
        client = RegenClient(server.origin, KEY, Timeouts(connect, answer), pause=0.0)
        result, error = _regenerate(client, request)
        watched.request_ended()
    watched.server_ended()
    records, received = server.records, _received(result, error)
    leaks = [("error", _told(error)), ("log", watched.log), ("received", received.decode("latin-1"))]
    elsewhere = any(record.where == "elsewhere" for record in records)
    connections = sum(record.where == "service" for record in records)
    first, met = (all_faults()[faults[at]] for at in (0, max(0, min(connections, len(faults)) - 1)))
    return Outcome(
        fault=" + ".join(faults),
        breaks=first.breaks,
        code=error.code if error else "",
        sentence=error.sentence if error else " ".join(result.warnings if result else ()),
        image=_image(result, request),
        kept=_kept(result, received, records[-1:], met.delivers),
        repeated=watched.log.count("because: "),
        connections=connections,
        arrived=server.arrived,
        says_billed=bool(error) and "may have been billed" in str(error),
        leaks=tuple(where for where, text in leaks if any(piece.lower() in text.lower() for piece in _PIECES))
        + (("elsewhere",) if elsewhere else ()),
        left=watched.left,
        seconds=round(watched.seconds, 2),
        megabytes=watched.megabytes,
    )


def _regenerate(client: RegenClient, request: RegenRequest) -> tuple[RegenResult | None, RegenError | None]:
    try:
        return client.regenerate(request, call=Call()), None
    except RegenError as error:
        logging.getLogger("bridge.faults").warning("%s", error.details, exc_info=error)
        return None, error


def _image(result: RegenResult | None, request: RegenRequest) -> str:
    if result is None:
        return "untouched"
    placeable = result.image.size == request.size and result.image.mode in ("RGB", "RGBA") and not result.image.info
    return "complete" if placeable else "broken"


def _told(error: RegenError | None) -> str:
    """All that an error may tell anybody."""
    if error is None:
        return ""
    return "".join([error.sentence, error.details, repr(error), *traceback.format_exception(error)])


def _received(result: RegenResult | None, error: RegenError | None) -> bytes:
    """What the journal gets to keep."""
    return result.encoded if result else getattr(error, "received", b"")


def _kept(result: RegenResult | None, received: bytes, last: list[Record], delivers: bool) -> str:
    picture = last[0].picture if last else b""
    if result and received == picture:
        return "whole"
    if received and picture and (picture in received or base64.b64encode(picture) in b"".join(received.split())):
        return "aside"
    if received:
        return "part"
    return "lost" if delivers else "none"


class _Watched:
    """Looks at the process before, during and after: memory, time, log, threads, sockets, temporary files."""

    def __enter__(self) -> _Watched:
        gc.collect()
        self._handler = _Log()
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self._handler)
        self._sockets = _sockets()
        self._files = set(os.listdir(tempfile.gettempdir()))
        self._memory = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
        self._start = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self._handler)
        logging.getLogger().setLevel(self._level)

    def request_ended(self) -> None:
        """The request is over; what it started may take a moment to end, while the server still stands."""
        self.seconds = time.monotonic() - self._start
        self.megabytes = max(0, _memory("VmHWM") - self._memory) // 1024
        self.left = _wait_for_none(_request_threads)

    @property
    def log(self) -> str:
        """What was logged."""
        return self._handler.text

    def server_ended(self) -> None:
        """All sockets that are still open are the client's."""
        self.left += _wait_for_none(lambda: ["socket"] * len(_sockets() - self._sockets))
        self.left += tuple(sorted(set(os.listdir(tempfile.gettempdir())) - self._files))


def _wait_for_none(find: Callable[[], list[str]]) -> tuple[str, ...]:
    """What is still found after a while."""
    deadline = time.monotonic() + _PATIENCE
    while (found := find()) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.02)
    return tuple(found)


def _request_threads() -> list[str]:
    return ["thread" for thread in threading.enumerate() if thread.name == "photio-request"]


def _sockets() -> set[str]:
    """This process's sockets, as the kernel calls them."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists the folder is gone by now
            found.add(os.readlink(descriptor))
    return {name for name in found if name.startswith("socket:")}


def _memory(name: str) -> int:
    """Of this process, in KB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise LookupError(name)
