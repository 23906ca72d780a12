"""The bridge of *Regenerate…*: when it has ended, the next job gets another one."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.protocol import Open
from tests.unit.history_jobs import a_job
from tests.unit.plugin_side import plugin


@pytest.fixture
def modules() -> Iterator[SimpleNamespace]:
    with plugin("windows.regenerate.generator", "bridge_process") as (generator, bridge_process):
        yield SimpleNamespace(generator=generator, bridge_process=bridge_process)


def bridges(modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All bridges that are started; each opens drafts of its own, and ends when its `ended` is set."""
    started: list[Any] = []

    class Bridge:
        def __init__(self, *_callbacks: object) -> None:
            self.ended = self.closed = False
            self.asked: list[str] = []
            started.append(self)

        def ask(self, message: Any, _answer: type[Any]) -> Any:
            if self.ended:
                raise modules.bridge_process.BridgeError("The bridge ended.", "bridge")
            self.asked.append(type(message).__name__)
            number = started.index(self)
            return SimpleNamespace(id=str(number), folder=f"/draft-{number}") if isinstance(message, Open) else "plan"

        def close(self) -> None:
            self.closed = True

    monkeypatch.setattr(modules.generator, "Bridge", Bridge)
    monkeypatch.setattr(modules.generator.generation.reading, "document", lambda *_: None)
    return started


def test_after_the_bridge_has_ended_the_next_preview_is_planned_by_another_one(
    modules: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = bridges(modules, monkeypatch)
    generator = modules.generator.Generator(lambda _progress: None, lambda _error: None, lambda: None)
    captured = SimpleNamespace(masked=False, image=None, layer=None, selection=(0, 0, 1, 1), before=None)

    def folder() -> str:
        return str(generator.plan(captured, a_job(), (9, 9))[1])

    assert [folder(), folder()] == ["/draft-0", "/draft-0"]
    assert started[0].asked == ["Open", "Plan", "Plan"]
    started[0].ended = True
    with pytest.raises(modules.bridge_process.BridgeError):
        folder()
    assert started[0].closed
    assert folder() == "/draft-1", "the draft of the bridge that has ended is of no use to another one"
