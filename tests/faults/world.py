"""A home, a service and real bridges at work in it: what is broken here is below the network, or beside it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bridge.pixels import imaging
from bridge.protocol import (
    SELECTION_FILE,
    Cancel,
    Cancelled,
    Document,
    Failed,
    Finished,
    Job,
    Message,
    Open,
    Opened,
    Plan,
    Planned,
    Run,
    decode,
    encode,
)
from bridge.protocol.history import Browse, Page, Recall, Recalled
from tests.faults.outcome import KEY
from tests.regen_server import RegenServer

CHECKOUT = Path(__file__).parents[2]
BRIDGE = CHECKOUT / "bridge"
UNDER = Path(__file__).with_name("bridge_under.py")

#: What the plug-in says when its bridge is gone (plugin/photio/bridge_process.py).
GONE = "Photio's bridge ended unexpectedly. What it had received is kept: try again."

CANVAS = (96, 64)
SELECTION = (30, 20, 24, 16)

Answer = TypeVar("Answer")


class BridgeGoneError(Exception):
    """The bridge ended instead of answering."""


class Bridge:
    """A bridge, and the plug-in's end of its pipes; `run` is the number of the last job's `Run`."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, **how: Any) -> None:
        self._errors = folder / f"stderr-{len(list(folder.glob('stderr-*')))}"
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                cwd=folder,
                start_new_session=True,  # so that whatever it leaves behind can be told
                **how,
            )
        self.told = b""
        self._said = 0
        self.run = 0

    @property
    def pid(self) -> int:
        """Its process, and the session of all that it starts."""
        return self.process.pid

    def write(self, data: bytes) -> None:
        """Sends bytes, be they a message or not; whoever has gone does not hear them."""
        self._said += data.count(b"\n")
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise BridgeGoneError from error

    def say(self, message: Message) -> int:
        """Sends a message; its number."""
        number = self._said + 1
        self.write(encode(message, number))
        if isinstance(message, Run):
            self.run = number
        return number

    def hear(self, *kinds: type[Answer], question: int | None = None) -> Answer:
        """The next message of these kinds; `question`: with that number. Those before it are passed over.

        Raises:
            BridgeGoneError: there is none.
        """
        for line in self.process.stdout:
            self.told += line
            said = decode(line)
            if isinstance(said.message, kinds) and question in (None, said.question):
                return said.message
        raise BridgeGoneError

    def ask(self, message: Message, *kinds: type[Answer]) -> Answer:
        """Sends a message, and gives its answer."""
        return self.hear(*kinds, question=self.say(message))

    def cancel(self) -> Cancelled:
        """Cancels the last job that was run, and gives what its `Run` is answered with."""
        self.say(Cancel(self.run))
        return self.hear(Cancelled, question=self.run)

    def stop_listening(self) -> None:
        """Closes the plug-in's reading end only."""
        self.process.stdout.close()

    def leave(self) -> int:
        """Closes our end, as a killed plug-in does; the exit status when the bridge has ended."""
        self.process.stdin.close()
        if not self.process.stdout.closed:
            self.told += self.process.stdout.read()
            self.process.stdout.close()
        return self.process.wait(180)


@dataclass(frozen=True)
class Ended:
    """A job's end, as the plug-in sees it; `message` is None when the bridge was gone."""

    message: Finished | Failed | None
    remarks: tuple[str, ...] = ()
    folder: Path | None = None


@dataclass
class World:
    """Everything that a row needs. `service` is a `RegenServer` or a `FaultServer`."""

    folder: Path
    service: Any
    home: Path = field(init=False)
    temporary: Path = field(init=False)
    bridges: list[Bridge] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home, self.temporary = self.folder / "home", self.folder / "temporary"
        self.temporary.mkdir()
        self.home.mkdir(mode=0o700)
        self.configure(origin=self.service.origin)
        self.store_key(KEY.encode())

    def configure(self, **settings: Any) -> None:
        """Writes the settings file."""
        write_0600(self.home / "settings.json", json.dumps(settings).encode())

    def store_key(self, content: bytes) -> None:
        """Writes the key's file."""
        write_0600(self.home / "api-key", content)

    def environment(self, **variables: str | None) -> dict[str, str]:
        """What a bridge sees; None takes a variable away."""
        usual = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "PHOTIO_HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        if part := os.environ.get("PHOTIO_PART"):  # by which scripts/test/parts.py finds what is left
            usual["PHOTIO_PART"] = part
        return {name: value for name, value in {**usual, **variables}.items() if value is not None}

    def start(self, *under: str, before: Callable[[], object] | None = None, **variables: str | None) -> Bridge:
        """A bridge; `under`: with which fault of `bridge_under.py`, `before`: what its process does first."""
        program = [str(UNDER), *under] if under else [str(BRIDGE), "service"]
        command = [sys.executable, "-I", *program]
        self.bridges.append(Bridge(command, self.environment(**variables), self.folder, preexec_fn=before))
        return self.bridges[-1]

    def job(self, bridge: Bridge, at: Callable[[str], object] = lambda step: None, **changes: Any) -> Ended:
        """Runs a job to its end.

        Args:
            at: called after each step: "opened", "planned", "exported", "running".
        """
        try:
            return _run(bridge, at, changes)
        except BridgeGoneError:
            return Ended(None)

    def history(self) -> tuple[tuple[str, int, str], ...]:
        """All results as a fresh bridge has them: id, variation, checksum of what is placed; "" where that fails."""
        bridge = self.start()
        page = bridge.ask(Browse("", 0, 100), Page)
        found = []
        for entry in page.entries:
            recalled = bridge.ask(Recall(entry.id), Recalled, Failed)
            whole = isinstance(recalled, Recalled)
            found.append((entry.id, entry.variation, checksum(recalled, entry.variation) if whole else ""))
        bridge.leave()
        return tuple(found)

    def job_folders(self) -> list[Path]:
        """All of them, oldest first."""
        return sorted(self.home.glob("journal/2*"))

    def end(self) -> None:
        """Ends whatever still runs."""
        for bridge in self.bridges:
            bridge.process.kill()
            bridge.process.wait()
            for pipe in (bridge.process.stdin, bridge.process.stdout):
                with contextlib.suppress(OSError, ValueError):
                    pipe.close()


def _run(bridge: Bridge, at: Callable[[str], object], changes: dict[str, Any]) -> Ended:
    opened = bridge.ask(Open(), Opened, Failed)
    if isinstance(opened, Failed):
        return Ended(opened)
    at("opened")
    folder = Path(opened.folder)
    _x, _y, width, height = SELECTION
    try:
        _export(folder / SELECTION_FILE, np.full((height, width), 255, np.uint8))
        document = Document("photo.xcf", (), "1-1", CANVAS, 1)
        planned = bridge.ask(Plan(a_job(**changes), document, SELECTION, True, (0, 0)), Planned, Failed)
        if isinstance(planned, Failed):
            return Ended(planned, folder=folder)
        at("planned")
        for crop in planned.crops:
            pixels = np.random.default_rng(1).integers(60, 200, (crop.box[3], crop.box[2], 3), dtype=np.uint8)
            _export(folder / crop.file, pixels)
    except OSError as error:  # plugin/photio/canvas.py: `unreadable`
        sentence = f"Photio could not read or write {error.filename}: {error.strerror}. Mend that, then try again."
        return Ended(Failed("plug-in", sentence), folder=folder)
    at("exported")
    running = bridge.say(Run())
    at("running")
    return Ended(bridge.hear(Finished, Failed, question=running), planned.remarks, folder)


def _export(file: Path, pixels: Any) -> None:
    """As the plug-in does."""
    try:
        file.write_bytes(imaging.pnm(pixels))
    except OSError as error:
        error.filename = error.filename or str(file)
        raise


def a_job(**changes: Any) -> Job:
    """A small one."""
    values = {
        "prompt": "", "negative_prompt": "", "quality": "LOW", "seed": 7, "cfg_scale": 2.5, "variations": 1,
        "sample": "layer", "context": 50.0, "grow": 2, "feather": 2, "engine": "auto",
        "areas": "auto", "resolution": "native", "fill_transparent": False, "match_colour": True,
        "match_grain": False, "source": 1,
    }  # fmt: skip
    return Job(**{**values, **changes})


def checksum(recalled: Recalled, variation: int) -> str:
    """Of everything that inserting a result puts into the image."""
    return placed_checksum(recalled.finished, Path(recalled.folder), variation)


def placed_checksum(finished: Finished, folder: Path, variation: int) -> str:
    """Likewise; "" where a file of it is not there."""
    digest = hashlib.sha256(repr(tuple(finished.box)).encode())
    patches = [patch for result in finished.results if result.variation == variation for patch in result.patches]
    own = [mask for result in finished.results if result.variation == variation for mask in result.masks]
    for patch in (*patches, *finished.masks, *own):
        try:
            digest.update(repr(tuple(patch.box)).encode() + (folder / patch.file).read_bytes())
        except OSError:
            return ""
    return digest.hexdigest() if patches else ""


def write_0600(path: Path, content: bytes) -> None:
    """Writes a file as the bridge itself would."""
    path.write_bytes(content)
    path.chmod(0o600)


def undisturbed(folder: Path) -> str:
    """The checksum of what a job without any fault places."""
    with RegenServer() as service:
        world = World(folder, service)
        bridge = world.start()
        ended = world.job(bridge)
        bridge.leave()
        assert isinstance(ended.message, Finished), ended
        ((_id, _variation, found),) = world.history()
        return found
