"""The bridge as the plug-in meets it: a process that is told things on stdin and answers on stdout."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.pixels import imaging
from bridge.protocol import (
    SELECTION_FILE,
    Cancelled,
    Failed,
    Finished,
    Mark,
    Marked,
    Open,
    Opened,
    Placed,
    Planned,
    Progress,
    Received,
    Run,
)
from tests.unit.service_client import CANVAS, KEY, BridgeProcess, photio, plan, prepare, state


def test_a_job_goes_from_selection_to_result_and_is_kept(bridge, server):
    started = bridge(**photio(server))
    planned, folder = prepare(started)
    assert planned.engine == "photio"
    assert planned.requests == 1
    finished = started.ask(Run(), Finished)
    assert finished.box == (500, 400, 100, 50)
    (result,) = finished.results
    assert result.seed == 7
    (patch,) = result.patches
    assert patch.box == finished.box
    assert (folder / patch.file).read_bytes().startswith(b"P6\n100 50\n65535\n")
    assert json.loads(result.provenance)["seed"] == 7
    started.say(Placed(folder.name, (1,)))
    assert started.leave() == 0
    assert state(folder) == "placed"
    assert json.loads((folder / "request.json").read_text())["seeds"] == [7]


def test_the_service_gets_the_mask_black_where_the_selection_is_and_white_elsewhere(bridge, server):
    started = bridge(**photio(server))
    planned, folder = prepare(started, selection=(300, 200, 400, 300))
    assert planned.crops[0].size == CANVAS
    started.ask(Run(), Finished)
    sent = np.asarray(Image.open(folder / "mask-1.png"))
    expected = np.full((832, 1216), 255, np.uint8)
    expected[200:500, 300:700] = 0
    np.testing.assert_array_equal(sent, expected)


def test_the_answer_is_in_the_journal_before_anybody_hears_of_it(bridge, server):
    started = bridge(**photio(server))
    _planned, folder = prepare(started)
    received = started.ask(Run(), Received)
    assert (folder / f"answer-1-{received.variation}.png").exists()
    finished = started.hear(Finished)
    assert (folder / finished.results[0].patches[0].file).exists()


STAGES = ["Preparing", "Connecting", "Uploading", "Waiting", "Receiving", "Finishing"]


def first_word(progress):
    return progress.text.split()[0].rstrip("…")


def test_progress_tells_the_stages_in_order(bridge, server):
    started = bridge(**photio(server))
    prepare(started)
    started.say(Run())
    texts, fractions = [], []
    while not isinstance(message := started.hear(Progress, Finished), Finished):
        texts.append(first_word(message))
        fractions.append(message.fraction)
    assert texts[0] == "Preparing"
    assert texts == sorted(texts, key=STAGES.index)
    assert fractions == sorted(fractions)


def test_whoever_waits_for_the_service_is_told_so(bridge, server):
    server.script({"hold": "before-answer"})
    started = bridge(**photio(server))
    prepare(started)
    started.say(Run())
    while first_word(started.hear(Progress)) != "Waiting":
        pass
    server.wait("body")  # all is handed over, but what is not read yet is not held yet
    server.release()
    started.hear(Finished)


def test_variations_have_different_seeds_and_each_is_asked_for_once(bridge, server):
    started = bridge(**photio(server))
    prepare(started, variations=8, seed=-1)
    finished = started.ask(Run(), Finished)
    seeds = [result.seed for result in finished.results]
    assert len(set(seeds)) == 8
    assert sorted(request["body"]["seed"] for request in server.requests()) == sorted(seeds)


def test_a_variation_that_failed_does_not_cost_the_others(bridge, server):
    server.script({}, {"answer": "status", "status_code": 500, "body": "busy"}, {})
    started = bridge(**photio(server))
    prepare(started, variations=3)
    finished = started.ask(Run(), Finished)
    assert len(finished.results) == 2
    assert any("is missing" in remark for remark in finished.remarks)


def test_cancelling_before_the_request_is_sent_costs_nothing(bridge, server):
    server.script({"hold": "before-body"})
    started = bridge(**photio(server))
    _planned, folder = prepare(started)
    started.say(Run())
    server.wait("headers")
    assert started.cancel() == Cancelled(may_be_billed=False)
    server.release()
    server.wait("dropped")
    assert started.leave() == 0
    assert not folder.exists()


def test_cancelling_later_says_that_it_may_cost_and_keeps_the_answer(bridge, server):
    server.script({"hold": "before-answer"})
    started = bridge(**photio(server))
    _planned, folder = prepare(started)
    started.say(Run())
    server.wait("body")
    assert started.cancel() == Cancelled(may_be_billed=True)
    server.release()
    assert started.leave() == 0
    assert state(folder) == "received"


def test_after_cancelling_the_next_job_is_not_disturbed_by_the_first_ones_answer(bridge, server):
    server.script({"hold": "before-answer"})
    started = bridge(**photio(server))
    _planned, first = prepare(started)
    started.say(Run())
    server.wait("body")
    started.cancel()
    server.release()
    _planned, second = prepare(started, seed=8)
    finished = started.ask(Run(), Finished, Failed, Cancelled)
    assert finished.results[0].seed == 8
    started.leave()
    assert state(first) == state(second) == "received"


def test_a_preview_shows_what_will_be_sent_and_marks_what_is_regenerated(bridge, server):
    started = bridge(**photio(server))
    opened = started.ask(Open(), Opened)
    shown = started.ask(plan((300, 200, 400, 300), masked=False, preview=(608, 600)), Planned).preview
    assert shown.box == (0, 0, *CANVAS)
    assert shown.size == (608, 416)
    picture = imaging.read_pnm(Path(opened.folder) / shown.overlay)
    assert picture.shape == (416, 608, 4)
    assert picture[10, 10, 3] == 0
    assert picture[175, 250, 3] > 60
    assert server.requests() == []


def test_a_part_of_the_preview_is_drawn_again_in_full_size(bridge, server):
    started = bridge(**photio(server))
    opened = started.ask(Open(), Opened)
    started.ask(plan((300, 200, 400, 300), masked=False, preview=(608, 600)), Planned)
    marked = started.ask(Mark((290, 190, 100, 50), (200, 100)), Marked)
    picture = imaging.read_pnm(Path(opened.folder) / marked.overlay)
    assert picture.shape == (100, 200, 4)
    tint = picture[60, 100]
    assert tint[3] > 60
    assert (picture[20:, 20:] == tint).all()  # two for each pixel of the image
    assert (picture[:18] == 0)[..., 3].all()
    assert not (picture[:, 18] == tint).all(axis=1).any()
    failed = started.ask(Mark((0, 0, 0, 5), (10, 10)), Failed)
    assert failed.code == "protocol"


def test_planning_again_and_again_leaves_one_folder_and_sends_the_last_plan(bridge, server):
    started = bridge(**photio(server))
    _planned, folder = prepare(started, context=100.0)
    wider = started.ask(plan((500, 400, 100, 50), context=400.0), Planned)
    (crop,) = wider.crops
    pixels = np.zeros((crop.box[3], crop.box[2], 3), np.uint8)
    (folder / crop.file).write_bytes(imaging.pnm(pixels))
    started.ask(Run(), Finished)
    record = json.loads((folder / "request.json").read_text())
    assert record["job"]["context"] == 400
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]


def test_a_plug_in_that_dies_at_any_stage_leaves_no_bridge_behind(bridge, server):
    for stage in range(3):
        started = bridge(**photio(server))
        if stage > 0:
            opened = started.ask(Open(), Opened)
        if stage > 1:
            started.ask(plan((0, 0, 10, 10), masked=False), Planned)
        assert started.leave() == 0
        if stage > 0:
            assert not Path(opened.folder).exists()
    assert server.requests() == []


def test_without_a_key_the_offline_engine_answers(bridge):
    started = bridge()
    planned, _folder = prepare(started, selection=(500, 400, 20, 10), context=100.0)
    assert planned.engine == "offline"
    assert started.ask(Run(), Finished).results[0].seed == 7


def test_a_prompt_without_a_key_is_refused_at_once(bridge):
    started = bridge()
    started.ask(Open(), Opened)
    failed = started.ask(plan((0, 0, 10, 10), masked=False, prompt="a boat"), Planned, Failed)
    assert failed.code == "offline-limit"


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b'{"type": "run", "question": 1}\n',
        b'{"type": "finished", "question": 1}\n',
        b'{"type": "open"}\n',
    ],
)
def test_what_is_not_understood_is_answered_with_a_sentence(bridge, line):
    started = bridge()
    started.process.stdin.write(line)
    started.process.stdin.flush()
    assert started.hear(Failed, question=1).code == "protocol"


def test_a_selection_file_that_is_damaged_is_a_sentence(bridge, server):
    started = bridge(**photio(server))
    opened = started.ask(Open(), Opened)
    (Path(opened.folder) / SELECTION_FILE).write_bytes(b"P5\n1 1\n255\n")
    assert started.ask(plan((0, 0, 10, 10)), Planned, Failed).code == "picture"


def test_a_damaged_package_is_named_whichever_thread_imports_it_first(tmp_path):
    (tmp_path / "numpy").mkdir()
    (tmp_path / "numpy" / "__init__.py").write_text("raise ImportError('numpy is damaged')\n")
    for _ in range(8):  # without the wait for the imports, 26 of 40 named another one
        started = BridgeProcess(tmp_path / "home", before=tmp_path)
        started.ask(Open(), Opened)
        failed = started.ask(plan((0, 0, 10, 10)), Planned, Failed)
        started.leave()
        assert failed.sentence == "One of Photio's packages is missing or damaged: “numpy is damaged”."


def test_a_package_that_only_sending_needs_is_named_before_anything_is_sent(server, tmp_path):
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests" / "__init__.py").write_text("raise ImportError('requests is damaged')\n")
    for _ in range(8):
        started = BridgeProcess(tmp_path / "home", before=tmp_path, **photio(server))
        _planned, folder = prepare(started)
        failed = started.ask(Run(), Finished, Failed)
        assert failed.code == "damaged", "the plug-in offers to set up again"
        assert failed.sentence == "One of Photio's packages is missing or damaged: “requests is damaged”."
        started.leave()
        assert not folder.exists()
    assert not server.requests()


def test_a_home_that_cannot_be_written_to_is_said_so(bridge, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    failed = bridge().ask(Open(), Opened, Failed)
    assert failed.code == "journal"
    assert str(tmp_path / "home") in failed.sentence


def test_neither_key_nor_prompt_is_in_the_log(bridge, server, tmp_path):
    server.script({"answer": "status", "status_code": 401, "body": f"bad key {KEY}"})
    started = bridge(**photio(server))
    prepare(started, prompt="a secret garden")
    failed = started.ask(Run(), Finished, Failed)
    assert failed.code == "authentication"
    started.leave()
    log = (tmp_path / "home" / "log" / "bridge.log").read_text()
    assert KEY not in log + failed.sentence
    assert "secret garden" not in log
