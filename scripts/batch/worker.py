"""One worker's GIMP: a process that takes files one after another over a local socket. `inside.py` is its other end."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import socket
import subprocess
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gimp import real_gimp

INSIDE = Path(__file__).with_name("inside.py")

#: Seconds: a look whether GIMP is still starting, and how long it has to end.
_STEP, _ENDING = 0.5, 5


class GimpEnded(Exception):
    """GIMP has ended in the middle, or the bridge in it. Dask gives the file to a worker again."""


@dataclass(frozen=True)
class Surroundings:
    """What a GIMP is started with.

    Attributes:
        release: "3.0" or "3.2"; None: the machine's.
        journal: the folder of the job folders.
        visible: folders that it needs to see.
    """

    release: str | None
    journal: str
    visible: tuple[str, ...]


class Gimp:
    """A GIMP process. `ask` and `begin` may be called from any thread.

    Attributes:
        drafting: held from `prepare` to `run`: the bridge has one prepared job at a time.
    """

    def __init__(self, real: real_gimp.RealGimp, journal: str, visible: tuple[str, ...]) -> None:
        """Starts it.

        Raises:
            GimpEnded: it does not start.
        """
        self.drafting = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._log = real.home / "batch.log"
        real.home.mkdir(parents=True, exist_ok=True)
        folders = [Path(each) for each in visible]
        with tempfile.TemporaryDirectory(prefix="photio-batch-") as folder, socket.socket(socket.AF_UNIX) as listening:
            address = f"{folder}/gimp"  # not needed any more when GIMP has connected
            listening.bind(address)
            listening.listen(1)
            with self._log.open("ab") as log:
                variables = {"PHOTIO_JOURNAL": journal}
                self._process = real_gimp.start_file(real, INSIDE, [address], log, variables, folders)
            self._socket = self._accepted(listening)
        self.alive = True
        threading.Thread(target=self._listen, name="gimp", daemon=True).start()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Asks and waits for the answer; see `inside.py`. Raises `GimpEnded`."""
        return self.begin(**question).result()

    def begin(self, **question: Any) -> Future[dict[str, Any]]:
        """Asks, and returns what will have the answer, or `GimpEnded`."""
        answer: Future[dict[str, Any]] = Future()
        with self._lock:
            if not self.alive:
                raise GimpEnded(self._sentence())
            number = next(self._numbers)
            self._waiting[number] = answer
            try:
                self._socket.sendall(json.dumps({"number": number, **question}).encode() + b"\n")
            except OSError as error:
                raise GimpEnded(self._sentence()) from error
        return answer

    @property
    def idle(self) -> bool:
        """Whether it works on no file."""
        return not self._waiting and not self.drafting.locked()

    def close(self) -> None:
        """Ends it. The bridge stays until answers that may be billed are in the journal."""
        self.alive = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _accepted(self, listening: socket.socket) -> socket.socket:
        listening.settimeout(_STEP)
        while self._process.poll() is None:
            with contextlib.suppress(TimeoutError):
                accepted, _address = listening.accept()
                accepted.settimeout(None)
                return accepted
        raise GimpEnded(f"GIMP does not start; what it said is in {self._log}.")

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._socket.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                self._waiting.pop(answer.pop("number")).set_result(answer)
        with self._lock:
            self.alive = False
            for waiting in self._waiting.values():
                waiting.set_exception(GimpEnded(self._sentence()))
            self._waiting.clear()

    def _sentence(self) -> str:
        return f"GIMP ended unexpectedly; what it said is in {self._log}."


def of_batches(release: str | None) -> real_gimp.RealGimp:
    """The GIMP for batches: with a profile of its own, so that no other run of GIMP meets their bridges.

    Raises:
        SetupError: there is none and none can be set up here.
    """
    real = real_gimp.find(release)
    return replace(real, own_home=real.home.with_name(f"{real.home.name}-batch"))


_running: dict[Surroundings, Gimp] = {}
_starting = threading.Lock()


def gimp(surroundings: Surroundings) -> Gimp:
    """This process's GIMP. It starts when it is first needed, and again if it has ended. Raises `GimpEnded`."""
    with _starting:
        running = _running.get(surroundings)
        if running is None or not running.alive:
            for other in [each for each, known in _running.items() if known.idle or not known.alive]:
                _running.pop(other).close()  # an earlier batch's
            real = of_batches(surroundings.release)
            running = _running[surroundings] = Gimp(real, surroundings.journal, surroundings.visible)
        return running


def close() -> None:
    """Ends this process's GIMP, if it has one."""
    while _running:
        _running.popitem()[1].close()


atexit.register(close)
