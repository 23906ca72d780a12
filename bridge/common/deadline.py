"""A deadline that counts only the seconds in which this process ran.

A laptop that sleeps, a virtual machine that is paused and a process that is stopped stand still, while the clock may go
on. What the process waits for may have arrived meanwhile, or had no chance to. Standard library only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: The longest time, in seconds, between two looks at the clock.
_STEP = 1.0

#: Whoever sleeps so many seconds longer than he wanted has stood still, and not just been in a queue for a processor.
_LATE = 0.25

#: After standing still as many seconds are left, but no more than these: to look at what came meanwhile, and for a
#: network that has to wake up, too.
_AFTERWARDS = 5.0


class Deadline:
    """A deadline for one waiting thread. Others may `restart` it while they hold the lock that the thread waits with.

    Args:
        seconds: how long.
        step: the longest time between two looks at what is waited for, in seconds.
    """

    def __init__(self, seconds: float, step: float = _STEP) -> None:
        self._step = step
        self.restart(seconds)

    def restart(self, seconds: float) -> None:
        """So many seconds from now on."""
        self._left = seconds
        self._looked = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time has run out; what is waited for is to be looked at first."""
        return self._left <= 0

    def wait(self, step: Callable[[float], object]) -> None:
        """Waits once: `step` gets a number of seconds and returns after that time, or earlier when something came.

        No step counts for more than it was meant to take.
        """
        meant = max(0.0, min(self._step, self._left))
        step(meant)
        now = time.monotonic()
        took, self._looked = now - self._looked, now
        self._left -= min(took, meant)
        if took - meant > _LATE:
            self._left = max(self._left, min(took - meant, _AFTERWARDS))
