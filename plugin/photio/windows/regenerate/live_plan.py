"""Keeps the preview of a window up to date: it shows what would be sent now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bridge.protocol import Job, Planned, Rectangle
from bridge_process import BridgeError
from canvas import reading
from canvas.reading import Capture, Refusal
from windows.parts import GLib, Gtk
from windows.regenerate.generator import Generator
from windows.regenerate.parameters import Parameters


class Pane(Protocol):
    """The picture of a `Planner`."""

    @property
    def picture_size(self) -> tuple[int, int]:
        """The size of the largest picture that fits, px."""


class Planner(Protocol):
    """A widget that shows plans: the `PreviewPane`, for example."""

    line: Gtk.Label

    @property
    def viewer(self) -> Pane:
        """The picture."""

    def show_plan(
        self,
        captured: Capture,
        planned: Planned,
        folder: Path,
        mark: Callable[[Rectangle, tuple[int, int]], Path | None],
    ) -> None:
        """Shows a plan; see `PreviewPane`."""

    def clear(self, sentence: str) -> None:
        """Shows why there is none."""

    def connect(self, signal: str, act: Callable[..., object]) -> int:
        """As `GObject.Object`."""


class LivePlan:
    """Plans again after each change.

    Attributes:
        paused: something else uses the bridge; then nothing is planned.

    Args:
        capture: the selection and the parameters as they are now; may raise `Refusal`.
        is_shown: whether the preview shows the plan, and not a result.
        parameters: show the margins of the plan, which depend on whether there is a prompt.
    """

    def __init__(
        self,
        generator: Generator,
        preview: Planner,
        capture: Callable[[], tuple[Capture, Job]],
        is_shown: Callable[[], bool],
        parameters: Parameters,
    ) -> None:
        self._generator, self._preview, self._capture, self._is_shown = generator, preview, capture, is_shown
        self.paused = self._stopped = self._stale = False
        self._parameters = parameters
        parameters.prompt.when_emptied(self.refresh_soon)
        self._size = preview.viewer.picture_size
        preview.connect("size-allocate", lambda *_: self._on_resize())

    def refresh_soon(self) -> None:
        """Refreshes from the main loop: within a key's or button's event, screen readers could not go on."""
        GLib.idle_add(self._refresh)

    def stop(self) -> None:
        """Never refreshes again."""
        self._stopped = True

    def _refresh(self) -> bool:
        """Plans. A change that comes meanwhile makes it plan again."""
        self._stale = True
        if not self.paused and not self._stopped:
            self.paused = True
            try:
                while self._stale:
                    self._stale = False
                    if self._is_shown():
                        self._plan()
            finally:
                self.paused = False
        return bool(GLib.SOURCE_REMOVE)

    def _plan(self) -> None:
        try:
            captured, job = self._capture()
            planned, folder = self._generator.plan(captured, job, self._preview.viewer.picture_size)
            self._parameters.show_margins(planned)
            self._preview.show_plan(captured, planned, folder, self._mark)
            if planned.remarks:  # what is left out, for example: before anything is sent
                line = self._preview.line
                line.set_text("\n".join((line.get_text(), *planned.remarks)))
        except OSError as error:  # the draft was deleted, perhaps
            self._generator.drop_draft()
            self._preview.clear(reading.unreadable(error))
        except (Refusal, BridgeError) as error:
            self._preview.clear(str(error))

    def _mark(self, part: Rectangle, size: tuple[int, int]) -> Path | None:
        """The file of the overlay for a part of the canvas; None while there is no plan that could be drawn."""
        if self.paused or self._stopped:
            return None
        try:
            return self._generator.mark(part, size)
        except BridgeError:  # the preview stays blurred; the next plan says what is wrong
            return None

    def _on_resize(self) -> None:
        if self._preview.viewer.picture_size != self._size:
            self._size = self._preview.viewer.picture_size
            self.refresh_soon()
