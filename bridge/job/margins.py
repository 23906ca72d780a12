"""The automatic values of grow, feather and spill: they follow the size of what is selected. No files, no network."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from bridge.protocol import AUTOMATIC, Job


class _Rule(NamedTuple):
    """An automatic value: a share of the longer side of the largest selected part, in tenths of a percent."""

    share: int
    least: int  #: px
    most: int  #: px

    def px(self, longest: int) -> int:
        """The value for a part of that length, px."""
        return min(max(self.least, _share(longest, self.share)), self.most)


#: A hand that selects an object in a picture of 50 megapixels misses it by more px than in one of 2.
_TO_REMOVE = {"grow": _Rule(12, 6, 48), "feather": _Rule(6, 3, 24), "spill": _Rule(0, 0, 0)}

#: With a prompt it is meant exactly. All that is selected is regenerated, and fades out beside it.
_TO_ADD = {"grow": _Rule(4, 2, 16), "feather": _Rule(4, 2, 16), "spill": _Rule(50, 8, 96)}

#: px. No part of the margin is larger.
MOST = 500


def resolved(job: Job, longest: int) -> Job:
    """The job with its margins in px.

    Args:
        longest: the longer side of the largest selected part, px.
    """
    rules = _TO_ADD if job.prompt.strip() else _TO_REMOVE

    def px(name: str) -> int:
        asked: int = getattr(job, name)
        return rules[name].px(longest) if asked == AUTOMATIC else asked

    spill = px("spill")
    if job.spill != AUTOMATIC and job.spill_unit == "percent":
        spill = min(_share(longest, 10 * job.spill), MOST)
    return replace(job, grow=px("grow"), feather=px("feather"), spill=spill, spill_unit="px")


def _share(length: int, tenths: int) -> int:
    """So many tenths of a percent of a length, rounded to whole px."""
    return (length * tenths + 500) // 1000
