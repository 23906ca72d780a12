"""The plug-in's modules outside GIMP, for what they read; what GIMP itself does is tested in it (tests/gimp)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

FOLDER = Path(__file__).parents[2] / "plugin" / "photio"


class GLibError(Exception):
    """As PyGObject's own."""


@contextmanager
def plugin(*names: str) -> Iterator[list[Any]]:
    """These modules, in a world where there is a GIMP that does nothing."""
    repository: Any = ModuleType("gi.repository")
    for name in ("Gegl", "Gimp", "Gio"):
        setattr(repository, name, MagicMock())
    repository.GLib = MagicMock(Error=GLibError, MainLoop=Loop)
    gi: Any = ModuleType("gi")
    gi.repository = repository
    before = dict(sys.modules)
    sys.path.insert(0, str(FOLDER))
    sys.modules.update({"gi": gi, "gi.repository": repository})
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(FOLDER))
        for name in set(sys.modules) - set(before):  # others must not find modules of a GIMP that does nothing
            if str(getattr(sys.modules[name], "__file__", FOLDER)).startswith(str(FOLDER)):
                del sys.modules[name]


class Loop:
    """GLib's main loop, as far as `Bridge.ask` needs it: each line that is waited for comes, until it has quit.

    GLib prints what a callback raises, and goes on: then the loop would turn for ever, and GIMP would hang.
    """

    waiting: list[Any]

    def __init__(self) -> None:
        self._turning = True

    def quit(self) -> None:
        """As GLib's."""
        self._turning = False

    def run(self) -> None:
        """As GLib's."""
        while self._turning:
            callback, stream = self.waiting.pop()  # an IndexError: nobody reads any longer, and the loop still turns
            callback(stream, None)


class Lines:
    """What a bridge says, as `Gio.DataInputStream` gives it; None once it is gone."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = list(lines)
        Loop.waiting = []

    def read_line_async(self, _priority: int, _cancellable: None, callback: Any) -> None:
        """Waits for the next line."""
        Loop.waiting.append((callback, self))

    def read_line_finish(self, _result: None) -> tuple[bytes | None, int]:
        """The next line."""
        line = self._lines.pop(0) if self._lines else None
        return line, len(line or b"")
