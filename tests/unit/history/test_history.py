"""The list of all results, as the user browses it, and what deleting does."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.history import index, listing
from bridge.history.records import read_record
from bridge.protocol import ProtocolError, decode, encode
from bridge.protocol.history import Page
from bridge.store.journal import JobFolder, JournalError
from bridge.store.locks import Lock
from tests.unit.history_jobs import HOUR, put, quick_record

NOW = time.time()


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


def listed(journal, search="", offset=0, count=50):
    return listing.browse(journal, search, offset, count)


def test_the_newest_result_is_on_top_and_each_variation_is_a_result(journal):
    old = put(journal, quick_record(started=NOW - 9 * HOUR, seeds=(3, 4)))
    new = put(journal, quick_record(started=NOW - 3 * HOUR, image="door.xcf", prompt="a door", seeds=(9,)))
    page = listed(journal)
    assert [(entry.id, entry.variation, entry.seed) for entry in page.entries] == [
        (new, 1, 9),
        (old, 1, 3),
        (old, 2, 4),
    ]
    assert (page.entries[0].image, page.entries[0].prompt, page.entries[0].engine) == ("door.xcf", "a door", "photio")
    assert page.entries[0].time == pytest.approx(NOW - 3 * HOUR)
    assert page.total == 3
    assert page.size == sum(file.stat().st_size for file in journal.rglob("*") if file.is_file())


def test_an_empty_history_is_an_empty_page(journal):
    assert listed(journal) == Page((), 0, 0)


@pytest.mark.parametrize(
    ("search", "found"),
    [("", 2), ("DOOR red", 1), ("red xcf", 1), ("straße", 1), ("STRASSE", 1), ("4294967296", 1), ("red beach", 0)],
)
def test_a_search_finds_results_by_all_its_words_in_prompt_image_and_seed(journal, search, found):
    put(journal, quick_record(started=NOW - 1, prompt="a red door", image="house.xcf", seeds=(1 << 32,)))
    put(journal, quick_record(started=NOW - 2, prompt="an empty beach", image="Straße.png", seeds=(12,)))
    assert listed(journal, search).total == found


def test_pages_follow_each_other_without_gap_or_repetition(journal):
    for number in range(7):
        put(journal, quick_record(started=NOW - number))
    pages = [listed(journal, "", offset, 3).entries for offset in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert len({entry.id for page in pages for entry in page}) == 7
    assert listed(journal, "", -5, -5).entries == ()


def test_the_longest_page_is_still_one_message(journal):
    seeds = tuple(range(1, 9))
    for number in range(13):
        put(journal, quick_record(started=NOW - number, prompt="\x01" * 30_000, image="\x01" * 5000, seeds=seeds))
    line = encode(listed(journal, "", 0, 10**9), 1)
    assert len(line) < 1 << 20
    assert isinstance(decode(line).message, Page)


def test_a_result_that_was_inserted_is_marked_so(journal):
    name = put(journal, quick_record(started=NOW, seeds=(1, 2)))
    JobFolder(journal / name).note_placed((2,))
    assert [(entry.variation, entry.inserted) for entry in listed(journal).entries] == [(1, False), (2, True)]


def test_an_answer_whose_bridge_was_killed_is_listed_too(journal):
    put(journal, quick_record(started=NOW, seeds=(5, 6), result=False), answers=(2,))
    (entry,) = listed(journal).entries
    assert (entry.variation, entry.seed) == (2, 6)


def test_what_another_bridge_is_still_receiving_is_listed_when_it_is_done(journal):
    name = put(journal, quick_record(started=NOW, result=False))
    lock = Lock(journal / name / ".busy")
    assert lock.take()
    assert listed(journal).total == 0
    lock.release()
    assert listed(journal).total == 1


def test_an_answer_that_nobody_can_read_is_no_result(journal):
    name = put(journal, quick_record(started=NOW, result=False), answers=())
    (journal / name / "answer-1-1.unreadable").write_bytes(b"<html>")
    assert listed(journal).total == 0


def test_what_is_foreign_or_damaged_in_the_journal_is_passed_over(journal, tmp_path):
    good = put(journal, quick_record(started=NOW))
    put(journal, b"{", answers=(1,))
    put(journal, b"\xff\xfe", answers=(1,))
    put(journal, b"[" * 100_000, answers=(1,))
    put(journal, b'{"format": 2}', answers=(1,))
    put(journal, None, answers=(1,))
    put(journal, b" " * (17 << 20), answers=(1,))
    put(journal, quick_record(started=NOW), name="my holiday")
    put(journal, quick_record(started=NOW, more={"started": 10**400}), at=NOW)
    put(journal, json.dumps(quick_record(started=NOW)).replace("a red door", "\\ud800").encode(), answers=(1,))
    put(journal, json.dumps(quick_record(started=NOW)).replace('"a red door"', "5").encode(), answers=(1,))
    put(journal, quick_record(started=NOW, more={"document": None}))
    put(journal, quick_record(started=NOW, more={"format": 2}))
    elsewhere = tmp_path / "elsewhere"
    put(elsewhere, quick_record(started=NOW), name="20260101-000000-aaaaaa")
    (journal / "20260101-000000-aaaaaa").symlink_to(elsewhere / "20260101-000000-aaaaaa")
    linked = put(journal, None, answers=(1,))
    (journal / linked / "request.json").symlink_to(elsewhere / "20260101-000000-aaaaaa" / "request.json")
    piped = put(journal, None, answers=(1,))
    os.mkfifo(journal / piped / "request.json")
    (journal / "20260101-000000-bbbbbb").write_text("a file")
    assert [entry.id for entry in listed(journal).entries] == [good]


def test_a_result_whose_files_are_gone_is_not_offered(journal):
    name = put(journal, quick_record(started=NOW, seeds=(1, 2)))
    for file in ("result-1-1-1.pnm", "answer-1-1.png"):
        (journal / name / file).unlink()
    assert [entry.variation for entry in listed(journal).entries] == [2]


def test_a_change_shows_in_the_very_next_list(journal):
    name = put(journal, quick_record(started=NOW, seeds=(1, 2)))
    assert listed(journal).total == 2
    assert index._seen  # the first look is remembered …
    listing.discard(journal, name, 1)
    assert listed(journal).total == 1  # … and not trusted too long
    JobFolder(journal / name).note_placed((2,))
    assert [entry.inserted for entry in listed(journal).entries] == [True]


def test_deleting_a_variation_takes_its_files_and_leaves_the_others(journal):
    name = put(journal, quick_record(started=NOW, seeds=(1, 2)))
    (journal / name / "picture-1-256.png").write_bytes(b"")
    (journal / name / "picture-2-256.png").write_bytes(b"")
    listing.discard(journal, name, 1)
    left = {file.name for file in (journal / name).iterdir()}
    expected = {"request.json", "answer-1-2.png", "result-1-2-1.pnm", "layer-mask-1.pgm", "picture-2-256.png"}
    assert left == expected
    assert [entry.variation for entry in listed(journal).entries] == [2]


def test_deleting_the_last_result_leaves_nothing_of_its_job(journal):
    name = put(journal, quick_record(started=NOW, seeds=(1, 2)))
    listing.discard(journal, name, 1)
    listing.discard(journal, name, 2)
    assert not list(journal.iterdir())


def test_deleting_twice_is_no_error_but_another_job_is_never_reached(journal, tmp_path):
    name = put(journal, quick_record(started=NOW, seeds=(1, 2)))
    listing.discard(journal, name, 1)
    listing.discard(journal, name, 1)
    listing.discard(journal, name, 0)
    listing.discard(journal, name, 99)
    assert listed(journal).total == 1
    put(tmp_path, quick_record(started=NOW), name="20260101-000000-aaaaaa")
    for id_ in ("../20260101-000000-aaaaaa", "", ".", "..", "20260101-000000-ffffff"):
        with pytest.raises(JournalError, match="no longer"):
            listing.discard(journal, id_, 1)
    assert (tmp_path / "20260101-000000-aaaaaa" / "answer-1-1.png").exists()


def test_a_deleted_result_does_not_come_back_when_its_window_inserts_it_later(journal):
    name = put(journal, quick_record(started=NOW))
    folder = JobFolder(journal / name)
    listing.discard(journal, name, 1)
    folder.note_placed((1,))
    assert not (journal / name).exists()


def test_results_paid_for_and_never_used_are_mentioned_once(journal):
    name = put(journal, quick_record(started=NOW, seeds=(1, 2, 3)))
    put(journal, quick_record(started=NOW, engine="offline"))
    JobFolder(journal / name).note_placed((2,))
    assert listing.claim(journal) == 2
    assert listing.claim(journal) == 0
    put(journal, quick_record(started=NOW))
    assert listing.claim(journal) == 1
    assert listed(journal).total == 5


def test_nothing_is_mentioned_while_its_own_window_may_still_insert_it(journal):
    name = put(journal, quick_record(started=NOW))
    lock = Lock(journal / name / ".busy")
    assert lock.take()
    assert listing.claim(journal) == 0
    lock.release()


MARKER = """
import sys
from pathlib import Path
from bridge.store.journal import JobFolder
folder = JobFolder(Path(sys.argv[1]))
for number in range(60):
    folder.change(lambda record: {**record, "marks": [*record["marks"], f"{sys.argv[2]}{number}"]})
"""


def test_two_gimps_that_write_about_the_same_job_lose_nothing(journal):
    name = put(journal, quick_record(started=NOW, more={"marks": []}))
    processes = [
        subprocess.Popen([sys.executable, "-c", MARKER, str(journal / name), who], cwd=Path(__file__).parents[3])
        for who in "ab"
    ]
    assert [process.wait(180) for process in processes] == [0, 0]
    marks = json.loads((journal / name / "request.json").read_text())["marks"]
    assert sorted(marks) == sorted(f"{who}{number}" for who in "ab" for number in range(60))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(data=st.data())
def test_whatever_is_in_a_record_the_history_opens(tmp_path_factory, data):
    journal = tmp_path_factory.mktemp("journal")
    record = quick_record(started=NOW, seeds=(1, 2), more={"placed": {"1": 1.0}, "mentioned": [2], "discarded": []})
    part = record
    while True:
        name = data.draw(st.sampled_from(sorted(part)) if isinstance(part, dict) else st.sampled_from(range(len(part))))
        if isinstance(part[name], dict | list) and part[name] and data.draw(st.booleans()):
            part = part[name]
        else:
            part[name] = data.draw(json_values)
            break
    put(journal, json.dumps(record).encode())
    page = listed(journal)
    assert decode(encode(page, 1)).message == page
    assert listing.claim(journal) <= 2
    assert not index.look(journal / "nothing")


@given(content=st.binary())
def test_whatever_bytes_a_record_holds_it_is_read_or_passed_over(tmp_path_factory, content):
    journal = tmp_path_factory.mktemp("journal")
    name = put(journal, content)
    assert read_record(journal / name) is None
    with pytest.raises(ProtocolError):
        decode(content)


def test_a_file_name_that_is_none_is_not_offered(journal):
    record = quick_record(started=NOW)
    record["result"]["masks"][0]["file"] = ["layer-mask-1.pgm"]
    name = put(journal, record)
    (journal / name / "answer-1-1.png").unlink()
    assert listed(journal).total == 0


def test_a_canvas_or_box_beyond_all_measure_is_not_believed(journal):
    for more in (
        {"selection": [0, 0, 1 << 40, 1]},
        {"crops": []},
        {"crops": [{"box": [1200, 0, 100, 100], "padding": [0, 0, 0, 0], "size": [1024, 1024]}]},  # beyond the canvas
        {"crops": [{"box": [-1, 0, 100, 100], "padding": [0, 0, 0, 0], "size": [1024, 1024]}]},
        {"document": {**quick_record(started=NOW)["document"], "canvas": [(1 << 19) + 1, 1000]}},  # GIMP has none such
        {"document": {**quick_record(started=NOW)["document"], "layer": 1 << 32}},  # a tattoo has 32 bits
        {"crops": [{"box": [0, 0, 0, 5], "padding": [0, 0, 0, 0], "size": [8, 8]}]},
        {"seeds": [0]},
        {"seeds": []},
        {"native_limit": 1e300},
        {"engine": "mine"},
        {"started": 1e300},
        {"job": {**quick_record(started=NOW)["job"], "cfg_scale": float("inf")}},
    ):
        name = put(journal, quick_record(started=NOW, more=more), at=NOW)
        assert read_record(journal / name) is None, more
