"""A window may stay open all day: what a job needed is given back when the job has ended."""

import gc
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from bridge.job.areas import Planning
from bridge.job.crop_work import CropWork
from bridge.job.regeneration import Regeneration
from bridge.pixels import imaging
from bridge.protocol import SELECTION_FILE, Document, Failed, Finished, Open, Opened, Plan, Planned, Run
from bridge.service.session import Announcer, Service
from tests.unit.service_client import Talk, job, photio, prepare

REFUSED = {"answer": "status", "status_code": 401, "body": "no"}
#: As `early.KEEPING_MEMORY` of the plug-in.
KEEPING_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_ARENA_MAX": "1"}

LARGE = (4000, 3000)
MASK = LARGE[0] * LARGE[1]  # bytes


class InThisProcess(Talk):
    """A bridge whose memory can be looked at from here."""

    def __init__(self):
        (asked, ask), (answers, answer) = os.pipe(), os.pipe()
        super().__init__(os.fdopen(ask, "wb"), os.fdopen(answers, "rb"))

        def serve():
            with os.fdopen(asked, "rb") as there, os.fdopen(answer, "wb") as here:
                Service(Announcer(here)).serve(there)

        self._thread = threading.Thread(target=serve)
        self._thread.start()

    def leave(self):
        """Closes our end, and waits until the bridge has ended."""
        self._stdin.close()
        self._thread.join()
        self._stdout.close()


@pytest.fixture
def here(server, tmp_path, monkeypatch):
    for name, value in {"PHOTIO_HOME": str(tmp_path / "home"), **photio(server)}.items():
        monkeypatch.setenv(name, value)
    started = InThisProcess()
    gc.disable()  # it would come one day; here nobody waits for it
    yield started
    gc.enable()
    started.leave()


def alive():
    """What has a job's masks and crops in this process, when nothing runs any longer."""
    for _look in range(300):
        objects = gc.get_objects()
        found = [type(each).__name__ for each in objects if isinstance(each, Planning | CropWork | Regeneration)]
        del objects
        if not found:
            break
        os.sched_yield()  # threads that have done their work may still be about to end
    return found


@pytest.mark.parametrize("behaviour", [{}, REFUSED, {"close": "after-body"}], ids=["result", "refused", "broken"])
def test_a_job_that_has_ended_is_let_go_while_the_window_stays_open(here, server, behaviour):
    server.script(behaviour, behaviour)
    prepare(here, variations=2)
    here.ask(Run(), Finished, Failed)
    assert alive() == []


def test_a_job_that_was_cancelled_is_let_go_when_its_answer_is_kept(here, server):
    server.script({"hold": "before-answer"})
    prepare(here)
    here.say(Run())
    server.wait("body")
    here.cancel()
    server.release()
    assert alive() == []


@pytest.mark.parametrize("behaviour", [REFUSED, {"close": "after-body"}], ids=["refused", "broken"])
def test_many_jobs_on_large_selections_take_no_more_memory_than_a_few(bridge, server, behaviour):
    server.script(*[behaviour] * 9)
    started = bridge(**photio(server), **KEEPING_MEMORY)
    used = []
    for _time in range(8):
        folder = Path(started.ask(Open(), Opened).folder)
        (folder / SELECTION_FILE).write_bytes(imaging.pnm(np.full(LARGE[::-1], 255, np.uint8)))
        document = Document("photo.xcf", (), "1-1", LARGE, 1)
        planned = started.ask(Plan(job(), document, (0, 0, *LARGE), True, (0, 0)), Planned)
        for crop in planned.crops:
            (folder / crop.file).write_bytes(imaging.pnm(np.zeros((crop.box[3], crop.box[2], 3), np.uint8)))
        started.ask(Run(), Failed)
        used.append(resident(started.process.pid))
    assert used[-1] - used[1] < 3 * MASK, used


def resident(pid):
    """Bytes of memory that a process has now."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
