"""A larger canvas is filled: one request after the other, with a service of ours."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.history import recovery
from bridge.job.areas import NothingToDoError
from bridge.job.running import RunningJob
from bridge.pixels import imaging
from bridge.pixels.geometry import Box
from bridge.protocol import Cancelled, Document, Failed, Finished, Plan, ProtocolError
from bridge.store import places, settings
from tests.unit.history_jobs import a_job

CANVAS = (1300, 4000)
BEFORE = Box(0, 0, 1000, 4000)
RED, GREEN, BLUE = ([250, 20, 30], [10, 200, 30], [20, 30, 240])


def photograph(box, before):
    """What GIMP exports: a smooth picture, and nothing beyond it."""
    pixels = np.zeros((box.height, box.width, 4), np.uint8)
    rows, columns = np.mgrid[box.y : box.bottom, box.x : box.right]
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = 80 + rows % 64, 90 + columns % 64, 120
    inside = before.within(box)
    alpha = np.zeros((box.height, box.width), np.uint8)
    if not inside.is_empty:
        alpha[inside.relative_to(box).slices] = 255
    pixels[..., 3] = alpha
    pixels[alpha == 0] = 0
    return pixels


def plan(canvas=CANVAS, before=BEFORE, of=photograph, **changes):
    """A job that is ready to be started, and its plan."""
    running = RunningJob(settings.load()[0], ())
    document = Document("photo.xcf", ("file:///photo.xcf",), "1-1", canvas, 1, before)
    asked = a_job(**{"prompt": "", "grow": -1, "feather": -1, "context": 50.0, "match_colour": False, **changes})
    planned = running.plan(Plan(asked, document, (0, 0, *canvas), False, (0, 0)))
    for crop in planned.crops:
        content = imaging.pnm(of(Box(*crop.box), before))
        (Path(running.opened.folder) / crop.file).write_bytes(content)
    return running, planned


def run(**how):
    """Runs a job to its end: its folder, its plan and its last message."""
    heard = []
    running, planned = plan(**how)
    running.start(heard.append)
    running.wait()
    return running.folder.path, planned, next(each for each in heard if isinstance(each, Finished | Failed))


def placed(folder, finished):
    """What GIMP makes of the result: colours, 0–255, and the layer's mask."""
    width, height = CANVAS
    colours, mask = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.uint8)
    (result,) = finished.results
    for patch in result.patches:
        colours[Box(*patch.box).slices] = imaging.read_deep(folder / patch.file, Box(0, 0, *patch.box[2:]))
    for patch in finished.masks_of(result):
        mask[Box(*patch.box).slices] = imaging.read_pnm(folder / patch.file)
    return colours, mask


def sent(request, name):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(request["body"][name]))))


def colour(rgb):
    return {"answer": "colour", "rgb": rgb}


def test_all_that_is_new_is_shown_and_the_picture_only_along_its_edge(server):
    server.script(*map(colour, (RED, GREEN, BLUE)))
    folder, planned, finished = run()
    assert planned.requests == len(server.requests()) == 3
    _colours, mask = placed(folder, finished)
    assert (mask[:, 1000:] == 255).all()
    reach = planned.grow + planned.feather
    assert planned.grow >= 6
    assert (mask[:, : 1000 - reach] == 0).all()
    assert (mask[:, 1000 - planned.grow // 2 : 1000] > 128).all()


def test_each_request_shows_what_the_earlier_ones_gave_and_keeps_it(server):
    server.script(*map(colour, (RED, GREEN, BLUE)))
    _folder, planned, _finished = run()
    requests = server.requests()
    for number, rgb in ((1, RED), (2, GREEN)):
        crop = planned.crops[number]
        base, mask = (sent(requests[number], name) for name in ("base_image", "mask_image"))
        kept = mask > 128
        there = np.abs(base.astype(int) - rgb).max(axis=2) < 12
        assert (there & kept).any(), f"request {number + 1} does not show the answer before"
        assert crop.scale >= 1 / 1.5


def test_neighbouring_answers_fade_into_each_other(server):
    server.script(*map(colour, (RED, GREEN, BLUE)))
    folder, _planned, finished = run()
    colours, _mask = placed(folder, finished)
    column = colours[:, 1200]
    assert np.abs(column[0] - RED).max() < 2
    assert np.abs(column[-1] - BLUE).max() < 2
    assert np.abs(np.diff(column, axis=0)).max() < 20  # of 240 from one colour to the next
    assert (np.abs(column - GREEN).max(axis=1) < 2).sum() > 500
    pure = np.any([np.abs(column - rgb).max(axis=1) < 2 for rgb in (RED, GREEN, BLUE)], axis=0)
    assert (~pure).sum() > 150  # px, at two borders: far more than where an answer fades into the photograph


def test_an_answer_that_changes_nothing_leaves_no_seam_in_the_picture(server):
    folder, _planned, finished = run(match_colour=True)
    colours, mask = placed(folder, finished)
    edge = slice(960, 1000)
    truth = photograph(Box(0, 0, *CANVAS), BEFORE)[:, edge, :3].astype(np.float32)
    weight = mask[:, edge, None] / 255
    seen = truth + (colours[:, edge] - truth) * weight
    inner = seen[:, :-8] - truth[:, :-8]  # the last px depend on what is beyond them
    assert np.abs(inner).mean() < 1.5


def test_after_a_request_that_failed_the_others_are_not_sent_and_what_came_is_kept(server):
    server.script(colour(RED), {"answer": "status", "status_code": 400, "http": 400})
    folder, _planned, finished = run()
    assert len(server.requests()) == 2
    assert isinstance(finished, Finished)
    assert finished.remarks
    colours, mask = placed(folder, finished)
    assert (mask[:900, 1000:] == 255).all()
    assert (mask[3000:] == 0).all()
    assert np.abs(colours[400, 1200] - RED).max() < 2


def test_what_the_first_request_cannot_give_is_an_error_and_nothing_follows(server):
    server.script({"answer": "status", "status_code": 401, "http": 401})
    _folder, _planned, failed = run()
    assert isinstance(failed, Failed)
    assert failed.code == "authentication"
    assert len(server.requests()) == 1


def test_after_cancelling_only_the_request_that_was_sent_is_waited_for(server):
    server.script({**colour(RED), "hold": "before-answer"})
    heard, (running, _planned) = [], plan()
    running.start(heard.append)
    server.wait("body")
    running.cancel()
    assert heard[-1] == Cancelled(may_be_billed=True)
    server.release()
    running.wait()
    assert len(server.requests()) == 1
    assert (running.folder.path / "answer-1-1.png").exists()


@pytest.mark.parametrize("lost", [(1, 2, 3), (3,), (2,)])
def test_after_a_crash_the_history_makes_the_same_of_the_answers(server, lost):
    server.script(*map(colour, (RED, GREEN, BLUE)))
    folder, _planned, finished = run(match_grain=True)
    made = {file.name: file.read_bytes() for file in (*folder.glob("result-*"), *folder.glob("layer-mask-*"))}
    for number in lost:
        (folder / f"result-{number}-1-1.pnm").unlink()
    if len(lost) == 3:
        record = json.loads((folder / "request.json").read_text())
        del record["result"]
        (folder / "request.json").write_text(json.dumps({**record, "state": "sending"}))
    recalled = recovery.recall(places.journal_directory(), folder.name)
    assert {file.name: file.read_bytes() for file in (*folder.glob("result-*"), *folder.glob("layer-mask-*"))} == made
    assert set(recalled.finished.masks) == set(finished.masks)
    assert recalled.document.before == BEFORE


def test_a_crop_in_which_a_layer_reaches_the_new_edge_is_not_sent(server):
    def reaches_far(box, before):
        return photograph(box, Box(0, 0, 1300, 2000) if box.bottom <= 2000 else before)

    run(of=reaches_far)
    assert len(server.requests()) == 2


def test_where_layers_fill_the_new_canvas_nothing_is_sent(server):
    _folder, _planned, failed = run(of=lambda box, _before: photograph(box, Box(0, 0, *CANVAS)))
    assert failed.code == "nothing-to-do"
    assert server.requests() == []


def test_a_canvas_that_does_not_grow_is_refused(server):
    with pytest.raises(NothingToDoError):
        plan(before=Box(0, 0, *CANVAS))


def test_a_canvas_that_would_become_smaller_is_no_message(server):
    with pytest.raises(ProtocolError):
        plan(before=Box(-10, 0, 1000, 4000))


def test_more_than_eight_requests_are_not_made_and_the_plan_says_what_that_costs(server):
    _running, planned = plan(
        (16000, 12000), Box(2000, 2000, 12000, 8000), of=lambda box, _before: photograph(Box(0, 0, 8, 8), box)
    )
    assert planned.requests <= 8
    assert any("requests are not enough" in remark for remark in planned.remarks)


def test_the_prompt_decides_nothing_about_how_the_picture_fades(server):
    (_one, without), (_two, with_one) = plan(), plan(prompt="a lake")
    assert (without.grow, without.feather, without.spill) == (with_one.grow, with_one.feather, with_one.spill)
