"""The bridge as the plug-in meets it: a process that is told things on stdin and answers on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge import imaging
from bridge.protocol import (
    SELECTION_FILE,
    Cancel,
    Cancelled,
    Document,
    Failed,
    Finished,
    Job,
    Open,
    Opened,
    Placed,
    Plan,
    Planned,
    Progress,
    Received,
    Run,
    decode,
    encode,
)
from tests.regen_server import RegenServer

BRIDGE = Path(__file__).parents[2] / "bridge"
KEY = "test-key-0123456789abcdef"
CANVAS = (1216, 832)


class BridgeProcess:
    """A bridge, and the plug-in's end of its pipes."""

    def __init__(self, home: Path, **variables: str) -> None:
        environment = {**os.environ, "PHOTIO_HOME": str(home), **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(BRIDGE), "service"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.said = 0
        self.run = None

    def say(self, message):
        """Sends a message; its number."""
        self.said += 1
        self.process.stdin.write(encode(message, self.said))
        self.process.stdin.flush()
        if isinstance(message, Run):
            self.run = self.said
        return self.said

    def hear(self, *kinds, question=None):
        """The next message of these kinds, with that number if one is given."""
        for line in self.process.stdout:
            said = decode(line)
            if isinstance(said.message, kinds) and question in (None, said.question):
                return said.message
        raise AssertionError("the bridge ended")

    def ask(self, message, *kinds):
        """Sends a message, and gives its answer."""
        return self.hear(*kinds, question=self.say(message))

    def cancel(self):
        """Cancels the last job that was run, and gives what its `Run` is answered with."""
        self.say(Cancel(self.run))
        return self.hear(Cancelled, question=self.run)

    def rest(self):
        """Closes our end of the one pipe; all that the bridge still says, with the numbers, as long as it lives."""
        self.process.stdin.close()
        return [decode(line) for line in self.process.stdout]

    def leave(self):
        """Closes our end, as a killed plug-in does; the exit status when the bridge has ended."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(60)


@pytest.fixture
def bridge(tmp_path):
    started = []

    def start(**variables):
        started.append(BridgeProcess(tmp_path / "home", **variables))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.fixture
def server():
    with RegenServer() as running:
        yield running


def job(**changes):
    values = {
        "prompt": "", "negative_prompt": "", "quality": "LOW", "seed": 7, "cfg_scale": 2.5, "variations": 1,
        "sample": "layer", "context": 400.0, "grow": 0, "feather": 0, "engine": "auto",
        "areas": "auto", "resolution": "recommended", "fill_transparent": False, "match_colour": True,
        "match_grain": False, "source": 1,
    }  # fmt: skip
    return Job(**{**values, **changes})


def plan(selection, masked=True, preview=(0, 0), **changes):
    """What the plug-in says when it knows what is selected."""
    return Plan(job(**changes), Document("photo.xcf", (), "1-1", CANVAS, 1), selection, masked, preview)


def prepare(started, selection=(500, 400, 100, 50), **changes):
    """Goes as far as the export: the plan and the job's folder."""
    opened = started.ask(Open(), Opened)
    folder = Path(opened.folder)
    (folder / SELECTION_FILE).write_bytes(imaging.pnm(np.full((selection[3], selection[2]), 255, np.uint8)))
    planned = started.ask(plan(selection, **changes), Planned)
    for crop in planned.crops:
        pixels = np.random.default_rng(1).integers(0, 256, (crop.box[3], crop.box[2], 3), dtype=np.uint8)
        (folder / crop.file).write_bytes(imaging.pnm(pixels))
    return planned, folder


def photio(server):
    return {"PHOTIO_ORIGIN": server.origin, "PHOTIO_API_KEY": KEY}


def state(folder):
    return json.loads((folder / "request.json").read_text())["state"]


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
