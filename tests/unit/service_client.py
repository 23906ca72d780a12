"""A bridge as the plug-in meets it, for tests: a process that is told things on stdin and answers on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bridge.pixels import imaging
from bridge.protocol import (
    SELECTION_FILE,
    Cancel,
    Cancelled,
    Document,
    Job,
    Open,
    Opened,
    Plan,
    Planned,
    Progress,
    Received,
    Run,
    decode,
    encode,
)
from tests.regen_server import RegenServer

BRIDGE = Path(__file__).parents[2] / "bridge"
KEY = "test-key-0123456789abcdef"
CANVAS = (1216, 832)


class Talk:
    """What the plug-in says to a bridge, and hears; `run` is the number of the last `Run`."""

    def __init__(self, stdin, stdout):
        self.run = 0
        self.heard = []
        self._stdin, self._stdout = stdin, stdout
        self._said = 0

    def say(self, message):
        """Sends a message; its number."""
        self._said += 1
        self._stdin.write(encode(message, self._said))
        self._stdin.flush()
        if isinstance(message, Run):
            self.run = self._said
        return self._said

    def hear(self, *kinds, question=None):
        """The next message of these kinds, with that number if one is given."""
        for line in self._stdout:
            self.heard.append(said := decode(line))
            if isinstance(said.message, kinds) and question in (None, said.question):
                return said.message
        raise AssertionError("the bridge ended")

    def ask(self, message, *kinds):
        """Sends a message, and gives its answer."""
        return self.hear(*kinds, question=self.say(message))

    def cancel(self):
        """Cancels the last job that was run, and gives what its `Run` is answered with."""
        self.say(Cancel(self.run))
        return self.hear(Cancelled, question=self.run)

    def write(self, line):
        """Sends a line that may be no message."""
        self._said += 1
        self._stdin.write(line)
        self._stdin.flush()

    def answers(self):
        """Closes our end of the one pipe, and waits: all that the bridge ever answered, with the numbers."""
        self._stdin.close()
        self.heard += [decode(line) for line in self._stdout]
        return [said for said in self.heard if not isinstance(said.message, Progress | Received)]


#: Runs a program with a folder of packages that come first: `-I` ignores `PYTHONPATH`.
PREFER = """
import runpy, sys
first, *sys.argv = sys.argv[1:]
sys.path.insert(0, first)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class BridgeProcess(Talk):
    """A bridge, and the plug-in's end of its pipes. Packages in `before` come before those that are installed."""

    def __init__(self, home: Path, before: Path | None = None, **variables: str) -> None:
        environment = {**os.environ, "PHOTIO_HOME": str(home), **variables}
        program = ["-c", PREFER, str(before), str(BRIDGE)] if before else [str(BRIDGE)]
        self.process = subprocess.Popen(
            [sys.executable, "-I", *program, "service"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        super().__init__(self.process.stdin, self.process.stdout)

    def leave(self):
        """Closes our end, as a killed plug-in does; the exit status when the bridge has ended."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(180)


@pytest.fixture
def bridge(tmp_path):
    started = []

    def start(**variables):
        started.append(BridgeProcess(tmp_path / "home", **variables))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.fixture
def server():
    with RegenServer() as running:
        yield running


def job(**changes):
    values = {
        "prompt": "", "negative_prompt": "", "quality": "LOW", "seed": 7, "cfg_scale": 2.5, "variations": 1,
        "sample": "layer", "context": 400.0, "grow": 0, "feather": 0, "engine": "auto",
        "areas": "auto", "resolution": "recommended", "fill_transparent": False, "match_colour": True,
        "match_grain": False, "source": 1,
    }  # fmt: skip
    return Job(**{**values, **changes})


def plan(selection, masked=True, preview=(0, 0), **changes):
    """What the plug-in says when it knows what is selected."""
    return Plan(job(**changes), Document("photo.xcf", (), "1-1", CANVAS, 1), selection, masked, preview)


def prepare(started, selection=(500, 400, 100, 50), **changes):
    """Goes as far as the export: the plan and the job's folder."""
    opened = started.ask(Open(), Opened)
    folder = Path(opened.folder)
    (folder / SELECTION_FILE).write_bytes(imaging.pnm(np.full((selection[3], selection[2]), 255, np.uint8)))
    planned = started.ask(plan(selection, **changes), Planned)
    for crop in planned.crops:
        pixels = np.random.default_rng(1).integers(0, 256, (crop.box[3], crop.box[2], 3), dtype=np.uint8)
        (folder / crop.file).write_bytes(imaging.pnm(pixels))
    return planned, folder


def photio(server):
    return {"PHOTIO_ORIGIN": server.origin, "PHOTIO_API_KEY": KEY}


def state(folder):
    return json.loads((folder / "request.json").read_text())["state"]
