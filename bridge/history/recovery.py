"""A job of the history, ready to be inserted again. What its bridge did not finish is finished here.

An answer is in the journal before anything is made of it. Whenever a part of the result is missing or damaged, it is
made again from what the job folder holds, by the very code that `bridge.job.regeneration` uses.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.history.index import unfitted
from bridge.history.records import HistoryError, Marks, Record, SentCrop, read_record
from bridge.job import fitting, sequence
from bridge.job.areas import Planning
from bridge.job.crop_work import CropWork
from bridge.pixels.geometry import Box, Size
from bridge.pixels.imaging import Pixels
from bridge.pixels.pnm_header import read_header
from bridge.protocol import Finished, ProtocolError, Rectangle
from bridge.protocol.history import Recalled
from bridge.regen.decoding import decode_image
from bridge.store import locks
from bridge.store.journal import BUSY_FILE, LONGEST_ANSWER_FILE, JobFolder
from bridge.store.private_files import read_private

_NOTHING = Finished((0, 0, 0, 0), (), (), ())

_log = logging.getLogger(__name__)


def recall(journal: Path, id_: str) -> Recalled:
    """A job and all of its results that were not deleted.

    Raises:
        JournalError: there is no such job.
        PhotioError: nothing of it can be had; says why.
    """
    folder = JobFolder.existing(journal, id_)
    read = read_record(folder.path)
    if read is None:
        raise HistoryError(
            _("What this result belongs to can no longer be read: its files are in “{folder}”.").format(
                folder=folder.path
            )
        )
    record, marks = read
    finished = _whole(folder.path, record.result or _NOTHING)
    unfinished = _unfinished(folder.path, record, marks, finished)
    if unfinished and not locks.is_held(folder.path / BUSY_FILE):
        finished = _recovered(folder, record, marks, finished, unfinished)
    results = tuple(result for result in finished.results if result.variation not in marks.discarded)
    if not results:
        if unfinished:
            raise HistoryError(_("This result is still being received: try again when that has ended."))
        raise HistoryError(_("The files of this result are missing or damaged: “{folder}”.").format(folder=folder.path))
    remarks = (*finished.remarks, *_lost(record, marks, finished))
    finished = replace(finished, results=results, remarks=tuple(dict.fromkeys(remarks)))
    return Recalled(str(folder.path), record.job, record.document, finished)


def check_crops(folder: Path, record: Record) -> None:
    """Checks that the files of the crops are those of the record.

    Raises:
        HistoryError: one is missing, damaged or of another size.
    """
    for number, crop in enumerate(record.crops, 1):
        file = folder / fitting.base_file(number)
        if not _is_whole(file, crop.box, (3, 4), 1):
            raise HistoryError(_("“{file}” is missing or damaged.").format(file=file))


def _whole(folder: Path, result: Finished) -> Finished:
    """The parts of a result whose files are there and undamaged. A picture whose own mask is gone is none."""
    if not all(_is_whole(folder / mask.file, mask.box, (1,), 1) for mask in result.masks):
        return _NOTHING
    results = []
    for each in result.results:
        lost = {mask.box for mask in each.masks if not _is_whole(folder / mask.file, mask.box, (1,), 1)}
        patches = tuple(
            patch
            for patch in each.patches
            if patch.box not in lost and _is_whole(folder / patch.file, patch.box, (1, 3, 4), 2)
        )
        if patches:
            masks = tuple(mask for mask in each.masks if mask.box not in lost)
            results.append(replace(each, patches=patches, masks=masks))
    return replace(result, results=tuple(results)) if results else _NOTHING


def _is_whole(file: Path, box: Rectangle, channels: Sequence[int], depth: int) -> bool:
    header = read_header(file)
    return (
        header is not None
        and (header.width, header.height) == box[2:]
        and header.channels in channels
        and header.depth == depth
    )


def _files(finished: Finished, discarded: frozenset[int] = frozenset()) -> list[str]:
    """The files of the results, but for those of discarded variations."""
    kept = [result for result in finished.results if result.variation not in discarded]
    return [patch.file for result in kept for patch in result.patches]


def _lost(record: Record, marks: Marks, finished: Finished) -> list[str]:
    """Sentences about the parts that the record names and that can no longer be had."""
    there = _files(finished)
    return [
        _("A part of the result is missing: {reason}").format(
            reason=_("“{file}” is missing or damaged.").format(file=file)
        )
        for file in _files(record.result or _NOTHING, marks.discarded)
        if file not in there
    ]


def _unfinished(folder: Path, record: Record, marks: Marks, finished: Finished) -> dict[tuple[int, int], str]:
    """The files of answers whose part of the result is missing, by (crop, variation)."""
    recorded = _files(record.result or _NOTHING)
    missing = unfitted(os.listdir(folder), record.job.variations, recorded, _files(finished))
    return {
        (crop, variation): file
        for (crop, variation), file in missing.items()
        if variation not in marks.discarded and crop <= len(record.crops)
    }


def _recovered(
    folder: JobFolder, record: Record, marks: Marks, finished: Finished, answers: dict[tuple[int, int], str]
) -> Finished:
    """The result with what can be made of these answers; it is then in the record, too.

    Raises:
        PhotioError: nothing can be made of any, and there is nothing else.
    """
    try:
        planning, crops = _crops(folder, record)
        fitting.save_masks(folder, planning)
    except PhotioError as error:
        _log.warning("an answer cannot be made a result: %s %s", error.sentence, error.details)
        if finished.results:
            return finished
        raise
    patches = {result.variation: result.patches + result.masks for result in finished.results}
    remarks, errors = list(finished.remarks), list[PhotioError]()
    for (crop, variation), name in answers.items():
        try:
            work = crops[crop - 1]
            if planning.in_turn:  # earlier results are whole again: these answers are in order
                work = sequence.continued(folder, planning, work, variation)
            answer = _answer(folder.file(name), marks.answers.get(name), work.piece.crop.size)
            fitter = work.fitter(work.base(), work.mask())
            fitted = fitting.save(folder, fitter.fit(variation, answer, record.seeds[variation - 1]))
            boxes = {patch.box for patch in fitted}
            kept = tuple(patch for patch in patches.get(variation, ()) if patch.box not in boxes)
            patches[variation] = (*kept, *fitted)
        except PhotioError as error:
            _log.warning("%s: %s: %s", folder.id, name, error.code)
            errors.append(error)
            remarks.append(_("A part of the result is missing: {reason}").format(reason=error.sentence))
    if not patches:
        raise errors[0]
    made = fitting.finish(folder.id, planning, record.engine, record.seeds, patches)
    made = replace(made, remarks=tuple(dict.fromkeys(remarks)))
    # another bridge that does so at the same moment writes the same
    folder.change(
        lambda record: {**record, "state": "placed" if record.get("placed") else "received", "result": asdict(made)}
    )
    for variation in {variation for _crop, variation in answers}:  # its pictures show less
        for picture in folder.path.glob(f"picture-{variation}-*.png"):
            picture.unlink(missing_ok=True)
    return made


def _crops(folder: JobFolder, record: Record) -> tuple[Planning, list[CropWork]]:
    """The job's crops, planned as they were when they were sent. Raises a `PhotioError` if that is impossible now."""
    check_crops(folder.path, record)
    job, selection, masked = record.job, record.selection, record.masked
    try:
        # without its file, nothing limits how much memory a selection takes
        alone = not masked and record.document.before is None
        if alone and not any(Box(*crop.box).contains(Box(*selection)) for crop in record.crops):
            raise ProtocolError("the selection is not in the crops")
        planning = fitting.plan(folder, job, record.document, selection, masked, record.native_limit)
    except ProtocolError as error:
        raise HistoryError(_("The files of this result do not fit together."), str(error)) from error
    planning, crops = fitting.read_crops(folder, planning, masked)
    if [SentCrop(*crop) for crop in planning.crops] != list(record.crops):  # a version of ours that plans otherwise
        raise HistoryError(_("This result was made by another version of Photio for GIMP."))
    return planning, crops


def _answer(file: Path, checksum: str | None, size: Size) -> Pixels:
    """An answer's pixels. Raises a `PhotioError` if it is not what was received."""
    content = read_private(file, LONGEST_ANSWER_FILE)
    if content is None or (checksum is not None and hashlib.sha256(content).hexdigest() != checksum):
        raise HistoryError(_("“{file}” is not what was received.").format(file=file))
    return decode_image(content, size).pixels
