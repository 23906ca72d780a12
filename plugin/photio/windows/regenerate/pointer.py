"""What the mouse does with the picture of *Regenerate…*."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from windows.parts import Gdk, GLib, Gtk
from windows.regenerate.view import View

#: Milliseconds after which a press that does not move shows the image before the change.
_HOLD = 200


class Zoomable(Protocol):
    """What the mouse acts on: the `Viewer`."""

    held: Callable[[bool], object]

    @property
    def density(self) -> int: ...
    @property
    def view(self) -> View: ...
    def look(self, view: View) -> None: ...
    def larger(self, at: tuple[float, float]) -> None: ...
    def smaller(self, at: tuple[float, float]) -> None: ...
    def original(self, at: tuple[float, float]) -> None: ...
    def fit(self) -> None: ...


class Pointer:
    """The wheel zooms, dragging moves, holding compares, and a double-click shows all of it or each pixel."""

    def __init__(self, viewer: Zoomable, pane: Gtk.EventBox) -> None:
        self._viewer, self._pane = viewer, pane
        self._start: tuple[float, float] | None = None  # where the button was pressed, until it is dragged
        self._at: tuple[float, float] | None = None  # where the pointer was last, while it is dragged
        self._holding, self._timer, self._turned = False, 0, 0.0
        mask = Gdk.EventMask
        pane.add_events(mask.SCROLL_MASK | mask.SMOOTH_SCROLL_MASK | mask.BUTTON1_MOTION_MASK)
        pane.connect("scroll-event", lambda _pane, event: self._scroll(event))
        pane.connect("button-press-event", lambda _pane, event: self._press(event))
        pane.connect("motion-notify-event", lambda _pane, event: self._move(event))
        pane.connect("button-release-event", lambda _pane, _event: self._release())

    def _place(self, event: Gdk.Event) -> tuple[float, float]:
        """In px of the pane."""
        return (event.x * self._viewer.density, event.y * self._viewer.density)

    def _scroll(self, event: Gdk.EventScroll) -> bool:
        smooth, _right, down = event.get_scroll_deltas()
        ways = {Gdk.ScrollDirection.UP: -1.0, Gdk.ScrollDirection.DOWN: 1.0}
        self._turned += down if smooth else ways.get(event.direction, 0.0)
        while abs(self._turned) >= 1:
            step = self._viewer.larger if self._turned < 0 else self._viewer.smaller
            self._turned += 1 if self._turned < 0 else -1
            step(self._place(event))
        return True

    def _press(self, event: Gdk.EventButton) -> bool:
        if event.button != Gdk.BUTTON_PRIMARY:
            return False
        self._pane.grab_focus()
        self._release()
        if event.type == Gdk.EventType.DOUBLE_BUTTON_PRESS:
            if self._viewer.view.zoom is None:
                self._viewer.original(self._place(event))
            else:
                self._viewer.fit()
        elif event.type == Gdk.EventType.BUTTON_PRESS:
            self._start = self._at = self._place(event)
            self._timer = GLib.timeout_add(_HOLD, self._hold)
        return True

    def _move(self, event: Gdk.EventMotion) -> bool:
        if self._at is None:
            return False
        here = self._place(event)
        if self._start:
            corners = [round(each / self._viewer.density) for each in (*self._start, *here)]
            if not self._pane.drag_check_threshold(*corners):
                return True
            self._start = None
            self._forget_timer()
        right, down = here[0] - self._at[0], here[1] - self._at[1]
        self._at = here
        self._viewer.look(self._viewer.view.moved(right, down))
        return True

    def _release(self) -> bool:
        self._forget_timer()
        self._start = self._at = None
        if self._holding:
            self._holding = False
            self._viewer.held(False)
        return True

    def _hold(self) -> bool:
        self._timer, self._holding = 0, True
        self._viewer.held(True)
        return bool(GLib.SOURCE_REMOVE)

    def _forget_timer(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
