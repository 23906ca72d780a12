"""Requests that are sent one after the other, because each of them shows what the earlier ones gave.

A crop's pixels are the photograph's with the earlier results of the same variation over them, as GIMP will show them.
They are read from the job folder: so they are the same when a job of the history is finished later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np

from bridge.job.areas import Area, Planning
from bridge.job.crop_work import CropWork, Earlier, result_file
from bridge.job.expansion import shown_before
from bridge.job.sending import Request, Upload, encode
from bridge.pixels import imaging, transparency
from bridge.store.journal import JobFolder


def fills(area: Area) -> bool:
    """Whether there is anything to fill in a crop. If not, it is not sent: layers may reach beyond the old canvas."""
    return area.share is not None and bool(area.share.any())


def continued(folder: JobFolder, planning: Planning, work: CropWork, variation: int) -> CropWork:
    """A crop as it looks once the earlier requests of a variation are answered. Its only area is what it fills itself.

    Args:
        planning: that of `expansion.in_turn`.
        variation: from 1.

    Raises:
        PictureError: an earlier result is gone.
    """
    area, earlier = planning.areas[work.number - 1], planning.areas[: work.number - 1]
    share, box = area.share, area.box
    assert share is not None
    colours = np.zeros((box.height, box.width, 3), np.float32)
    for number, each in enumerate(earlier, 1):
        common = each.box.within(box)
        if fills(each) and not common.is_empty:
            file = folder.file(result_file(number, variation, 1))
            colours[common.relative_to(box).slices] = imaging.read_deep(file, common.relative_to(each.box))
    shown = shown_before(earlier, box)
    alone = replace(planning, areas=(Area(box, lambda: share, share=share),), pieces=(work.piece,))
    seen = transparency.below(work.pixels, colours, shown) if shown.any() else work.pixels
    return replace(work, planning=alone, pixels=seen, earlier=Earlier(colours, shown) if shown.any() else None)


def uploads(
    folder: JobFolder, planning: Planning, crops: Sequence[CropWork], requests: Sequence[Request], pool: Executor
) -> Iterator[tuple[Request, Future[Upload]]]:
    """What to send for one variation, one after the other: the next one once a request has its result.

    Nothing follows a request that failed. Crops in which there is nothing to fill are left out.

    Args:
        requests: of this variation, by crop.
    """

    def prepared(request: Request) -> Upload:
        return encode(pool, continued(folder, planning, crops[request.crop - 1], request.variation))

    for request in requests:
        if fills(planning.areas[request.crop - 1]):
            yield request, pool.submit(prepared, request)
            if request.error:
                return
