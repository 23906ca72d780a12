"""How many threads are worth starting."""

from __future__ import annotations

import math
import os
from pathlib import Path

#: Linux: the share of a container, as “microseconds of each period, or max”, then the period (cgroup v2).
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores() -> int:
    """Cores that this process may run on, which in a container or under `taskset` are not all there are; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = map(int, _QUOTA.read_text("ascii").split())
        return max(1, min(cores, math.ceil(quota / period)))
    except (OSError, ValueError, ZeroDivisionError):  # no container, or no limit
        return cores
