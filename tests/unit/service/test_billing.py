"""What may have been billed is told before all else, and nothing more is billed when the plug-in goes."""

import json
import time

from bridge.protocol import Failed, Finished, Run
from bridge.store import locks
from bridge.store.journal import BUSY_FILE, RECORD_FILE
from tests.unit.service_client import photio, prepare, state

BILLED = "may have been billed"
REFUSED = {"answer": "status", "status_code": 500, "body": "busy"}


def spoil(folder, name=RECORD_FILE):
    """From now on that file can neither be read nor written."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()


def run_spoiled(started, server, name=RECORD_FILE, requests=1, **changes):
    """Runs a job whose file of that name is spoiled while the service works; how it ends, and its folder."""
    _planned, folder = prepare(started, variations=requests, **changes)
    started.say(Run())
    server.wait("body", requests)
    spoil(folder, name)
    server.release()
    return started.hear(Finished, Failed, question=started.run), folder


def has_ended(folder, seconds=30):
    """Whether the job in that folder ends, while nothing else happens."""
    end = time.monotonic() + seconds
    while held := locks.is_held(folder / BUSY_FILE):
        if time.monotonic() > end:
            break
        time.sleep(0.005)  # between two looks
    return not held


def test_when_the_plug_in_goes_a_second_jobs_upload_is_dropped_while_the_firsts_answer_is_waited_for(bridge, server):
    server.script({"hold": "before-answer"}, {"hold": "before-body"})
    started = bridge(**photio(server))
    _planned, first = prepare(started)
    started.say(Run())
    server.wait("body")
    assert started.cancel().may_be_billed
    _planned, second = prepare(started, seed=8)
    started.say(Run())
    server.wait("headers", 2)
    started.process.stdin.close()
    assert has_ended(second)
    assert started.process.poll() is None, "the first one's answer is still to come"
    server.release()
    server.wait("dropped")
    assert started.process.wait(60) == 0
    assert [bool(request["body"]) for request in server.requests()] == [True, False]
    assert state(first) == "received"
    assert not second.exists()


def test_that_it_may_have_been_billed_is_heard_although_the_record_cannot_be_written(bridge, server, tmp_path):
    server.script({"hold": "before-answer", "close": "after-body"})
    failed, _folder = run_spoiled(bridge(**photio(server)), server)
    assert BILLED in failed.sentence
    assert failed.code == "connection"
    assert RECORD_FILE in (tmp_path / "home" / "log" / "bridge.log").read_text()


def test_what_the_service_refused_is_heard_although_the_record_cannot_be_written(bridge, server):
    server.script({"hold": "before-answer", **REFUSED})
    failed, _folder = run_spoiled(bridge(**photio(server)), server)
    assert failed.code == "service"
    assert "billed" not in failed.sentence


def test_of_several_errors_the_one_that_says_that_it_may_have_been_billed_is_heard(bridge, server):
    held = {"hold": "before-answer"}
    server.script({**held, "close": "after-body"}, *[{**held, **REFUSED}] * 7)  # which is which, chance decides
    started = bridge(**photio(server))
    _planned, folder = prepare(started, variations=8)
    started.say(Run())
    server.wait("body", 8)
    server.release()
    failed = started.hear(Failed, question=started.run)
    assert BILLED in failed.sentence
    assert json.loads((folder / RECORD_FILE).read_text())["error"] == "connection"


def test_a_result_is_delivered_although_the_record_cannot_be_written_and_it_says_so(bridge, server):
    server.script({"hold": "before-answer"}, {"hold": "before-answer", "close": "after-body"})
    finished, folder = run_spoiled(bridge(**photio(server)), server, requests=2)
    assert len(finished.results) == 1
    assert all((folder / patch.file).is_file() for patch in (*finished.results[0].patches, *finished.masks))
    assert any(BILLED in remark for remark in finished.remarks)
    assert any("history could not" in remark for remark in finished.remarks)


def test_an_answer_that_cannot_be_saved_says_that_it_may_have_been_billed_and_where_to_look(bridge, server):
    server.script({"hold": "before-answer"})
    failed, folder = run_spoiled(bridge(**photio(server)), server, "answer-1-1.png")
    assert failed.code == "storage"
    assert "answer-1-1.png" in failed.sentence
    assert "may have billed it" in failed.sentence
    assert "History" in failed.sentence
    assert (folder / "arriving-1-1").stat().st_size > 0, "what came is kept"


def test_an_answer_of_the_offline_engine_that_cannot_be_saved_says_nothing_of_bills(bridge):
    started = bridge()
    _planned, folder = prepare(started, selection=(500, 400, 20, 10), context=100.0)
    spoil(folder, "answer-1-1.png")
    failed = started.ask(Run(), Finished, Failed)
    assert failed.code == "storage"
    assert "bill" not in failed.sentence
