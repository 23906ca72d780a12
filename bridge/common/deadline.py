"""A deadline that counts only the seconds in which this process runs.

The clock may go on while a laptop sleeps, a virtual machine is paused or the process is stopped. Meanwhile, what the
process waits for may have arrived, or had no chance to arrive. Standard library only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds. A step that takes this much longer than planned means that the process was suspended. A shorter delay may
#: only mean that the processor was busy.
_SUSPENDED = 0.25

#: Seconds. After a suspension at least as much time is left as it lasted, up to this limit: the waiting thread can
#: look at what arrived, and the network can wake up.
_GRACE = 5.0


class Deadline:
    """A deadline for one waiting thread. Other threads may `restart` it while they hold the lock it waits with.

    Args:
        seconds: time until the deadline.
        step: the longest time between two looks at what is waited for, in seconds.
    """

    def __init__(self, seconds: float, step: float = 1.0) -> None:
        self._step = step
        self.restart(seconds)

    def restart(self, seconds: float) -> None:
        """Set the deadline to `seconds` from now."""
        self._left = seconds
        self._checked = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time has run out. Check what is waited for first: it may have arrived."""
        return self._left <= 0

    def wait(self, step: Callable[[float], object]) -> None:
        """Wait for one step, which never counts for more than its planned length.

        Args:
            step: called with a number of seconds; returns after that time, or earlier when something arrived.
        """
        planned = max(0.0, min(self._step, self._left))
        step(planned)
        now = time.monotonic()
        took, self._checked = now - self._checked, now
        self._left -= min(took, planned)
        if took - planned > _SUSPENDED:
            self._left = max(self._left, min(took - planned, _GRACE))
