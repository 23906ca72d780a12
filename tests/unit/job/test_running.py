"""A job's life: what is announced, and what a cancelled job still does."""

import threading

import pytest

from bridge.job import fitting
from bridge.protocol import Cancelled, Finished, ProtocolError, Received
from tests.unit.history_jobs import TWO_AREAS, plan_a_job


def test_a_job_that_is_cancelled_while_its_pictures_are_read_sends_nothing_and_says_so(server, monkeypatch):
    reading, go_on, read = threading.Event(), threading.Event(), fitting.read_crops

    def slow(*others):
        reading.set()
        go_on.wait(60)
        return read(*others)

    monkeypatch.setattr(fitting, "read_crops", slow)
    heard, job = [], plan_a_job(variations=3)
    job.start(heard.append)
    assert reading.wait(60)
    job.cancel()
    known = list(heard)
    go_on.set()
    job.wait()
    assert known[-1] == Cancelled(may_be_billed=False)
    assert heard == known, "nothing follows"
    assert server.requests() == []


def test_each_end_is_announced_once_and_after_everything_else(server):
    heard, ended, job = [], threading.Event(), plan_a_job(selections=TWO_AREAS, areas="separate", variations=4)
    job.start(heard.append, ended.set)
    with pytest.raises(ProtocolError):
        job.start(heard.append)
    assert ended.wait(120)
    job.cancel()
    assert sum(isinstance(message, Received) for message in heard) == 8
    assert [message for message in heard if isinstance(message, Finished | Cancelled)] == [heard[-1]]
