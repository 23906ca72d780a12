"""What was received can be inserted later, exactly, whenever the bridge died. Jobs are run with a service of ours."""

import io
import json
import os
import shutil

import pytest
from PIL import Image, ImageDraw

from bridge.common.errors import PhotioError
from bridge.history import listing
from bridge.history.records import HistoryError
from bridge.protocol import Failed, Finished, decode, encode
from bridge.protocol.history import Recalled
from bridge.store import places
from bridge.store.journal import JobFolder
from bridge.store.locks import Lock
from tests.unit.history_jobs import TWO_AREAS, recall, run_a_job


def record_of(folder):
    return json.loads((folder / "request.json").read_text())


def change(folder, **facts):
    record = {**record_of(folder), **facts}
    (folder / "request.json").write_text(json.dumps({key: value for key, value in record.items() if value is not None}))


def forget_the_result(folder):
    """As after a kill between the last answer's arrival and what was to be made of it; the files by name."""
    made = {file.name: file.read_bytes() for file in folder.glob("result-*")}
    for file in (*folder.glob("result-*"), *folder.glob("layer-mask-*"), *folder.glob("picture-*")):
        file.unlink()
    change(folder, result=None, state="sending")
    return made


def with_a_disc(image):
    """A service that paints more than it was asked for."""
    width, height = image.size
    radius = height * 6 // 25
    box = (width // 2 - radius, height // 2 - radius, width // 2 + radius, height // 2 + radius)
    ImageDraw.Draw(image).ellipse(box, fill=(240, 30, 40))
    return image


@pytest.mark.parametrize("lost", ["layer-mask-1-2-1.pgm", "result-1-2-1.pnm"])
def test_a_mask_that_one_variation_has_for_itself_is_made_again_too(server, lost):
    server.script({}, {"change": with_a_disc})
    wanted = {"selections": ((500, 400, 100, 100),), "spill": 40, "resolution": "native", "context": 50.0}
    folder, finished = run_a_job(variations=2, seed=1, **wanted)
    masks = {file.name: file.read_bytes() for file in folder.glob("layer-mask-1-*")}
    if "layer-mask-1-1-1.pgm" in masks:  # the service may get the second request first
        lost = lost.replace("-1-2-1.", "-1-1-1.")
    assert len(masks) == 1
    before = (folder / lost).read_bytes()
    (folder / lost).unlink()
    recalled = recall(folder)
    assert (folder / lost).read_bytes() == before
    assert {result.masks for result in recalled.finished.results} == {result.masks for result in finished.results}
    forget_the_result(folder)
    recall(folder)
    assert {file.name: file.read_bytes() for file in folder.glob("layer-mask-1-*")} == masks


def without_time(finished):
    results = []
    for result in finished.results:
        told = json.loads(result.provenance)
        assert told.pop("time")
        results.append((result.patches, result.variation, result.seed, told))
    return finished.box, finished.masks, results, finished.remarks


def test_a_finished_result_is_recalled_as_it_was_told(server):
    folder, finished = run_a_job(variations=2)
    recalled = recall(folder)
    assert recalled.finished == finished
    assert recalled.folder == str(folder)
    assert (recalled.job.prompt, recalled.document.name) == ("a red door", "photo.xcf")
    assert isinstance(decode(encode(recalled, 1)).message, Recalled)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"masked": False},
        {"match_grain": True, "variations": 2},
        {"match_detail": True, "canvas": (2400, 1600), "selections": ((700, 400, 1000, 800),)},
        {"selections": TWO_AREAS, "areas": "separate", "variations": 2},
        {"fill_transparent": True, "alpha": True},
        {"alpha": True},
        {"resolution": "native", "seed": -1},
    ],
)
def test_killed_before_the_result_was_made_it_is_made_later_byte_for_byte(server, how):
    folder, finished = run_a_job(**how)
    assert isinstance(finished, Finished)
    made = forget_the_result(folder)
    entries = listing.browse(places.journal_directory(), "", 0, 9).entries
    assert [entry.variation for entry in entries] == [result.variation for result in finished.results]
    recalled = recall(folder)
    assert without_time(recalled.finished) == without_time(finished)
    assert {file.name: file.read_bytes() for file in folder.glob("result-*")} == made
    assert record_of(folder)["state"] == "received"
    assert recall(folder) == recalled  # from the record, now
    assert len(server.requests()) == len(list(folder.glob("answer-*")))  # and nothing was asked for again


def test_a_job_that_was_recorded_before_detail_was_matched_is_made_again_without(server):
    how = {"canvas": (2400, 1600), "selections": ((700, 400, 1000, 800),)}
    folder, _finished = run_a_job(**how, match_detail=False)
    made = forget_the_result(folder)
    record = record_of(folder)
    del record["job"]["match_detail"]
    (folder / "request.json").write_text(json.dumps(record))
    assert recall(folder).job.match_detail is False
    assert {file.name: file.read_bytes() for file in folder.glob("result-*")} == made


@pytest.mark.parametrize("name", ["result-1-2-1.pnm", "layer-mask-1.pgm"])
def test_a_damaged_result_is_made_again_from_its_answer(server, name):
    folder, _finished = run_a_job(variations=2)
    before = (folder / name).read_bytes()
    (folder / name).write_bytes(before[:-1])
    recalled = recall(folder)
    assert [result.variation for result in recalled.finished.results] == [1, 2]
    assert (folder / name).read_bytes() == before


def test_a_limit_changed_since_then_changes_nothing(server, monkeypatch):
    folder, finished = run_a_job(resolution="native", selections=((100, 100, 700, 500),))
    forget_the_result(folder)
    change(folder, native_limit=0.1)
    with pytest.raises(HistoryError, match="another version"):
        recall(folder)
    change(folder, native_limit=4.0)
    assert without_time(recall(folder).finished) == without_time(finished)


def test_an_answer_that_was_changed_on_the_disk_is_not_taken_for_what_was_received(server):
    folder, _finished = run_a_job(variations=2)
    forget_the_result(folder)
    picture = io.BytesIO()
    Image.new("RGB", Image.open(folder / "answer-1-1.png").size, "red").save(picture, "PNG")
    (folder / "answer-1-1.png").write_bytes(picture.getvalue())
    recalled = recall(folder)
    assert [result.variation for result in recalled.finished.results] == [2]
    assert any("not what was received" in remark for remark in recalled.finished.remarks)


def test_of_a_cancelled_job_what_arrived_can_be_had(server):
    folder, finished = run_a_job(variations=3)
    forget_the_result(folder)
    (folder / "answer-1-1.png").unlink()
    (folder / "answer-1-3.png").unlink()
    recalled = recall(folder)
    (result,) = recalled.finished.results
    assert (result.variation, result.seed) == (2, finished.results[1].seed)


def test_a_second_crop_that_came_late_joins_the_first(server):
    folder, finished = run_a_job(selections=TWO_AREAS, areas="separate")
    told = record_of(folder)["result"]
    told["results"][0]["patches"].pop()
    change(folder, result=told)
    (folder / "result-2-1-2.pnm").unlink()
    assert without_time(recall(folder).finished) == without_time(finished)


def test_a_part_that_is_lost_for_good_is_said_to_be_missing(server):
    folder, _finished = run_a_job(selections=TWO_AREAS, areas="separate")
    (folder / "result-2-1-2.pnm").unlink()
    (folder / "answer-2-1.png").unlink()
    recalled = recall(folder)
    assert len(recalled.finished.results[0].patches) == 1
    assert any("result-2-1-2.pnm" in remark for remark in recalled.finished.remarks)


def test_a_deleted_variation_is_not_recalled(server):
    folder, _finished = run_a_job(variations=2)
    listing.discard(places.journal_directory(), folder.name, 1)
    assert [result.variation for result in recall(folder).finished.results] == [2]
    forget_the_result(folder)
    assert [result.variation for result in recall(folder).finished.results] == [2]


def test_a_variation_is_deleted_also_when_its_files_could_not_be(server):
    folder, _finished = run_a_job(variations=2)
    change(folder, discarded=[1])
    assert [result.variation for result in recall(folder).finished.results] == [2]
    assert [entry.variation for entry in listing.browse(places.journal_directory(), "", 0, 9).entries] == [2]


def test_a_job_still_at_work_is_not_disturbed(server):
    folder, _finished = run_a_job()
    forget_the_result(folder)
    lock = Lock(folder / ".busy")
    assert lock.take()
    with pytest.raises(HistoryError, match="still being received"):
        recall(folder)
    assert not list(folder.glob("result-*"))
    lock.release()
    assert recall(folder).finished.results


def test_a_job_that_ended_is_no_longer_at_work(server):
    folder, _finished = run_a_job()
    forget_the_result(folder)
    assert recall(folder).finished.results  # in the very process that ran it


@pytest.mark.parametrize("missing", ["request.json", "base-1.pnm", "selection.pgm", "answer-1-1.png"])
def test_without_what_it_takes_the_user_gets_a_sentence(server, missing):
    folder, _finished = run_a_job()
    forget_the_result(folder)
    (folder / missing).unlink()
    with pytest.raises(PhotioError) as caught:
        recall(folder)
    assert caught.value.sentence


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("base-1.pnm", b"P5\n4 4\n255\n" + b"\0" * 16),
        ("base-1.pnm", b"P6\n4 4\n255\n" + b"\0" * 48),
        ("selection.pgm", b"P6\n100 50\n255\n" + b"\0" * 15000),
        ("selection.pgm", b"P5\n100 50\n255\n" + b"\0" * 5000),
        ("answer-1-1.png", b"GIF89a"),
    ],
)
def test_foreign_pictures_in_a_job_folder_give_a_sentence_too(server, name, content):
    folder, _finished = run_a_job()
    forget_the_result(folder)
    (folder / name).write_bytes(content)
    with pytest.raises(PhotioError):
        recall(folder)


def test_a_selection_that_would_take_all_memory_is_refused(server):
    folder, _finished = run_a_job(masked=False)
    forget_the_result(folder)
    document = {**record_of(folder)["document"], "canvas": [1 << 19, 1 << 19]}
    change(folder, selection=[0, 0, 1 << 19, 1 << 19], document=document)
    with pytest.raises(HistoryError, match="do not fit"):
        recall(folder)


def test_a_record_cannot_point_at_files_elsewhere(server, tmp_path):
    folder, _finished = run_a_job()
    secret = tmp_path / "result-1-1-1.pnm"
    shutil.copy(folder / "result-1-1-1.pnm", secret)
    told = record_of(folder)["result"]
    told["results"][0]["patches"][0]["file"] = str(secret)
    change(folder, result=told)
    assert recall(folder).finished.results[0].patches[0].file == "result-1-1-1.pnm"  # made again
    (folder / "result-1-1-1.pnm").unlink()
    os.symlink(secret, folder / "result-1-1-1.pnm")
    recall(folder)
    assert not (folder / "result-1-1-1.pnm").is_symlink()


def test_each_answer_has_its_checksum_in_the_record(server):
    import hashlib

    folder, _finished = run_a_job(variations=3)
    sums = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("answer-*")}
    assert len(sums) == 3
    assert record_of(folder)["answers"] == sums


def test_a_failed_job_without_any_answer_is_no_result(server):
    server.script({"answer": "status", "status_code": 500, "body": "busy"})
    folder, failed = run_a_job()
    assert isinstance(failed, Failed)
    assert listing.browse(places.journal_directory(), "", 0, 9).total == 0
    with pytest.raises(PhotioError):
        recall(folder)
    JobFolder(folder).discard_if_unanswered()
    assert not folder.exists()
