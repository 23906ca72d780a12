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
from bridge.history.index import answers_in, unfitted
from bridge.history.records import HistoryError, Marks, Record, read_record
from bridge.job import fitting
from bridge.job.areas import Planning
from bridge.job.crop_work import CropWork
from bridge.pixels.geometry import Box, Size
from bridge.pixels.imaging import Pixels
from bridge.pixels.pnm_header import read_header
from bridge.protocol import Finished, Patch, ProtocolError
from bridge.protocol.history import Recalled
from bridge.regen.decoding import decode_image
from bridge.store import locks
from bridge.store.journal import BUSY_FILE, JobFolder
from bridge.store.private_files import read_private

_LONGEST_ANSWER = 1 << 27  # bytes; more than `bridge.regen.transport.LONGEST_ANSWER`

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
    finished = _whole(folder.path, record.result)
    unfinished = _unfinished(folder.path, record, marks, finished)
    if unfinished and not locks.is_held(folder.path / BUSY_FILE):
        finished = _recovered(folder, record, marks, finished, unfinished)
    results = (
        tuple(result for result in finished.results if result.variation not in marks.discarded) if finished else ()
    )
    if finished is None or not results:
        if unfinished:
            raise HistoryError(_("This result is still being received: try again when that has ended."))
        raise HistoryError(_("The files of this result are missing or damaged: “{folder}”.").format(folder=folder.path))
    remarks = (*finished.remarks, *_lost(record, marks, finished))
    finished = replace(finished, results=results, remarks=tuple(dict.fromkeys(remarks)))
    return Recalled(str(folder.path), record.job, record.document, finished)


def _whole(folder: Path, result: Finished | None) -> Finished | None:
    """The parts of a result whose files are there and undamaged; None if there are none."""
    if result is None or not all(_is_whole(folder, mask, (1,), 1) for mask in result.masks):
        return None
    results = []
    for each in result.results:
        patches = tuple(patch for patch in each.patches if _is_whole(folder, patch, (1, 3, 4), 2))
        if patches:
            results.append(replace(each, patches=patches))
    return replace(result, results=tuple(results)) if results else None


def _lost(record: Record, marks: Marks, finished: Finished) -> list[str]:
    """Sentences about the parts that the record names and that can no longer be had."""
    there = {patch.file for result in finished.results for patch in result.patches}
    results = record.result.results if record.result else ()
    return [
        _("A part of the result is missing: {reason}").format(
            reason=_("“{file}” is missing or damaged.").format(file=patch.file)
        )
        for result in results
        if result.variation not in marks.discarded
        for patch in result.patches
        if patch.file not in there
    ]


def _is_whole(folder: Path, patch: Patch, channels: Sequence[int], depth: int) -> bool:
    header = read_header(folder / patch.file)
    return (
        header is not None
        and (header.width, header.height) == patch.box[2:]
        and header.channels in channels
        and header.depth == depth
    )


def _unfinished(folder: Path, record: Record, marks: Marks, finished: Finished | None) -> dict[tuple[int, int], str]:
    """The files of answers whose part of the result is missing, by (crop, variation)."""
    answers = answers_in(set(os.listdir(folder)), record.job.variations)
    found = finished.results if finished else ()
    names = {patch.file for result in found for patch in result.patches}
    recorded = [patch.file for result in (record.result.results if record.result else ()) for patch in result.patches]
    missing = unfitted(recorded if finished else (), set(answers), names)
    return {
        (crop, variation): answers[crop, variation]
        for crop, variation in sorted(missing)
        if variation not in marks.discarded and crop <= len(record.crops)
    }


def _recovered(
    folder: JobFolder, record: Record, marks: Marks, finished: Finished | None, answers: dict[tuple[int, int], str]
) -> Finished | None:
    """The result with what can be made of these answers; it is then in the record, too.

    Raises:
        PhotioError: nothing can be made of any, and there is nothing else.
    """
    try:
        planning, crops = _crops(folder, record)
        fitting.save_masks(folder, planning)
    except (PhotioError, ProtocolError) as error:
        return _failed(finished, error)
    patches = {result.variation: result.patches for result in finished.results} if finished else {}
    remarks, errors = list(finished.remarks if finished else ()), list[PhotioError]()
    for (crop, variation), name in answers.items():
        try:
            answer = _answer(folder.file(name), marks.answers.get(name), Size(*record.crops[crop - 1].size))
            work = crops[crop - 1]
            fitter = work.fitter(work.base(), work.mask())
            fitted = fitting.save(folder, fitter.fit(variation, answer, record.seeds[variation - 1]))
            names = {patch.file for patch in fitted}
            kept = tuple(patch for patch in patches.get(variation, ()) if patch.file not in names)
            patches[variation] = (*kept, *fitted)
        except PhotioError as error:
            _log.warning("%s: %s: %s", folder.id, name, error.code)
            errors.append(error)
            remarks.append(_("A part of the result is missing: {reason}").format(reason=error.sentence))
    if not patches:
        raise errors[0]
    made = fitting.finish(record.job, folder.id, planning, record.engine, record.seeds, patches)
    made = replace(made, remarks=tuple(dict.fromkeys(remarks)))
    _keep(folder, made, {variation for _crop, variation in answers})
    return made


def _crops(folder: JobFolder, record: Record) -> tuple[Planning, list[CropWork]]:
    """The job's crops, planned as they were when they were sent.

    Raises:
        ProtocolError, PhotioError: that is no longer possible.
    """
    job, masked = record.job, record.masked
    _check_pictures(folder.path, record)
    planning = fitting.plan(folder, job, record.document.canvas, record.selection, masked, record.native_limit)
    planning, crops = fitting.read_crops(folder, planning, job, masked)
    if [(*crop.box, *crop.padding, *crop.size) for crop in planning.crops] != [
        (*crop.box, *crop.padding, *crop.size) for crop in record.crops
    ]:  # another version of ours, which plans otherwise
        raise HistoryError(_("This result was made by another version of Photio for GIMP."))
    return planning, crops


def _check_pictures(folder: Path, record: Record) -> None:
    """Raises a `HistoryError` when the crops are not those of the record, or a selection is too large for them."""
    for number, crop in enumerate(record.crops, 1):
        if not _is_whole(folder, Patch(f"base-{number}.pnm", crop.box), (3, 4), 1):
            raise HistoryError(_("“{file}” is missing or damaged.").format(file=folder / f"base-{number}.pnm"))
    if not record.masked:  # no file limits how much memory it takes
        selected = Box(*record.selection)
        if not any(Box(*crop.box).contains(selected) for crop in record.crops):
            raise ProtocolError("the selection is not in the crops")


def _failed(finished: Finished | None, error: PhotioError | ProtocolError) -> Finished:
    """The result without these answers.

    Raises:
        PhotioError: there is none.
    """
    _log.warning("an answer cannot be made a result: %s", error)
    if finished is not None:
        return finished
    if isinstance(error, PhotioError):
        raise error
    raise HistoryError(_("The files of this result do not fit together."), str(error)) from error


def _answer(file: Path, checksum: str | None, size: Size) -> Pixels:
    """An answer's pixels, if it is what was received.

    Raises:
        PhotioError: it is not.
    """
    content = read_private(file, _LONGEST_ANSWER)
    if content is None or (checksum is not None and hashlib.sha256(content).hexdigest() != checksum):
        raise HistoryError(_("“{file}” is not what was received.").format(file=file))
    return decode_image(content, size).pixels


def _keep(folder: JobFolder, made: Finished, variations: set[int]) -> None:
    """Puts the result into the record. Another bridge that does so at the same moment writes the same."""
    folder.change(
        lambda record: {**record, "state": "placed" if record.get("placed") else "received", "result": asdict(made)}
    )
    for variation in variations:  # they show less
        for picture in folder.path.glob(f"picture-{variation}-*.png"):
            picture.unlink(missing_ok=True)
