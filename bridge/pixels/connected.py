"""The connected parts of a mask, found from its runs: the unbroken stretches of true pixels along the rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.intp]


class Runs(NamedTuple):
    """The runs of a mask in reading order: each one's row, its first column, and the column after its last."""

    rows: Numbers
    starts: Numbers
    ends: Numbers


def runs_of(mask: NDArray[np.bool_]) -> Runs:
    """All runs of a mask, [height, width]."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges > 0)
    return Runs(rows, starts, np.nonzero(edges < 0)[1])


def numbered(runs: Runs) -> Numbers:
    """The number, from 0, of the connected part that each run belongs to; corners connect. Union-find."""
    rows, starts, ends = (each.tolist() for each in runs)
    parents = list(range(len(rows)))

    def root(run: int) -> int:
        while parents[run] != run:
            parents[run] = run = parents[parents[run]]
        return run

    earliest = 0
    for run, (row, start, end) in enumerate(zip(rows, starts, ends, strict=True)):
        while rows[earliest] < row - 1 or (rows[earliest] == row - 1 and ends[earliest] < start):
            earliest += 1
        above = earliest
        while rows[above] == row - 1 and starts[above] <= end:
            parents[root(above)] = root(run)
            above += 1
    return np.unique(np.array([root(run) for run in range(len(rows))], np.intp), return_inverse=True)[1]


def labelled(mask: NDArray[np.bool_]) -> tuple[Numbers, int]:
    """The number, from 0, of each true pixel's part, −1 elsewhere, [height, width]; and how many parts there are."""
    runs = runs_of(mask)
    numbers = numbered(runs)
    labels = np.full(mask.shape, -1, np.intp)
    labels[mask] = np.repeat(numbers, runs.ends - runs.starts)
    return labels, int(numbers.max(initial=-1)) + 1
