"""How many threads are worth starting."""

from __future__ import annotations

import math
import os
from pathlib import Path

#: A container's CPU limit on Linux (cgroup v2): microseconds per period or “max”, then the period.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """The number of cores this process may use, at least 1. A container or `taskset` may allow fewer than exist."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = map(int, _QUOTA.read_text("ascii").split())
        return max(1, min(cores, math.ceil(quota / period)))
    except (OSError, ValueError, ZeroDivisionError):  # no container, or no limit
        return cores
