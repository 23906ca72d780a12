"""Notices that the user selects something else in GIMP, or resizes the canvas: plug-ins get no signal for that."""

from __future__ import annotations

from collections.abc import Callable

from windows.parts import Gimp, GLib

#: Milliseconds between two looks.
INTERVAL = 400


class SelectionWatch:
    """Compares an image's selection, selected layers and size with those seen before, until `stop`.

    Args:
        image: looked at only while it is valid.
        paused: whether not to look now.
        on_change: called after a change, and at the first look.
    """

    def __init__(self, image: Gimp.Image, paused: Callable[[], bool], on_change: Callable[[], None]) -> None:
        self._image, self._paused, self._on_change = image, paused, on_change
        self._seen: object = None
        self._timer = GLib.timeout_add(INTERVAL, self._look)

    def ignore_changes(self) -> None:
        """Does not report what has changed until now."""
        if self._image.is_valid():
            self._seen = self._selected()

    def stop(self) -> None:
        """Ends it."""
        GLib.source_remove(self._timer)

    def _look(self) -> bool:
        if not self._paused() and self._image.is_valid() and (seen := self._selected()) != self._seen:
            self._seen = seen
            self._on_change()
        return bool(GLib.SOURCE_CONTINUE)

    def _selected(self) -> object:
        layers = [layer.get_id() for layer in self._image.get_selected_drawables()]
        canvas = (self._image.get_width(), self._image.get_height())
        return (tuple(Gimp.Selection.bounds(self._image)), layers, canvas)
