"""Plays the process that sets Photio up: says to the plug-in what a test wants said, and hears what it answers.

The installed plug-in must be on `sys.path`.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bridge.common import environments
from bridge.engine import models

PROGRAM = Path(__file__).with_name("setup_program.py")
PATIENCE = 180  # seconds: only so that a test that waits in vain ends

FETCHES = (
    {"what": "uv 0.12.21", "source": "releases.example", "bytes": 17_000_000},
    {"what": "Photio's packages", "source": "packages.example", "bytes": 93_000_000},
)
MODEL = (
    {"what": "MI-GAN's model", "source": "model.example", "bytes": 28_079_181},
    {"what": "Photio's packages", "source": "packages.example", "bytes": 50_000_000},
)

#: What the window says about `FETCHES`.
THINGS = (
    "about 110 MB: uv 0.12.21 (17 MB) from releases.example; Photio's packages (93 MB) from packages.example. All is "
    "kept in “/home/jo/.local/share/photio”; nothing else on this computer is changed."
)
INTRODUCTION = f"Before it is used for the first time, Photio fetches {THINGS}"

#: Takes the place of `bridge/__main__.py`; the bridge itself goes on as always.
DETOUR = """
import runpy, sys
from pathlib import Path
if sys.argv[1:2] == ["setup"]:
    sys.argv[1:1] = [{address!r}]
    runpy.run_path({program!r}, run_name="__main__")
else:
    runpy.run_path(str(Path(__file__).with_name("really.py")), run_name="__main__")
"""


class Attempt:
    """One process, as the plug-in started it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self._connection = connection
        self._heard = connection.makefile(encoding="utf-8")
        self.arguments: list[str] = json.loads(self._heard.readline())

    def say(self, kind: str, **values: object) -> None:
        """A message."""
        self.print(json.dumps({"kind": kind, **values}))

    def print(self, line: str) -> None:
        """Whatever a program may print."""
        self._connection.sendall(f"{line}\n".encode())

    def plan(
        self, fetches: tuple[dict[str, object], ...] = FETCHES, reason: str = "missing", licence: str = ""
    ) -> None:
        """What would be fetched."""
        self.say("plan", reason=reason, fetches=fetches, folder="/home/jo/.local/share/photio", licence=licence)

    def progress(self, step: str, done: float = 0, total: float = 0) -> None:
        """Amounts in MB."""
        self.say("progress", step=step, done=int(done * 1e6), total=int(total * 1e6))

    def hear(self) -> str:
        """The next line of the plug-in; empty: it has closed the pipe."""
        return self._heard.readline().strip()

    def end(self, status: int) -> None:
        """Ends the process, also where it has gone by itself."""
        with contextlib.suppress(OSError):
            self.print(f"end {status}")
        self._heard.close()
        self._connection.close()

    def fail(self, code: str, sentence: str, details: str = "") -> None:
        """It did not work."""
        self.say("failed", code=code, sentence=sentence, details=details)
        self.end(1)

    def succeed(self) -> None:
        """All is in place; the caller has seen to that."""
        self.say("done")
        self.end(0)


class Player:
    """Waits for the processes that the plug-in starts."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(address)
        self._server.listen()
        self._server.settimeout(PATIENCE)

    def started(self) -> Attempt:
        """The next one, as soon as it is there."""
        return Attempt(self._server.accept()[0])

    def never(self) -> bool:
        """Whether none was started that nobody has looked at."""
        self._server.settimeout(0)
        try:
            self._server.accept()
        except BlockingIOError:
            return True
        finally:
            self._server.settimeout(PATIENCE)
        return False

    def close(self) -> None:
        """Waits for no more."""
        self._server.close()


@contextlib.contextmanager
def playing(bridge: str) -> Iterator[Player]:
    """Meanwhile we are the process that sets up. `bridge`: the installed plug-in's folder of that name."""
    folder = Path(tempfile.mkdtemp(prefix="photio-setup-"))  # short: the address of a socket has to be
    player = Player(str(folder / "socket"))
    entrance = Path(bridge, "__main__.py")
    really = entrance.with_name("really.py")
    entrance.rename(really)
    try:
        entrance.write_text(DETOUR.format(address=player.address, program=str(PROGRAM)))
        yield player
    finally:
        really.replace(entrance)
        player.close()
        shutil.rmtree(folder)


class Environment:
    """The packages of a bridge, which can be away or damaged."""

    def __init__(self, bridge: str) -> None:
        self._with, self._without = (Path(environments.folder(bridge, neural)) for neural in (True, False))
        self._moved: dict[Path, Path] = {}  # from where to where
        self._added: list[Path] = []

    def hide(self) -> None:
        """As if nothing had been set up."""
        for folder in filter(Path.exists, (self._with, self._without)):
            self._move(folder / environments.MARKER)

    def damage(self, package: str) -> None:
        """One of the packages can be imported no more."""
        for folder in filter(Path.exists, (self._with, self._without)):
            for start in folder.glob(f"lib/python*/site-packages/{package}/__init__.py"):
                self._move(start)
                start.write_text("raise ImportError('it is damaged')\n")

    def add_neural(self) -> None:
        """As a set-up leaves it that has added MI-GAN: another environment, and the model (here without content)."""
        assert not self._with.exists()
        self._with.symlink_to(self._without)
        (package,) = (folder / "onnxruntime" for folder in self._without.glob("lib/python*/site-packages"))
        package.mkdir()
        (package / "__init__.py").touch()
        self._added = [self._with, package]
        models.model_path().parent.mkdir(parents=True, exist_ok=True)
        with models.model_path().open("wb") as model:
            model.truncate(models.MODEL_SIZE)

    def mend(self) -> None:
        """As a successful set-up leaves it, without MI-GAN."""
        for origin, place in self._moved.items():
            place.replace(origin)
        self._moved.clear()
        for added in self._added:
            added.unlink() if added.is_symlink() else shutil.rmtree(added)
        self._added = []

    def _move(self, file: Path) -> None:
        self._moved[file] = file.with_name(f"{file.name}-moved")
        file.rename(self._moved[file])
