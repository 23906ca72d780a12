"""Asks in a thread what may never be answered, and waits for the answer only so long. Standard library only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from bridge.common.deadline import Deadline

Answer = TypeVar("Answer")


def ask(question: Callable[[], Answer]) -> Future[Answer]:
    """Calls a function in a thread of its own, which does not keep this process from ending."""
    asked: Future[Answer] = Future()

    def run() -> None:
        try:
            asked.set_result(question())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever takes the result
            asked.set_exception(error)

    threading.Thread(target=run, name="question", daemon=True).start()
    return asked


def answered(asked: Future[Answer], seconds: float) -> bool:
    """Waits at most so many seconds, of those in which this process runs. Returns whether there is an answer."""
    deadline = Deadline(seconds)
    while not asked.done() and not deadline.over:
        deadline.wait(lambda step: wait([asked], step))
    return asked.done()
