"""Each question gets its own answer: nothing that fails, ends or is cancelled meanwhile is taken for it."""

import shutil
from collections import Counter

import pytest

from bridge.protocol import Cancel, Cancelled, Failed, Finished, Open, Opened, Placed, Planned, Progress, Run
from bridge.protocol.history import AskPrompts, Prompts, Recall, Recalled
from tests.unit.service_client import photio, plan, prepare


def numbers(answers):
    """How often each question was answered."""
    return Counter(said.question for said in answers)


def a_result(started, seed):
    """A job that is run to its end; its name in the history."""
    _planned, folder = prepare(started, seed=seed)
    started.ask(Run(), Finished)
    return folder.name


def test_a_result_that_could_not_be_noted_as_inserted_is_not_taken_for_the_next_one(bridge, server, tmp_path):
    started = bridge(**photio(server))
    first, second, third = (a_result(started, seed) for seed in (11, 12, 13))
    shutil.rmtree(tmp_path / "home" / "journal" / first)
    unnoted = started.say(Placed(first, (1,)))
    for name, seed in ((second, 12), (third, 13)):
        recalled = started.ask(Recall(name), Recalled, Failed)
        assert recalled.finished.results[0].seed == seed
    answers = started.answers()
    (failed,) = [said for said in answers if isinstance(said.message, Failed)]
    assert failed.question == unnoted
    assert set(numbers(answers).values()) == {1}


def test_a_result_that_is_noted_as_inserted_is_not_answered(bridge, server):
    started = bridge(**photio(server))
    noted = started.say(Placed(a_result(started, 11), (1,)))
    assert started.ask(AskPrompts(), Prompts).texts == ()
    assert noted not in numbers(started.answers())


def test_a_cancel_that_crosses_the_result_is_not_answered(bridge, server):
    started = bridge(**photio(server))
    prepare(started)
    started.ask(Run(), Finished)
    started.say(Cancel(started.run))
    assert started.ask(AskPrompts(), Prompts, Failed, Cancelled) == Prompts(())
    answers = started.answers()
    assert set(numbers(answers).values()) == {1}
    assert not any(isinstance(said.message, Failed | Cancelled) for said in answers)


def test_a_cancel_that_crosses_an_error_is_not_answered(bridge, server):
    server.script({"answer": "status", "status_code": 401, "body": "no"})
    started = bridge(**photio(server))
    prepare(started)
    assert started.ask(Run(), Finished, Failed).code == "authentication"
    started.say(Cancel(started.run))
    assert started.ask(AskPrompts(), Prompts, Failed, Cancelled) == Prompts(())
    assert set(numbers(started.answers()).values()) == {1}


def test_a_cancel_before_anything_runs_disturbs_nobody(bridge, server):
    started = bridge(**photio(server))
    started.ask(Open(), Opened)
    started.say(Cancel(3))
    assert isinstance(started.ask(plan((0, 0, 10, 10), masked=False), Planned, Failed, Cancelled), Planned)


@pytest.mark.parametrize("time", range(5))
def test_a_cancel_at_the_moment_the_answer_comes_ends_the_job_once(bridge, server, time):
    server.script({"hold": "before-answer"})
    started = bridge(**photio(server))
    prepare(started)
    started.say(Run())
    server.wait("body")
    server.release()
    if time:  # so that it is not always the cancel that is first
        server.wait("answered")
    started.say(Cancel(started.run))
    answers = started.answers()
    (end,) = [said for said in answers if said.question == started.run]
    assert isinstance(end.message, Finished | Cancelled)
    assert all(said.question != started.run for said in started.heard[started.heard.index(end) + 1 :])
    assert set(numbers(answers).values()) == {1}


def test_what_is_asked_while_a_job_runs_is_answered_meanwhile_and_the_job_afterwards(bridge, server):
    server.script({"hold": "before-answer"})
    started = bridge(**photio(server))
    prepare(started)
    started.say(Run())
    server.wait("body")
    assert started.ask(AskPrompts(), Prompts) == Prompts(())
    started.write(b"nonsense\n")
    assert started.hear(Failed, question=started.run + 2).code == "protocol"
    assert started.ask(Recall("20261123-000000-abcdef"), Recalled, Failed).code == "journal"
    server.release()
    assert started.hear(Finished, Failed, question=started.run).results[0].seed == 7
    assert {said.question for said in started.heard if isinstance(said.message, Progress)} == {started.run}
    assert set(numbers(started.answers()).values()) == {1}
