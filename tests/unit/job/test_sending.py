"""What is made of a crop before its answer comes."""

import gc
import io
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bridge.common.cores import usable_cores
from bridge.job import areas, regeneration, sending
from bridge.job.crop_work import CropWork, Fitter
from bridge.job.sending import Upload
from bridge.pixels.geometry import Box, Size
from bridge.pixels.imaging import Pixels
from bridge.protocol import Job

JOB = Job(
    prompt="", negative_prompt="", quality="LOW", seed=7, cfg_scale=2.5, variations=1, sample="layer", context=50.0,
    grow=0, feather=0, engine="auto", areas="separate", resolution="recommended", fill_transparent=False,
    match_colour=True, match_grain=True, source=1,
)  # fmt: skip
CANVAS = Size(900, 700)


def two_islands() -> list[CropWork]:
    selection = np.zeros((CANVAS.height, CANVAS.width), np.uint8)
    selection[100:140, 100:150] = selection[500:560, 700:780] = 255
    planning = areas.plan(JOB, selection, Box(0, 0, *CANVAS), CANVAS, 4.0)
    colours = np.random.default_rng(3)
    return [
        CropWork(planning, number, piece, colours.integers(0, 256, (*piece.crop.box[:1:-1], 3), np.uint8))
        for number, piece in enumerate(planning.pieces, 1)
    ]


def encoded(crops: list[CropWork]) -> list[Future[Upload]]:
    """All of them, when nothing more is done for them."""
    with ThreadPoolExecutor(2) as pool:
        uploads = [pool.submit(sending.encode, pool, crop) for crop in crops]
        wait(uploads)
    return uploads


def test_pictures_that_were_sent_take_no_memory_while_their_answers_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crops = two_islands()
    sent = list[weakref.ref[Pixels]]()
    prepare = CropWork.fitter

    def watched(crop: CropWork, base: Pixels, mask: Pixels) -> Fitter:
        sent.extend(map(weakref.ref, (base, mask)))
        return prepare(crop, base, mask)

    monkeypatch.setattr(CropWork, "fitter", watched)
    uploads = [upload.result() for upload in encoded(crops)]
    sizes = [Image.open(io.BytesIO(each.data)).size for upload in uploads for each in (upload.base, upload.mask)]
    assert sizes == [crop.piece.crop.size for crop in crops for _each in range(2)]
    assert all(upload.fitter.result().reference.sent.any() for upload in uploads)
    assert len(sent) == 4
    gc.collect()
    assert not [each for each in sent if each() is not None]


def test_a_crop_that_cannot_be_made_is_told_to_whoever_waits_for_it() -> None:
    broken, whole = two_islands()
    broken = replace(broken, pixels=broken.pixels[..., :2])  # of no picture that GIMP exports
    first, second = encoded([broken, whole])
    assert first.exception() is not None
    assert second.result().fitter.exception() is None


def test_a_job_that_is_done_does_not_wait_for_what_no_answer_needed() -> None:
    began, go_on = threading.Event(), threading.Event()

    def at_work() -> None:
        began.set()
        go_on.wait(180)

    with regeneration.workers() as pool:
        first, waiting = pool.submit(at_work), [pool.submit(at_work) for _each in range(2 * usable_cores())]
        began.wait(180)
    assert not first.done()
    assert waiting[-1].cancelled()
    go_on.set()
