"""Whoever talks to the bridge goes, stops listening, talks nonsense, or is not alone."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.protocol import Failed, Finished, Open, Opened, decode
from bridge.protocol.history import AskPrompts, Prompts
from tests.faults.bridge_rows import BridgeRow
from tests.faults.world import Bridge, BridgeGoneError, Ended, World

#: The signals that end a bridge as if the plug-in had gone.
_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _LeftError(Exception):
    """The plug-in has gone; there is nobody who could be told anything."""


def _leaves(step: str, how: Callable[[Bridge], object], **behaviour: object) -> Callable[[World], Ended]:
    """The plug-in or the bridge goes at a step; “waiting”: the service has the request and answers afterwards."""

    def act(world: World) -> Ended:
        world.service.script({"hold": "before-answer", **behaviour} if step == "waiting" else {})
        bridge = world.start()

        def at(now: str) -> None:
            if now == "running" and step == "waiting":
                world.service.wait("body")
                try:
                    how(bridge)
                finally:
                    world.service.release()
            elif now == step:
                how(bridge)

        try:
            ended = world.job(bridge, at)
        except (ValueError, _LeftError):  # our own pipes are closed
            ended = Ended(None)
        if not isinstance(ended.message, Finished):
            bridge.process.wait(180)
        return ended

    return act


def _waits_in_vain(world: World) -> Ended:
    """The plug-in goes while the service is at work, and no answer ever comes: the bridge ends without one."""
    world.configure(origin=world.service.origin, answer_timeout=2.0)
    world.service.script({"hold": "before-answer", "close": "after-body"})
    bridge = world.start()

    def at(step: str) -> None:
        if step == "running":
            world.service.wait("body")
            _closes(bridge)

    with contextlib.suppress(_LeftError):
        world.job(bridge, at)
    assert bridge.process.wait(180) == 0
    world.service.release()
    assert world.job_folders() == []
    return Ended(None)


def _closes(bridge: Bridge) -> None:
    bridge.process.stdin.close()
    raise _LeftError


def _closes_both(bridge: Bridge) -> None:
    bridge.process.stdin.close()
    bridge.stop_listening()
    raise _LeftError


def _signals(number: int) -> Callable[[Bridge], None]:
    """Sends a signal. One that the bridge handles has arrived once the bridge ignores it from then on."""

    def act(bridge: Bridge) -> None:
        os.kill(bridge.pid, number)
        patience = time.monotonic() + 180
        while number in _HANDLED and bridge.process.poll() is None and not _ignores(bridge.pid, number):
            assert time.monotonic() < patience, "the signal does not arrive"
            time.sleep(0.01)

    return act


def _ignores(pid: int, number: int) -> bool:
    """Whether a process ignores a signal; without /proc nobody can tell, and it is assumed."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True
    return bool(int(status.split("SigIgn:")[1].split()[0], 16) >> (number - 1) & 1)


def _deaf(world: World) -> Ended:
    """The reading end alone is closed, while the service is at work; the answer comes, and then the plug-in goes."""
    world.service.script({"hold": "before-answer"})
    bridge = world.start()

    def at(step: str) -> None:
        if step == "running":
            world.service.wait("body")
            bridge.stop_listening()
            world.service.release()

    with contextlib.suppress(ValueError):
        world.job(bridge, at)
    bridge.leave()
    return Ended(None)


def _says(*lines: bytes) -> Callable[[World], Ended]:
    """Nonsense first, each line answered by a sentence; then a job as if nothing had been."""

    def act(world: World) -> Ended:
        bridge = world.start()
        for number, line in enumerate(lines, 1):
            bridge.write(line + b"\n")
            assert bridge.hear(Failed, question=number).code == "protocol"
        return world.job(bridge)

    return act


def _long_line(world: World) -> Ended:
    """10 MB without a break: one line, so one misunderstanding, and the lines after it keep their numbers."""
    bridge = world.start()
    bridge.write(b"x" * 10_000_000 + b"\n")
    assert bridge.hear(Failed, question=1).code == "protocol"
    assert bridge.ask(AskPrompts(), Prompts).texts == ()
    return world.job(bridge)


def _unfinished_line(world: World) -> Ended:
    """Half a message, and then nothing ever again."""
    bridge = world.start()
    bridge.write(b'{"type": "op')
    bridge.leave()
    return Ended(bridge_said(bridge))


def bridge_said(bridge: Bridge) -> Failed | None:
    """The failure that is in what was heard last."""
    messages = [decode(line).message for line in bridge.told.splitlines()]
    return next((message for message in messages if isinstance(message, Failed)), None)


def _two_bridges(world: World) -> Ended:
    """Each does a job in the same journal, at the same moment."""
    world.service.script({"hold": "before-answer"}, {"hold": "before-answer"})
    first, second = world.start(), world.start()
    ends = []

    def at_first(step: str) -> None:
        if step == "running":
            ends.append(world.job(second, at_second))

    def at_second(step: str) -> None:
        if step == "running":
            world.service.wait("body", 2)
            world.service.release()

    ends.append(world.job(first, at_first))
    return next((end for end in ends if not isinstance(end.message, Finished)), ends[0])


def _second_job(world: World) -> Ended:
    """The first is cancelled while the service is at work; the second is run at once. Both answers come."""
    world.service.script({"hold": "before-answer"})
    bridge = world.start()

    def at(step: str) -> None:
        if step == "running":
            world.service.wait("body")
            assert bridge.cancel().may_be_billed
            raise _LeftError

    try:
        world.job(bridge, at)
    except _LeftError:
        ended = world.job(bridge)
        world.service.release()
    return ended


def _opens_again(world: World) -> Ended:
    """A draft that nothing became of leaves no folder."""
    bridge = world.start()
    for _time in range(5):
        bridge.ask(Open(), Opened)
    ended = world.job(bridge)
    assert len(world.job_folders()) == 1
    return ended


_DEEP = b'{"type": "open", "question": 1, "x": ' + b"[" * 100_000

ROWS = (
    BridgeRow("plug-in-gone-at-once", "plug-in", _leaves("opened", _closes), "bridge"),
    BridgeRow("plug-in-gone-after-the-plan", "plug-in", _leaves("planned", _closes), "bridge"),
    BridgeRow("plug-in-gone-after-the-export", "plug-in", _leaves("exported", _closes), "bridge"),
    BridgeRow("plug-in-gone-while-waiting", "plug-in", _leaves("waiting", _closes), "bridge", "whole"),
    BridgeRow("plug-in-killed-while-waiting", "plug-in", _leaves("waiting", _closes_both), "bridge", "whole"),
    BridgeRow("plug-in-gone-and-no-answer-ever", "plug-in", _waits_in_vain, "bridge"),
    BridgeRow("plug-in-deaf", "plug-in", _deaf, "bridge", "whole"),
    BridgeRow("SIGTERM-before-sending", "signal", _leaves("exported", _signals(signal.SIGTERM)), "bridge"),
    BridgeRow("SIGINT-before-sending", "signal", _leaves("exported", _signals(signal.SIGINT)), "bridge"),
    BridgeRow("SIGTERM-while-waiting", "signal", _leaves("waiting", _signals(signal.SIGTERM)), "bridge", "whole"),
    BridgeRow("SIGINT-while-waiting", "signal", _leaves("waiting", _signals(signal.SIGINT)), "bridge", "whole"),
    BridgeRow("SIGHUP-while-waiting", "signal", _leaves("waiting", _signals(signal.SIGHUP)), "bridge", "whole"),
    BridgeRow("SIGPIPE-while-waiting", "signal", _leaves("waiting", _signals(signal.SIGPIPE)), kept="whole"),
    BridgeRow("SIGKILL-while-waiting", "signal",
              _leaves("waiting", _signals(signal.SIGKILL), close="after-body"), "bridge"),
    BridgeRow("nonsense", "messages", _says(b"nonsense", b"{}", b"[]", b"null", b"1e999"), kept="whole"),
    BridgeRow("binary", "messages", _says(bytes(range(11, 256)), b"\x00" * 5000, b"\xff\xfe{\x00}\x00"), kept="whole"),
    BridgeRow("out-of-turn", "messages",
              _says(b'{"type": "run", "question": 1}', b'{"type": "cancelled", "question": 2, "may_be_billed": true}'),
              kept="whole"),
    BridgeRow("no-number", "messages", _says(b'{"type": "open"}', b'{"type": "open", "question": 0}'), kept="whole"),
    BridgeRow("deep-message", "messages", _says(_DEEP), kept="whole"),
    BridgeRow("ten-megabyte-line", "messages", _long_line, kept="whole"),
    BridgeRow("half-a-line", "messages", _unfinished_line, "protocol"),
    BridgeRow("two-bridges-at-once", "company", _two_bridges, kept="whole"),
    BridgeRow("second-job-while-the-first-waits", "company", _second_job, kept="whole"),
    BridgeRow("drafts-abandoned", "company", _opens_again, kept="whole"),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_whoever_talks_to_the_bridge_loses_no_answer(row: BridgeRow, world: World, reference: str) -> None:
    assert row.broken_promises(row.run(world, reference)) == []


def test_a_bridge_that_was_killed_leaves_no_lock_and_its_job_can_be_tidied_away(world: World) -> None:
    world.service.script({"hold": "before-answer"})
    bridge = world.start()

    def at(step: str) -> None:
        if step == "running":
            world.service.wait("body")
            bridge.process.kill()

    assert world.job(bridge, at).message is None
    with pytest.raises(BridgeGoneError):
        bridge.hear(Finished)
    assert isinstance(world.job(world.start()).message, Finished)
