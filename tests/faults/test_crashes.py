"""`kill -9` of the bridge at every step: what was received is in the history afterwards, intact, exactly once."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bridge.history import listing, recovery
from bridge.protocol import Finished, Placed
from tests.faults.bridge_rows import BridgeRow
from tests.faults.outcome import Outcome
from tests.faults.world import Bridge, Ended, World, checksum
from tests.regen_server import RegenServer


def _whole_job(world: World, *under: str) -> Ended:
    """A job, and what the plug-in says when its layer is in the image."""
    world.service.script({"hold": "before-answer"})
    bridge = world.start(*under)

    def at(step: str) -> None:
        if step == "running":
            _answer_when_all_is_kept(world, bridge)

    ended = world.job(bridge, at)
    if isinstance(ended.message, Finished):
        bridge.say(Placed(ended.folder.name, (1,)))
    bridge.leave()
    return ended


def _answer_when_all_is_kept(world: World, bridge: Bridge) -> None:
    """What was sent is saved by another thread than what comes: one after the other, so that steps can be counted."""
    (folder,) = world.job_folders()
    while bridge.process.poll() is None:
        if (folder / "mask-1.png").exists():
            world.service.wait("body")
            world.service.release()
            return
        time.sleep(0.002)  # between two looks


def _steps(folder: Path) -> list[str]:
    """All that a job does to files, in order."""
    with RegenServer() as service:
        world = World(folder, service)
        assert isinstance(_whole_job(world, "record").message, Finished)
        return json.loads((world.temporary / "steps").read_text())


def _killed(folder: Path, number: int, name: str, reference: str) -> tuple[Outcome, list[str]]:
    """One kill: what came of it, and what is not as it must be."""
    with RegenServer() as service:
        world = World(folder, service)
        ended: list[Ended] = []

        def act(world: World) -> Ended:
            ended.append(_whole_job(world, "crash", str(number)))
            assert world.bridges[0].process.returncode == -9
            return ended[0]

        arriving = int((folder.parent / "arriving").read_text())
        there = "whole" if number > arriving else "aside" if "half-of-arriving" in name else "none"
        done = isinstance(ended[0].message, Finished) if ended else there == "whole" and name.startswith("placed: ")
        row = BridgeRow(
            f"bridge-killed-{name}", "kill -9", act, "" if done else "bridge", there, left=("draft", "arriving")
        )
        outcome = row.run(world, reference)
        return outcome, row.broken_promises(outcome)


def test_a_bridge_that_is_killed_at_any_step_loses_nothing_of_what_it_received(tmp_path: Path, reference: str) -> None:
    """What came is written before anything else is done with it; of an answer that was half there, half is kept."""
    (tmp_path / "all").mkdir()
    steps = _steps(tmp_path / "all")
    last = max(at for at, name in enumerate(steps, 1) if name == "writing half of arriving-1-1")
    (tmp_path / "arriving").write_text(str(last))
    # the last record is written when the plug-in has placed the result: then it has long heard of it
    told = max(at for at, name in enumerate(steps, 1) if name == "creating request.json")
    names = [f"{at:02d}-{name.replace(' ', '-')}" for at, name in enumerate(steps, 1)]

    def kill(number: int) -> list[str]:
        folder = tmp_path / str(number)
        folder.mkdir()
        name = ("placed: " if number >= told else "") + names[number - 1]
        return [f"{name}: {broken}" for broken in _killed(folder, number, name, reference)[1]]

    with ThreadPoolExecutor(2) as pool:
        broken = [each for found in pool.map(kill, range(1, len(steps) + 1)) for each in found]
    assert broken == []
    assert len(steps) >= 30


def test_whatever_is_on_the_disk_between_two_lines_the_history_has_each_answer_once(world: World) -> None:
    """Far more moments than can be killed at: with two variations at once, every state that the journal was in."""
    bridge = world.start("states")
    ended = world.job(bridge, variations=2)
    assert isinstance(ended.message, Finished), (world.folder / "stderr-0").read_text()
    bridge.say(Placed(ended.folder.name, (1, 2)))
    bridge.leave()
    states = sorted((world.folder / "states").iterdir())
    final = _had(states[-1])
    assert [number for number, _checksum in final] == [1, 2]
    for state in states:
        came = {int(file.name[-1]) for file in state.glob("journal/2*/arriving-1-?") if _is_whole(file)}
        answers = {int(file.stem[-1]) for file in state.glob("journal/2*/answer-1-?.png")}
        had = _had(state)
        assert [number for number, _checksum in had] == sorted(answers | came), state
        assert set(had) <= set(final), state
    assert len(states) > 40


def _is_whole(arriving: Path) -> bool:
    """JSON ends with its last brace."""
    return arriving.read_bytes().endswith(b"}")


def _had(state: Path) -> list[tuple[int, str]]:
    """The variations that a history made of these files has, with checksums of what is inserted."""
    page = listing.browse(state / "journal", "", 0, 100)
    entries = sorted(page.entries, key=lambda entry: entry.variation)
    return [
        (entry.variation, checksum(recovery.recall(state / "journal", entry.id), entry.variation)) for entry in entries
    ]
