"""Runs a window's tasks for the bridge one after the other on the main loop, so that the window stays usable."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from gi.repository import GLib

from bridge.protocol import Message
from bridge_process import Bridge, BridgeError
from canvas.reading import Refusal

Answer = TypeVar("Answer")
Task = Callable[[], None]

#: The exceptions a task may raise; the window shows them to the user.
TASK_ERRORS = (BridgeError, Refusal, OSError, GLib.Error)


class TaskQueue:
    """A queue of tasks, and a bridge for them.

    `Bridge.ask` runs the main loop, in which the user can already press the next button. Its task has to wait.
    """

    def __init__(self, idle_task: Callable[[], Task | None], on_error: Callable[[Exception], None]) -> None:
        """Starts no bridge yet.

        Args:
            idle_task: returns what to do while the queue is empty, or None.
            on_error: called with each of `TASK_ERRORS` that a task raises.
        """
        self._idle_task = idle_task
        self._on_error = on_error
        self._tasks: deque[Task] = deque()
        self._bridge: Bridge | None = None
        self._running = self._scheduled = self._closing = False

    def start(self) -> None:
        """Starts the bridge.

        Raises:
            BridgeError: it cannot be started.
        """
        self._started()

    def add(self, task: Task) -> None:
        """Appends a task, unless it is waiting already."""
        if task not in self._tasks:
            self._tasks.append(task)
        self.wake()

    def wake(self) -> None:
        """Schedules a run: there may be something for `idle_task` to do."""
        if not self._running and not self._scheduled and not self._closing:
            self._scheduled = True
            GLib.idle_add(self._run, priority=GLib.PRIORITY_LOW)  # after GTK has drawn

    def ask(self, message: Message, answer: type[Answer]) -> Answer:
        """Asks the bridge, and starts it if necessary. Only from within a task.

        Raises:
            BridgeError: it says that it failed, or has ended.
        """
        try:
            return self._started().ask(message, answer)
        except BridgeError as error:
            if error.code == "bridge":  # it has ended: the next question starts another one
                self._close_bridge()
            raise

    def notify(self, message: Message) -> None:
        """Sends the bridge a message without waiting; see `Bridge.notify`."""
        self._started().notify(message)

    def finish(self) -> None:
        """Runs the tasks that are left, and closes the bridge."""
        self._closing = True
        self._run()
        self._close_bridge()

    def _started(self) -> Bridge:
        self._bridge = self._bridge or Bridge(on_failure=self._on_error)
        return self._bridge

    def _close_bridge(self) -> None:
        if self._bridge:
            self._bridge.close()
            self._bridge = None

    def _run(self) -> bool:
        self._running, self._scheduled = True, False
        try:
            while task := self._next():
                try:
                    task()
                except TASK_ERRORS as error:
                    self._on_error(error)
        finally:
            self._running = False
        return GLib.SOURCE_REMOVE

    def _next(self) -> Task | None:
        if self._tasks:
            return self._tasks.popleft()
        return None if self._closing else self._idle_task()
