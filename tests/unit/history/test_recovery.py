"""What was received can be inserted later, exactly, whenever the bridge died. Jobs are run with a service of ours."""

import io
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bridge.common.errors import PhotioError
from bridge.history import listing, pictures, recovery
from bridge.history.records import HistoryError
from bridge.pixels.imaging import read_pnm
from bridge.protocol import Failed, Finished, decode, encode
from bridge.protocol.history import Recalled, ShowPart
from bridge.store import places
from bridge.store.journal import JobFolder
from bridge.store.locks import Lock
from tests.regen_server import RegenServer
from tests.unit.history_jobs import run_a_job

TWO_AREAS = ((40, 40, 90, 60), (1000, 700, 80, 90))


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PHOTIO_API_KEY", "test-key-0123456789abcdef")
    with RegenServer() as running:
        monkeypatch.setenv("PHOTIO_ORIGIN", running.origin)
        yield running


def recall(folder):
    return recovery.recall(places.journal_directory(), folder.name)


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


def picture(folder, variation, size):
    shown = pictures.show(places.journal_directory(), folder.name, variation, size)
    with Image.open(folder / shown.file) as image:
        image.load()
        return image, shown.box


def test_the_picture_shows_the_crop_with_the_result_through_its_mask(server):
    folder, finished = run_a_job()
    after, box = picture(folder, 1, 2048)
    crop = read_pnm(folder / "base-1.pnm")
    mask = read_pnm(folder / "layer-mask-1.pgm").astype(float)[..., None] / 255
    deep = (folder / "result-1-1-1.pnm").read_bytes()
    x, y, width, height = finished.box
    shown = np.frombuffer(deep[-width * height * 6 :], ">u2").reshape(height, width, 3) / 257
    expected = crop.astype(float)
    top, left = y - box[1], x - box[0]
    part = expected[top : top + height, left : left + width]
    part[...] = part * (1 - mask) + shown * mask
    assert np.abs(np.asarray(after).astype(float) - expected).max() <= 1.5
    before, same = picture(folder, 0, 2048)
    assert same == box
    np.testing.assert_array_equal(np.asarray(before), crop)
    assert np.abs(np.asarray(after).astype(int) - crop).max() > 5  # there is something to see at all


def test_a_result_without_colour_is_kept_as_one_channel_recalled_and_shown(server):
    server.script({"answer": "colour", "rgb": [90, 90, 90]})
    folder, finished = run_a_job(gray=True, match_colour=False, match_grain=False)
    assert (folder / "result-1-1-1.pnm").read_bytes().startswith(b"P5\n")
    (folder / "answer-1-1.png").unlink()  # of which it could be made again
    assert recall(folder).finished == finished
    image, box = picture(folder, 1, 2048)
    x, y, width, height = finished.box
    assert image.getpixel((x + width // 2 - box[0], y + height // 2 - box[1])) == (90, 90, 90)


@pytest.mark.parametrize("size", [1, 7, 100, 333, 700])
def test_a_small_picture_is_the_large_one_scaled_down(server, size):
    folder, _finished = run_a_job()
    large, box = picture(folder, 1, 2048)
    small, same = picture(folder, 1, size)
    assert same == box
    assert max(small.size) == min(size, max(large.size))
    assert small.mode == "RGB"
    wanted = large.resize(small.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(wanted)).mean() < 3


def test_parts_of_the_canvas_that_were_not_sent_are_left_out_of_the_picture(server):
    folder, _finished = run_a_job(
        selections=((40, 40, 90, 60), (7000, 5000, 80, 90)), canvas=(8000, 6000), areas="separate"
    )
    image, box = picture(folder, 1, 400)
    assert image.mode == "RGBA"
    assert max(image.size) == 400
    assert image.getpixel((200, 150))[3] == 0
    x, y = (85 - box[0]) * image.width // box[2], (70 - box[1]) * image.height // box[3]
    assert image.getpixel((x, y))[3] == 255


def test_what_is_transparent_in_the_image_shows_a_board(server):
    folder, _finished = run_a_job(alpha=True)
    image, _box = picture(folder, 0, 2048)
    corner = np.asarray(image.crop((0, 0, 16, 16)))
    assert sorted(np.unique(corner)) == [230, 255]


def part(folder, variation, where, step=1, linear=False):
    asked = ShowPart(folder.name, variation, where, step, linear)
    shown = pictures.show_part(places.journal_directory(), asked)
    return read_pnm(folder / shown.file), shown.box


def test_a_closer_look_shows_the_same_in_full_size(server):
    folder, finished = run_a_job(feather=9)
    large, box = picture(folder, 1, 2048)
    x, y, width, height = finished.box
    where = (x - 5, y + 3, width // 2, height)
    seen, same = part(folder, 1, where)
    assert same == where
    corner = (where[0] - box[0], where[1] - box[1])
    expected = large.crop((*corner, corner[0] + where[2], corner[1] + where[3]))
    np.testing.assert_array_equal(seen, np.asarray(expected))
    before, _same = part(folder, 0, where)
    assert np.abs(before.astype(int) - seen).max() > 5


def test_a_closer_look_at_a_soft_edge_blends_as_gimp_will(server):
    server.script({"answer": "colour", "rgb": [255, 255, 255]})
    folder, finished = run_a_job(feather=9, match_colour=False, match_grain=False)
    encoded, light = part(folder, 1, finished.box)[0], part(folder, 1, finished.box, linear=True)[0]
    before = part(folder, 0, finished.box)[0]
    mask = read_pnm(folder / "layer-mask-1.pgm").astype(float)[..., None] / 255

    def linear(values):
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)

    wanted = linear(before / 255) * (1 - mask) + mask
    np.testing.assert_allclose(linear(light / 255), wanted, atol=0.005)
    np.testing.assert_allclose(encoded, before * (1 - mask) + 255 * mask, atol=1.5)
    assert np.abs(light.astype(int) - encoded).max() > 10
    np.testing.assert_array_equal(light[mask[..., 0] == 0], before[mask[..., 0] == 0])


@pytest.mark.parametrize("step", [2, 3, 7])
def test_a_part_that_is_looked_at_from_afar_is_small_and_lies_on_whole_pixels(server, step):
    folder, _finished = run_a_job()
    large, box = picture(folder, 1, 2048)
    seen, shown = part(folder, 1, (box[0] + 11, box[1] + 5, 90, 61), step)
    assert seen.shape[:2] == (shown[3] // step, shown[2] // step)
    assert (shown[0] - box[0]) % step == (shown[1] - box[1]) % step == 0
    assert shown[0] <= box[0] + 11
    assert shown[0] + shown[2] >= box[0] + 101
    left, top = shown[0] - box[0], shown[1] - box[1]
    expected = large.crop((left, top, left + shown[2], top + shown[3])).reduce(step)
    np.testing.assert_allclose(seen, np.asarray(expected), atol=1)


def test_a_part_beyond_all_crops_is_cut_off_and_one_elsewhere_is_refused(server):
    folder, _finished = run_a_job()
    box = picture(folder, 1, 2048)[1]
    assert part(folder, 1, (box[0] - 500, box[1] - 500, 10_000_000, 10_000_000))[1] == box
    for where in ((box[0] - 20, box[1], 20, 20), (box[0], box[1], 0, 5), (box[0], box[1], -5, -5)):
        with pytest.raises(HistoryError):
            part(folder, 1, where)


def test_between_the_crops_a_part_is_transparent(server):
    folder, _finished = run_a_job(
        selections=((40, 40, 90, 60), (7000, 5000, 80, 90)), canvas=(8000, 6000), areas="separate"
    )
    assert part(folder, 1, (4000, 3000, 50, 40))[0].tolist() == [[[0] * 4] * 50] * 40
    assert part(folder, 1, (60, 50, 20, 20))[0].shape == (20, 20, 3)


def test_a_picture_is_made_once_and_again_when_there_is_more_to_see(server):
    folder, _finished = run_a_job(selections=TWO_AREAS, areas="separate")
    first = pictures.show(places.journal_directory(), folder.name, 1, 300)
    (folder / first.file).write_bytes(b"marked")
    assert pictures.show(places.journal_directory(), folder.name, 1, 300) == first
    assert (folder / first.file).read_bytes() == b"marked"
    (folder / "result-2-1-2.pnm").unlink()
    recall(folder)
    assert not (folder / first.file).exists()


def test_there_is_no_picture_of_what_is_not_there(server):
    folder, _finished = run_a_job(variations=2)
    listing.discard(places.journal_directory(), folder.name, 1)
    for variation in (1, 3, -1):
        with pytest.raises(PhotioError):
            picture(folder, variation, 100)
    assert picture(folder, 2, 100)
    (folder / "base-1.pnm").write_bytes(b"P6\n")
    with pytest.raises(PhotioError):
        picture(folder, 0, 100)


def test_a_failed_job_without_any_answer_is_no_result(server):
    server.script({"answer": "status", "status_code": 500, "body": "busy"})
    folder, failed = run_a_job()
    assert isinstance(failed, Failed)
    assert listing.browse(places.journal_directory(), "", 0, 9).total == 0
    with pytest.raises(PhotioError):
        recall(folder)
    JobFolder(folder).discard_if_unanswered()
    assert not folder.exists()
