"""The plug-in's modules outside GIMP, for what they read; what GIMP itself does is tested in it (tests/gimp)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
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
    repository.GLib = MagicMock(Error=GLibError, MainContext=Context)
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


class Context:
    """GLib's main context, as far as `Bridge.ask` needs it: each iteration delivers the line that is waited for.

    GLib prints what a callback raises, and goes on: then `ask` would wait for ever, and GIMP would hang.
    """

    waiting: ClassVar[list[Any]] = []

    @classmethod
    def default(cls) -> Context:
        """As GLib's."""
        return cls()

    def iteration(self, _may_block: bool) -> None:
        """As GLib's."""
        callback, stream = self.waiting.pop()  # an IndexError: nobody reads any longer, and `ask` would never return
        callback(stream, None)


class Lines:
    """What a bridge says, as `Gio.DataInputStream` gives it; None once it is gone."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = list(lines)
        Context.waiting = []

    def read_line_async(self, _priority: int, _cancellable: None, callback: Any) -> None:
        """Waits for the next line."""
        Context.waiting.append((callback, self))

    def read_line_finish(self, _result: None) -> tuple[bytes | None, int]:
        """The next line."""
        line = self._lines.pop(0) if self._lines else None
        return line, len(line or b"")
