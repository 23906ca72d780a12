"""Batches, a service that counts, and what GIMP finds in files, for the tests of `scripts/batch.py`."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import surroundings
from tests.batch.support import RELEASE, Batch, Done, Running, Start, command, wait_for_gimps
from tests.regen_server import RegenServer

INSIDE = Path(__file__).parent / "inside"
KILLS = 2
KEY = "test-key-0123456789abcdef"

surroundings.enter()
sys.path.append(str(Path(__file__).resolve().parents[2] / "scripts"))
from batch import worker  # noqa: E402
from gimp import real_gimp  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often, and when, the test of a studio kills a worker."""
    parser.addoption("--kills", type=int, default=KILLS, help="how many workers are killed while a batch runs")
    parser.addoption("--kill-seed", type=int, help="of the moments, as a failed test's name has it (default: any)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Gives a test its `kills`, and the `seed` of its moments, which its name tells."""
    if "kills" in metafunc.fixturenames:
        kills = metafunc.config.getoption("--kills", KILLS)
        seed = metafunc.config.getoption("--kill-seed", None)
        seed = random.randrange(10**6) if seed is None else seed
        metafunc.parametrize(("kills", "seed"), [(kills, seed)], ids=[f"{kills} kills, seed {seed}"])


@pytest.fixture
def batch(tmp_path: Path, variables: dict[str, str]) -> Batch:
    """Runs a batch to its end."""

    def run(*arguments: str | Path) -> Done:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        ended = subprocess.run(
            command(*arguments, report=report), env=variables, capture_output=True, text=True, timeout=500
        )
        wait_for_gimps(tmp_path)
        said = ended.stdout + ended.stderr
        return Done(ended.returncode, said, json.loads(report.read_text()) if report.exists() else {"said": said})

    return run


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """What a batch sees: a home of the test's, and no key."""
    return {**os.environ, "PHOTIO_HOME": str(tmp_path / "home")}


@pytest.fixture
def service(variables: dict[str, str]) -> Iterator[RegenServer]:
    """A service that counts, and is the one that the batches use."""
    with RegenServer() as server:
        variables |= {"PHOTIO_ORIGIN": server.origin, "PHOTIO_API_KEY": KEY}
        yield server
        server.release()


@pytest.fixture(scope="session")
def gimp() -> real_gimp.RealGimp:
    """The GIMP of the batches."""
    return worker.of_batches(RELEASE)


@pytest.fixture(scope="session")
def layered(gimp: real_gimp.RealGimp, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files with layers; see `inside/make_files.py`."""
    folder = tmp_path_factory.mktemp("layered")
    assert real_gimp.run_file(gimp, INSIDE / "make_files.py", [str(folder)]) == 0
    return folder


@pytest.fixture
def look(gimp: real_gimp.RealGimp, tmp_path: Path) -> Callable[..., dict[Path, Any]]:
    """Tells what GIMP finds in files; see `inside/look.py`."""

    def looked(*files: Path) -> dict[Path, Any]:
        answer = tmp_path / "look.json"
        paths = [str(file) for file in files]
        assert real_gimp.run_file(gimp, INSIDE / "look.py", [str(answer), *paths]) == 0
        found = json.loads(answer.read_text())
        return {Path(path): each for path, each in found.items()}

    return looked


@pytest.fixture
def start(tmp_path: Path, variables: dict[str, str]) -> Iterator[Start]:
    """Starts a batch that a test ends."""
    started: list[Running] = []

    def begin(*arguments: str | Path) -> Running:
        line = command(*arguments, report=tmp_path / "started.json")
        # a shell's background job, which pytest may be, ignores Ctrl-C, and so would its children
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen(line, env=variables, stderr=pipe, text=True, start_new_session=True, preexec_fn=heed)
        )
        return started[-1]

    yield begin
    for each in started:
        if each.poll() is None:
            os.killpg(each.pid, signal.SIGKILL)
        each.communicate()
    wait_for_gimps(tmp_path)
