"""Imports what every job needs, in a thread, while the plug-in still looks at its image."""

from __future__ import annotations

import gc
import os
import threading


class Imports:
    """The modules of a job, imported in the order in which it needs them.

    Whoever needs one of them waits here first: of two threads that import the same damaged package, one would name
    another package. Until `start` there is nothing to wait for.
    """

    def __init__(self) -> None:
        self._planning = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins, and returns at once."""
        # not before: the threads of numpy's BLAS take a third of its time, and nothing here needs them
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
        self._thread.start()

    def wait_for_planning(self) -> None:
        """Returns when a job can be planned and its crops can be encoded. What failed, fails again where it is used."""
        if self._thread:
            self._planning.wait()

    def wait(self) -> None:
        """Returns when all is imported. What failed, fails again where it is used."""
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        try:
            try:
                import bridge.job.regeneration
            finally:
                self._planning.set()
            import bridge.regen.client  # noqa: F401 - `requests` takes a third of all: GIMP exports meanwhile
        finally:
            gc.freeze()  # modules stay
            gc.enable()  # see `__main__`
