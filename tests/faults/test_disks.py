"""Disks that are full, small, read-only or taken away: refused before anything is paid for, or nothing is lost."""

from __future__ import annotations

import shutil

import pytest

from tests.faults.bridge_rows import BridgeRow
from tests.faults.disks import MEGABYTE, can_mount, fill, mount, no_file_above, read_only
from tests.faults.world import Ended, World


def _full_before(world: World) -> Ended:
    mount(world.home)
    bridge = world.start()
    give_back = fill(world.home)
    ended = world.job(bridge)
    bridge.leave()
    give_back()
    return ended


def _full_after(step: str, but: int = 0):
    """Full from a step on: “opened”, “planned”, “exported”."""

    def act(world: World) -> Ended:
        mount(world.home)
        bridge, given = world.start(), []
        ended = world.job(bridge, lambda now: now == step and given.append(fill(world.home, but)))
        bridge.leave()
        given[0]()
        return ended

    return act


def _full_while_waiting(**behaviour):
    def act(world: World) -> Ended:
        mount(world.home)
        world.service.script({"hold": "before-answer", **behaviour})
        bridge, given = world.start(), []

        def at(step: str) -> None:
            if step == "running":
                world.service.wait("body")
                given.append(fill(world.home))
                world.service.release()

        ended = world.job(bridge, at)
        bridge.leave()
        given[0]()
        return ended

    return act


def _small_files(size: int):
    return lambda world: world.job(world.start(before=no_file_above(size)))


def _read_only_home(world: World) -> Ended:
    mount(world.home)
    read_only(world.home)
    return world.job(world.start())


def _taken_away(step: str, path: str = "journal"):
    """A folder vanishes after a step; “waiting”: while the service is at work."""

    def act(world: World) -> Ended:
        world.service.script({"hold": "before-answer"} if step == "waiting" else {})

        def at(now: str) -> None:
            if now == "running" and step == "waiting":
                world.service.wait("body")
                shutil.rmtree(world.home / path)
                world.service.release()
            elif now == step:
                shutil.rmtree(world.home / path)

        return world.job(world.start(), at)

    return act


MOUNTED = (
    BridgeRow("disk-full-from-the-beginning", "storage", _full_before, "plug-in"),
    BridgeRow("disk-full-before-the-export", "storage", _full_after("opened"), "plug-in"),
    BridgeRow("disk-full-after-the-export", "storage", _full_after("exported"), "storage"),
    BridgeRow("disk-with-too-little-room", "storage", _full_after("exported", MEGABYTE // 2), "storage"),
    BridgeRow("disk-full-while-waiting", "storage", _full_while_waiting(), kept="whole"),
    BridgeRow(
        "disk-full-while-an-unusable-answer-comes", "storage", _full_while_waiting(size=[8, 8]),
        "malformed-response", kept="aside",
    ),
    BridgeRow("home-read-only", "storage", _read_only_home, "journal", says="make it writable"),
)  # fmt: skip

ROWS = (
    BridgeRow("files-limited-to-100-bytes", "storage", _small_files(100), "storage"),
    BridgeRow("files-limited-to-100-kB", "storage", _small_files(100_000), "storage"),
    BridgeRow("journal-removed-before-the-plan", "storage", _taken_away("opened"), "plug-in"),
    BridgeRow("journal-removed-before-sending", "storage", _taken_away("exported"), "picture"),
    BridgeRow("journal-removed-while-waiting", "storage", _taken_away("waiting"), kept="whole"),
    BridgeRow("log-removed-while-waiting", "storage", _taken_away("waiting", "log"), kept="whole"),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_disk_that_fails_costs_a_sentence_and_no_answer(row: BridgeRow, world: World, reference: str) -> None:
    assert row.broken_promises(row.run(world, reference)) == []


@pytest.mark.skipif(not can_mount(), reason="only root may mount small disks")
@pytest.mark.parametrize("row", MOUNTED, ids=lambda row: row.name)
def test_a_full_disk_is_noticed_before_anything_is_paid_for(row: BridgeRow, world: World, reference: str) -> None:
    assert row.broken_promises(row.run(world, reference)) == []


@pytest.mark.skipif(not can_mount(), reason="only root may mount small disks")
def test_an_answer_that_nobody_can_use_is_kept_on_a_full_disk_too(world: World) -> None:
    _full_while_waiting(size=[8, 8])(world)
    (folder,) = world.job_folders()
    assert (folder / "answer-1-1.unreadable").stat().st_size > 0
