"""What the plug-in hears when it asks about the history."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.protocol.history import (
    AskPrompts,
    AskUnclaimed,
    Browse,
    Discard,
    Discarded,
    Prompts,
    Recall,
    Show,
    Unclaimed,
)
from bridge.protocol.settings import AskSettings
from bridge.service import history_messages
from bridge.store import places, prompts
from bridge.store.journal import JournalError
from tests.unit.history_jobs import put, quick_record


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path))
    return tmp_path


def test_every_question_about_the_history_has_its_answer():
    name = put(places.journal_directory(), quick_record(started=time.time()))
    assert history_messages.answer(Browse("door", 0, 10)).entries[0].id == name
    assert history_messages.answer(AskUnclaimed()) == Unclaimed(1)
    assert history_messages.answer(Discard(name, 1)) == Discarded()
    assert history_messages.answer(Browse("", 0, 10)).total == 0
    prompts.remember("a door")
    assert history_messages.answer(AskPrompts()) == Prompts(("a door",))
    assert history_messages.answer(AskSettings()) is None


@pytest.mark.parametrize("question", [Recall("../x"), Show("../x", 1, 100), Discard("../x", 1), Recall("")])
def test_a_result_that_is_not_there_is_said_to_be_gone(question):
    with pytest.raises(JournalError, match="no longer in the history"):
        history_messages.answer(question)


def test_listing_needs_no_numpy():
    code = (
        "import sys; from bridge.service import history_messages; from bridge.protocol.history import *\n"
        "for question in (Browse('', 0, 10), AskUnclaimed(), AskPrompts()): history_messages.answer(question)\n"
        "sys.exit('numpy' in sys.modules or 'PIL' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3]).returncode == 0
