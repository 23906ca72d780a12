"""What a batch plans, remembers and reports, without a GIMP."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge.store.journal import JobFolder

sys.path.append(str(Path(__file__).parents[3] / "scripts"))
from batch import parameters, plan, report
from batch.ledger import Found, Ledger

Outcome = report.Outcome


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.XCF", "sub/ü.tif", "notes.txt", ".hidden.png"):
        (folder / name).write_bytes(name.encode())
    return folder


def planned(folder: Path, out: Path | None = None, written: tuple[str, ...] = (), **wishes: Any) -> list[plan.Entry]:
    given = wishes.pop("inputs", [folder])
    return plan.entries(plan.Wishes(given, out or folder.parent / "out", **wishes), written)


def test_the_pictures_of_a_folder_keep_their_places_in_it(inputs: Path) -> None:
    found = planned(inputs, formats=("xcf", "same"))
    assert [entry.name for entry in found] == ["a.png", "b.XCF", "sub/ü.tif"]
    out = inputs.parent / "out"
    assert found[2].outputs == {"xcf": str(out / "sub/ü.xcf"), "same": str(out / "sub/ü.tif")}
    assert found[2].area == {"how": "selection"}
    assert not any(entry.refused for entry in found)


def test_two_formats_that_come_to_the_same_file_write_it_once(inputs: Path) -> None:
    layers = planned(inputs, formats=("xcf", "same"))[1]
    assert layers.outputs == {"same": str(inputs.parent / "out" / "b.XCF")}


def test_an_original_is_never_overwritten(inputs: Path) -> None:
    refused = [entry.refused for entry in planned(inputs, out=inputs, formats=("same",), overwrite=True)]
    assert all("would be overwritten" in each for each in refused)
    assert len(refused) == 3


def test_what_is_in_the_folder_of_the_results_is_no_input(inputs: Path) -> None:
    out = inputs / "out"
    out.mkdir()
    (out / "a.png").write_bytes(b"a result")
    assert [entry.name for entry in planned(inputs, out=out)] == ["a.png", "b.XCF", "sub/ü.tif"]


def test_a_file_that_is_there_is_replaced_only_if_it_is_ours_or_that_was_asked_for(inputs: Path) -> None:
    out = inputs.parent / "out"
    out.mkdir()
    (out / "a.xcf").write_bytes(b"somebody's")
    assert "--overwrite" in planned(inputs)[0].refused
    assert not planned(inputs, overwrite=True)[0].refused
    assert not planned(inputs, written=(str(out / "a.xcf"),))[0].refused


def test_two_files_that_would_become_one_are_refused(inputs: Path) -> None:
    (inputs / "a.jpg").write_bytes(b"")
    first, second = planned(inputs)[:2]
    assert (first.refused, first.name, second.name) == ("", "a.jpg", "a.png")
    assert "a.jpg" in second.refused


def test_a_name_that_becomes_too_long_is_refused(inputs: Path) -> None:
    (inputs / f"{'l' * 251}.png").write_bytes(b"")
    found = {entry.name: entry.refused for entry in planned(inputs, formats=("tiff",))}
    assert not found.pop(f"{'l' * 251}.png")
    long = inputs / f"{'l' * 250}.webp"
    long.write_bytes(b"")
    (entry,) = planned(inputs, inputs=[long], formats=("same",))
    assert not entry.refused
    assert len(os.path.basename(entry.unfinished("0123abcd")["same"])) < 50


def test_nobody_writes_into_the_unfinished_file_of_another_and_all_of_them_are_removed(inputs: Path) -> None:
    first, second = planned(inputs)[:2]
    drafts = [Path(entry.unfinished(writer)["xcf"]) for entry in (first, second) for writer in ("aaaa", "bbbb")]
    for draft in drafts:
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(b"half of it")
    plan.remove_unfinished([first])
    assert [draft.exists() for draft in drafts] == [False, False, True, True]


def test_masks_are_found_by_place_then_by_name_and_a_file_without_one_is_skipped(inputs: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    (masks / "sub").mkdir(parents=True)
    for name in ("a.jpg", "ü.png", "sub/ü.webp"):
        (masks / name).write_bytes(b"")
    found = planned(inputs, mask_folder=masks, mask_means="keep")
    assert found[0].area == {"how": "picture", "file": str(masks / "a.jpg"), "means": "keep"}
    assert "There is no mask" in found[1].refused
    assert found[2].area["file"] == str(masks / "sub/ü.webp")


def test_a_file_is_another_one_when_it_its_mask_or_the_parameters_change(inputs: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    mask = masks / "a.png"
    mask.write_bytes(b"1")
    one = [inputs / "a.png"]

    def key(**job: Any) -> str:
        return planned(inputs, inputs=one, mask_folder=masks, job=job)[0].key

    before = key(seed=1)
    assert key(seed=1) == before
    assert key(seed=2) != before
    mask.write_bytes(b"12")
    assert key(seed=1) != before
    (inputs / "a.png").write_bytes(b"changed")
    assert len({before, key(seed=1), key(seed=2)}) == 3


@pytest.mark.parametrize("given", [["nowhere"], ["empty"]])
def test_nothing_to_do_is_said(tmp_path: Path, given: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(plan.PlanError, match=r"nowhere: name|nothing to do"):
        planned(tmp_path, inputs=[tmp_path / name for name in given])


def job_of(*arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    parameters.add_options(parser.add_argument_group())
    return parameters.job_of(parser.parse_args(arguments))


def test_options_come_before_the_preset_and_the_preset_before_the_defaults(tmp_path: Path) -> None:
    preset = tmp_path / "preset.json"
    preset.write_text('{"prompt": "a wall", "quality": "HIGH", "cfg-scale": 2, "spill": "10%", "match-grain": false}')
    job = job_of("--preset", str(preset), "--quality", "middle", "--seed", "7")
    assert (job["prompt"], job["quality"], job["cfg_scale"], job["seed"]) == ("a wall", "MIDDLE", 2, 7)
    assert (job["spill"], job["spill_unit"], job["match_grain"], job["match_colour"]) == (10, "percent", False, True)
    assert job_of()["context"] == 50.0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"promt": "x"}', "“promt”"),
        ('{"grow": "much"}', "grow"),
        ('{"spill": "wide"}', "spill"),
        ("[]", "no JSON object"),
        ("{", "cannot be read"),
        ('{"variations": 9}', "variations: 1 to 8"),
    ],
)
def test_a_preset_that_cannot_be_used_is_refused(tmp_path: Path, content: str, said: str) -> None:
    preset = tmp_path / "preset.json"
    preset.write_text(content)
    with pytest.raises(plan.PlanError, match=said):
        job_of("--preset", str(preset))


def outcomes(*states: str) -> list[Outcome]:
    return [Outcome(f"/in/{number}.png", f"{number}.png", state) for number, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["done", "there already", "recovered"], 0),
        (["planned"], 0),
        (["done", "skipped"], 3),
        (["failed", "there already"], 3),
        (["failed", "skipped", "not begun"], 1),
    ],
)
def test_the_exit_status_tells_whether_all_some_or_none_came_out(states: list[str], status: int) -> None:
    assert report.exit_status(outcomes(*states)) == status


def test_the_report_names_each_file_and_what_it_cost(tmp_path: Path) -> None:
    done = dataclasses.replace(outcomes("done")[0], requests=3, seeds=(7,), outputs=("/out/0.xcf",))
    report.write(tmp_path / "report.json", [done, *outcomes("failed")], 61.0, {"out": "/out"})
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["states"] == {"done": 1, "failed": 1}
    assert (written["requests"], written["out"], written["files"][0]["seeds"]) == (3, "/out", [7])
    assert report.summary([done, *outcomes("failed")], 61.0) == "2 files: 1 done, 1 failed; 3 requests sent; 1 min 1 s"


def test_progress_tells_rate_and_time_left() -> None:
    assert report.progress_text(10, 40, 30.0) == "10 of 40 files, 20.0 a minute, 1 min 30 s left"
    assert report.progress_text(40, 40, 3600.0) == "40 of 40 files, 0.7 a minute, 1 h 0 min"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "state")
    made.prepare()
    return made


def folder_of(ledger: Ledger, **record: Any) -> JobFolder:
    folder = JobFolder.create(ledger.journal)
    if record:
        folder.note(started=1.0, job={"prompt": ""}, document={"name": "x"}, seeds=[7], **record)
    folder.release()
    return folder


def test_a_job_that_was_never_sent_may_be_sent(ledger: Ledger) -> None:
    draft = folder_of(ledger)
    assert ledger.found(draft.id) == Found.NOTHING
    draft.discard_if_unanswered()
    assert ledger.found(draft.id) == Found.NOTHING
    refused = folder_of(ledger, state="failed", engine="photio", may_be_billed=False)
    assert ledger.found(refused.id) == Found.NOTHING


def test_a_job_that_was_sent_without_an_answer_is_unsure_unless_it_cost_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTIO_JOURNAL", str(ledger.journal))
    assert ledger.found(folder_of(ledger, state="sending", engine="photio").id) == Found.UNSURE
    assert ledger.found(folder_of(ledger, state="sending", engine="offline").id) == Found.NOTHING
    timed_out = folder_of(ledger, state="failed", engine="photio", may_be_billed=True)
    timed_out.discard_if_unanswered()
    assert ledger.found(timed_out.id) == Found.UNSURE


def test_a_users_own_journal_keeps_nothing_without_an_answer(ledger: Ledger) -> None:
    timed_out = folder_of(ledger, state="failed", engine="photio", may_be_billed=True)
    timed_out.discard_if_unanswered()
    assert not timed_out.path.exists()


def test_an_answer_that_has_arrived_is_found_whatever_became_of_its_bridge(ledger: Ledger) -> None:
    folder = folder_of(ledger, state="sending", engine="photio")
    folder.save("answer-1-1.png", b"an image")
    assert ledger.found(folder.id) == Found.ANSWERED


def test_a_file_is_done_as_long_as_all_its_outputs_are_there(ledger: Ledger, tmp_path: Path) -> None:
    outputs = {"xcf": str(tmp_path / "a.xcf"), "png": str(tmp_path / "a.png")}
    ledger.note("key", state="done", job="x", outputs=list(outputs.values()))
    assert not ledger.done("key", outputs)
    for path in outputs.values():
        Path(path).write_bytes(b"")
    assert ledger.done("key", outputs)
    assert ledger.written() == list(outputs.values())
    assert not ledger.done("key", {**outputs, "tiff": str(tmp_path / "a.tif")})
