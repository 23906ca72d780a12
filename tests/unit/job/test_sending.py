"""What is made of a crop before its answer comes."""

import gc
import io
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from bridge.common.cores import usable_cores
from bridge.job import fitting, running, sending, steps
from bridge.job.fitting import Source
from bridge.pixels.geometry import Box, Size
from bridge.pixels.imaging import Pixels
from bridge.pixels.match_grain import grain_around
from bridge.protocol import Job
from bridge.regen.call import Call

JOB = Job(
    prompt="", negative_prompt="", quality="LOW", seed=7, cfg_scale=2.5, variations=1, sample="layer", context=50.0,
    grow=0, feather=0, engine="auto", areas="separate", resolution="recommended", fill_transparent=False,
    match_colour=True, match_grain=True, source=1,
)  # fmt: skip
CANVAS = Size(900, 700)
GRAINY = np.random.default_rng(1).integers(118, 139, (200, 200, 3), np.uint8)
LIKE_FILM = grain_around(GRAINY, np.pad(np.ones((40, 40), np.bool_), 80))


def two_islands() -> tuple[steps.Planning, list[Source]]:
    selection = np.zeros((CANVAS.height, CANVAS.width), np.uint8)
    selection[100:140, 100:150] = selection[500:560, 700:780] = 255
    planning = steps.plan(JOB, selection, Box(0, 0, *CANVAS), CANVAS, 4.0)
    boxes = [piece.crop.box for piece in planning.pieces]
    colours = np.random.default_rng(3)
    return planning, [
        Source(number, piece, colours.integers(0, 256, (box.height, box.width, 3), np.uint8))
        for number, (piece, box) in enumerate(zip(planning.pieces, boxes, strict=True), 1)
    ]


def test_pictures_that_were_sent_take_no_memory_while_their_answers_are_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planning, sources = two_islands()
    sent = list[weakref.ref[Pixels]]()
    compare = fitting.reference

    def watched(planning: steps.Planning, source: Source, base: Pixels, mask: Pixels) -> steps.Reference:
        sent.extend(map(weakref.ref, (base, mask)))
        return compare(planning, source, base, mask)

    monkeypatch.setattr(fitting, "reference", watched)
    with ThreadPoolExecutor(2) as pool:
        ahead = sending.begin(pool, JOB, planning, sources)
    sizes = [Image.open(io.BytesIO(each.result().data)).size for crop in ahead for each in (crop.base, crop.mask)]
    assert sizes == [crop.size for crop in planning.crops for _each in range(2)]
    assert all(crop.reference.result().sent.any() for crop in ahead)
    assert len(sent) == 4
    gc.collect()
    assert not [each for each in sent if each() is not None]


def test_a_crop_that_cannot_be_made_is_told_to_whoever_waits_for_it() -> None:
    planning, sources = two_islands()
    broken = sources[0].pixels[..., :2]  # of no picture that GIMP exports
    with ThreadPoolExecutor(2) as pool:
        first, second = sending.begin(pool, JOB, planning, [Source(1, sources[0].piece, broken), sources[1]])
    why = first.base.exception()
    assert why is not None
    assert first.reference.exception() is why
    assert second.reference.exception() is None


def test_noise_is_drawn_while_the_service_works_but_only_for_as_many_answers_as_there_is_memory_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planning, sources = two_islands()
    monkeypatch.setattr(fitting, "MOST_NOISE", 2 * fitting.noise_bytes(planning, sources[0]))
    monkeypatch.setattr(fitting, "grains", lambda job, planning, source: {source.number - 1: LIKE_FILM})
    with ThreadPoolExecutor(2) as pool:
        ahead = sending.begin(pool, JOB, planning, sources)
        sent = sending.Sent(JOB, planning, [7, 8, 9], None, None, pool, ahead)  # type: ignore[arg-type]
        made = [sent.noise(sending.Sending(number, 1, 1 + number, Call(), None)).result() for number in range(3)]  # type: ignore[arg-type]
    assert [list(each) for each in made] == [[0], [0], []]
    assert made[0][0].nbytes < 2 * fitting.noise_bytes(planning, sources[0])
    assert not np.array_equal(made[0][0], made[1][0]), "each answer has noise of its own"


def test_a_job_that_is_done_does_not_wait_for_what_no_answer_needed() -> None:
    began, go_on = threading.Event(), threading.Event()

    def at_work() -> None:
        began.set()
        go_on.wait(180)

    with running.workers() as pool:
        first, waiting = pool.submit(at_work), [pool.submit(at_work) for _each in range(2 * usable_cores())]
        began.wait(180)
    assert not first.done()
    assert waiting[-1].cancelled()
    go_on.set()
