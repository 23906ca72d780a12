"""Plans and runs the jobs of one window, with a bridge that is replaced when it has ended. No GTK here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from gi.repository import Gimp

import desktop_proxy
from bridge.protocol import Job, Mark, Marked, Message, Planned, Progress, Rectangle
from bridge_process import Bridge, BridgeCancelled, BridgeError
from canvas import generation, hiding
from canvas.generation import Draft, Outcome
from canvas.reading import Capture
from windows import setup

Answer = TypeVar("Answer")


class Generator:
    """The bridge, and the draft of the next job: it serves for all previews until a job is run.

    All methods raise `BridgeError` when the bridge fails, cannot be started or has ended.

    Attributes:
        broken: an error that only a set-up helps against.
    """

    def __init__(
        self,
        on_progress: Callable[[Progress], None],
        on_failure: Callable[[BridgeError], None],
        on_broken: Callable[[], None],
    ) -> None:
        """Starts no bridge yet.

        Args:
            on_progress, on_failure: see `Bridge`.
            on_broken: called when `broken` has been set.
        """
        self._on_progress, self._on_failure, self._on_broken = on_progress, on_failure, on_broken
        self.broken: BridgeError | None = None
        self._bridge: Bridge | None = None
        self._draft: Draft | None = None
        self._cancelled = False

    def start(self) -> None:
        """Starts the bridge."""
        with self._connected():
            pass

    def ask(self, message: Message, answer: type[Answer]) -> Answer:
        """Asks the bridge; see `Bridge.ask`."""
        with self._connected() as bridge:
            return bridge.ask(message, answer)

    def plan(self, captured: Capture, job: Job, preview: tuple[int, int]) -> tuple[Planned, Path]:
        """The plan for a job, and the folder that its preview is in; see `generation.plan`.

        Raises:
            OSError: a file cannot be written.
        """
        with self._connected() as bridge:
            draft = self._opened(bridge)
            return generation.plan(bridge, draft, captured, job, preview), draft.folder

    def mark(self, part: Rectangle, size: tuple[int, int]) -> Path:
        """The file of the last plan's overlay for a part of the canvas, at `size` px.

        Raises:
            BridgeError: also after `run`, until there is another plan.
        """
        with self._connected() as bridge:
            folder = self._opened(bridge).folder
            return folder / bridge.ask(Mark(part, size), Marked).overlay

    def run(self, captured: Capture, job: Job) -> tuple[Outcome, tuple[str, ...]]:
        """Runs a job to its end. Returns the results, and the plan's remarks for the user.

        Raises:
            BridgeCancelled: `cancel` was called.
            OSError: a file cannot be written.
        """
        self._cancelled = False
        with self._connected() as bridge:
            draft = self._opened(bridge)
            planned = generation.plan(bridge, draft, captured, job)
            generation.export(draft, captured, planned)
            desktop_proxy.tell(bridge, planned.origin)
            if self._cancelled:  # the bridge could not cancel what it did not run yet
                raise BridgeCancelled(may_be_billed=False)
            self._draft = None
            return generation.run(bridge, draft, captured, job), hiding.remarks(captured) + planned.remarks

    def insert(self, outcome: Outcome, variations: tuple[int, ...]) -> list[Gimp.Layer]:
        """Places results, also while a job runs; see `generation.insert` for what it raises."""
        with self._connected() as bridge:
            return generation.insert(bridge, outcome, variations)

    def cancel(self) -> None:
        """Cancels the job that runs."""
        self._cancelled = True
        if self._bridge:
            self._bridge.cancel()

    def drop_draft(self) -> None:
        """Opens another draft for the next job: the files of this one are gone, or the settings have changed."""
        self._draft = None

    def close(self) -> None:
        """Closes the bridge. A later call starts another one."""
        if self._bridge:
            self._bridge.close()
            self._bridge = None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Bridge]:
        bridge = self._bridge
        try:
            if bridge is None:
                bridge = self._bridge = Bridge(self._on_progress, self._on_failure)
                self._draft = None
            yield bridge
        except BridgeError as error:
            if error.code == "bridge" and self._bridge is bridge:  # it has ended
                self.close()
            if error.code in setup.HELPS:
                self.broken = error
                self._on_broken()
            raise

    def _opened(self, bridge: Bridge) -> Draft:
        self._draft = self._draft or generation.open_draft(bridge)
        return self._draft
