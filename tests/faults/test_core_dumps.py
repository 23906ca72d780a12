"""The bridge crashes with the key in its memory, as a library in C can make it: what that leaves on the disk."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.bridge_rows import BridgeRow, leaks
from tests.faults.outcome import KEY
from tests.faults.world import BRIDGE, Bridge, Ended, World

_ABORT = "import os; os.abort()"


def _wants_cores() -> None:
    """As generous as a developer's shell, for the process that is about to begin."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def _cores(folder: Path) -> list[Path]:
    """Whatever this computer calls them: ELF files of that type."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 18]
    return [file for file in files if (head := file.read_bytes()[:18])[:4] == b"\x7fELF" and head[16:18] == b"\4\0"]


@pytest.fixture
def cores_are_files(tmp_path: Path) -> None:
    """Where nobody's crash leaves a file in its folder, ours leaving none proves nothing."""
    folder = tmp_path / "somebody"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", _ABORT], cwd=folder, preexec_fn=_wants_cores)
    found = _cores(folder)
    for core in found:
        core.unlink()
    if not found:
        pytest.skip("cores do not go into the folder of whoever crashes here: see /proc/sys/kernel/core_pattern")


def _crashes(number: int, before: Callable[[Bridge], object] = lambda bridge: None, *options: str):
    """The bridge gets a signal while the service is at work; `before` is done to it just before."""

    def act(world: World) -> Ended:
        world.service.script({"hold": "before-answer", "close": "after-body"})
        command = [sys.executable, *options, "-I", str(BRIDGE), "service"]
        bridge = Bridge(command, world.environment(), world.folder, preexec_fn=_wants_cores)
        world.bridges.append(bridge)

        def at(step: str) -> None:
            if step == "running":
                world.service.wait("body")
                before(bridge)
                os.kill(bridge.pid, number)
                assert bridge.process.wait(180) == -number
                world.service.release()

        return world.job(bridge, at)

    return act


#: A half-written file may be left: while a bridge waits, it still saves what it has sent. It goes with its job.
ROWS = tuple(
    BridgeRow(f"{name}-while-waiting", "signal", _crashes(number), "bridge", left=("draft",))
    for name, number in (("SIGSEGV", signal.SIGSEGV), ("SIGABRT", signal.SIGABRT))
)


@pytest.mark.usefixtures("cores_are_files")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_crash_leaves_no_memory_on_the_disk(row: BridgeRow, world: World, reference: str) -> None:
    assert row.broken_promises(row.run(world, reference)) == []
    assert _cores(world.folder) == []


def _unlimited(bridge: Bridge) -> None:
    """So Linux treats a program that gets the cores: it does not keep to the limit."""
    _soft, hard = resource.prlimit(bridge.pid, resource.RLIMIT_CORE)
    resource.prlimit(bridge.pid, resource.RLIMIT_CORE, (hard, hard))


def _unfiltered(bridge: Bridge) -> None:
    _unlimited(bridge)
    Path(f"/proc/{bridge.pid}/coredump_filter").write_text("0x33")  # the kernel's own


@pytest.mark.usefixtures("cores_are_files")
def test_a_program_that_gets_the_cores_gets_one_without_the_key(world: World) -> None:
    _crashes(signal.SIGSEGV, _unlimited)(world)
    (core,) = _cores(world.folder)
    assert leaks(world) == ()
    core.unlink()
    _crashes(signal.SIGSEGV, _unfiltered)(world)
    (core,) = _cores(world.folder)
    in_memory = KEY.encode() in core.read_bytes()
    core.unlink()
    assert in_memory, "else nothing was proved"


def test_the_traceback_of_a_crash_has_no_key_in_it(world: World) -> None:
    _crashes(signal.SIGSEGV, lambda bridge: None, "-X", "faulthandler")(world)
    (said,) = world.folder.glob("stderr-*")
    assert "Segmentation fault" in said.read_text()
    assert 'File "' in said.read_text()  # where it was; of threads that go on meanwhile, as much as can be told
    assert leaks(world) == ()
