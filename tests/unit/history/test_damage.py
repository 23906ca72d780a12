"""A journal that others wrote in: the history opens, gives what is whole, and says a sentence about the rest."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.common.errors import PhotioError
from bridge.history import listing, pictures, recovery
from bridge.history.records import read_record, read_summary
from bridge.pixels import imaging
from bridge.pixels.pnm_header import read_header
from bridge.protocol import decode, encode
from bridge.protocol.history import Recalled
from bridge.store import journal as journal_module
from bridge.store.arriving import NAME
from bridge.store.journal import JobFolder
from tests.regen_server import RegenServer
from tests.unit.damage import at_most, damaged, damaged_json, damaged_png, replaced
from tests.unit.history_jobs import put, quick_record, run_a_job
from tests.unit.store.test_arriving import answer

NOW = time.time()
RECORD = quick_record(
    started=NOW,
    seeds=(1, 2),
    more={"placed": {"1": 1.0}, "mentioned": [2], "discarded": [], "answers": {"answer-1-1.png": "00"}},
)


def test_whatever_a_value_in_a_record_is_replaced_by_it_is_told_or_passed_over_and_can_be_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = JobFolder(tmp_path)
    for content in replaced(quick_record(started=NOW, more={"placed": {"1": 1.0}, "answers": {"a": "00"}})):
        # quicker than thousands of files
        monkeypatch.setattr(journal_module, "read_private", lambda *_which, content=content: content)
        summary, told = read_summary(tmp_path), read_record(tmp_path)
        assert summary is not None or told is None
        if told and told[0].result:
            recalled = Recalled("", told[0].job, told[0].document, told[0].result)
            assert decode(encode(recalled, 1)).message == recalled
            assert all(result.provenance.isascii() for result in told[0].result.results), "no layer can take it"
        assert json.dumps(folder.record(), ensure_ascii=False).encode()


@settings(max_examples=80)
@given(damaged_json(RECORD) | damaged(json.dumps(RECORD).encode()))
def test_whatever_was_written_into_a_record_the_history_opens_and_lists_what_can_be_told(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    journal = tmp_path_factory.mktemp("home") / "journal"
    folder = JobFolder(journal / put(journal, content, answers=(1, 2)))
    page = listing.browse(journal, "", 0, 10)
    assert decode(encode(page, 1)).message == page
    summary, record = read_summary(folder.path), read_record(folder.path)
    assert summary is not None or (record is None and not page.entries)
    for change in (
        lambda: folder.note_placed((1,)),
        lambda: listing.claim(journal),
        lambda: folder.save("answer-1-2.png", b"\0"),  # whose checksum is noted
    ):
        with contextlib.suppress(PhotioError):
            change()
        assert (read_summary(folder.path) is None) == (summary is None), "what could be read can no longer be"
    with contextlib.suppress(PhotioError):
        listing.discard(journal, folder.id, 1)
    assert all(entry.variation != 1 for entry in listing.browse(journal, "", 0, 10).entries)


@settings(max_examples=60)
@given(
    damaged_json(RECORD) | st.sampled_from([json.dumps({**RECORD, "more": more}).encode() for more in ("", "\ud800")]),
    st.sampled_from([answer()]).flatmap(damaged) | st.just(answer()),
    st.sampled_from(
        ["arriving-1-1", "arriving-1-99", "arriving-0-0", "arriving-9999-1", "arriving-1-1-1", "arriving-1"]
    ),
)
def test_whatever_a_killed_bridge_left_of_an_answer_the_history_opens_and_it_is_kept(
    tmp_path_factory: pytest.TempPathFactory, record: bytes, content: bytes, name: str
) -> None:
    journal = tmp_path_factory.mktemp("home") / "journal"
    folder = journal / put(journal, record, answers=())
    (folder / name).write_bytes(content)
    assert listing.browse(journal, "", 0, 10).total <= 2
    kept = [file for file in folder.iterdir() if file.name.startswith(("answer-", "arriving-"))]
    assert len(kept) == bool(content) or name in os.listdir(folder)
    assert NAME.fullmatch(name) is None or not (folder / name).exists(), "it would be tried again for ever"
    if content == answer() and name in ("arriving-1-1", "arriving-1-99"):
        assert [file.suffix for file in kept] == [".png"]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a small job that came to its end."""
    with pytest.MonkeyPatch.context() as patch, RegenServer() as server:
        patch.setenv("PHOTIO_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("PHOTIO_API_KEY", "test-key-0123456789abcdef")
        patch.setenv("PHOTIO_ORIGIN", server.origin)
        folder, _end = run_a_job(
            variations=2, resolution="native", selections=((30, 20, 8, 8),), canvas=(64, 48), match_colour=False
        )
        yield folder


NAMES = st.sampled_from(["answer-1-1.png", "result-1-1-1.pnm", "picture-1-256.png", "arriving-1-1", ".busy"])


@settings(max_examples=60)
@given(st.lists(NAMES.flatmap(lambda name: damaged(name.encode(), (b"99999", b"-0", "١".encode()))), max_size=6))
def test_whatever_files_are_called_the_history_opens(
    tmp_path_factory: pytest.TempPathFactory, called: list[bytes]
) -> None:
    journal = tmp_path_factory.mktemp("home") / "journal"
    folder = journal / put(journal, RECORD)
    for name in called:
        with contextlib.suppress(OSError, ValueError):  # the file system's own limits
            os.close(os.open(os.fsencode(folder) + b"/" + name.replace(b"/", b""), os.O_CREAT | os.O_WRONLY, 0o600))
    assert listing.browse(journal, "", 0, 10).total <= 2
    with contextlib.suppress(PhotioError):
        recovery.recall(journal, folder.name)
    listing.discard(journal, folder.name, 2)


#: What becomes of a file.
SPOILT = st.sampled_from(["changed"] * 6 + ["pipe", "folder", "link"])


def _spoil(file: Path, kind: str, data: st.DataObject | None = None) -> None:
    """Does to a file what accident and malice do."""
    content = file.read_bytes()
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "link":
        file.symlink_to("/dev/zero")
    elif kind == "giant":  # as long as its header says, on a disk that has no room for it
        file.write_bytes(b"P7\nWIDTH 100000\nHEIGHT 100000\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n")
        os.truncate(file, file.stat().st_size + 4 * 10**10)
    elif data is None:
        raise AssertionError("to change a file, something must be drawn")
    elif file.name == "request.json":
        with contextlib.suppress(ValueError, RecursionError):  # it is damaged already, by the time before
            file.write_bytes(data.draw(damaged_json(json.loads(content))))
    elif file.suffix == ".png":
        file.write_bytes(data.draw(damaged_png(content)))
    else:
        file.write_bytes(data.draw(damaged(content, (b"P5\n8 8\n255\n", b"65535", b"\n255\n"))))


def _forget(folder: Path) -> None:
    """The result has to be made again, of answers whose checksums nobody knows."""
    for file in (*folder.glob("result-*"), *folder.glob("layer-mask-*"), *folder.glob("picture-*")):
        file.unlink()
    record = json.loads((folder / "request.json").read_text())
    (folder / "request.json").write_text(json.dumps({**record, "result": None, "answers": {}}))


def _check(journal: Path, name: str) -> None:
    """All that the history may be asked about a job gives something whole, or a typed error."""
    folder = journal / name
    with contextlib.suppress(PhotioError):
        page = listing.browse(journal, "", 0, 10)
        assert decode(encode(page, 1)).message == page
        recalled = recovery.recall(journal, name)
        assert decode(encode(recalled, 1)).message == recalled
        for patch in (*recalled.finished.masks, *(each for one in recalled.finished.results for each in one.patches)):
            header = read_header(folder / patch.file)
            assert header is not None
            assert (header.width, header.height) == patch.box[2:]
        assert all(result.provenance.isascii() for result in recalled.finished.results), "no layer can take it"
    for variation in (0, 1, 2):
        with contextlib.suppress(PhotioError):
            shown = pictures.show(journal, name, variation, 64)
            with Image.open(folder / shown.file) as picture:
                assert max(picture.size) <= 64


@pytest.mark.parametrize("forgotten", [False, True], ids=["", "to be made again"])
@pytest.mark.parametrize(
    "how", ["empty", "half", "longer", "pipe", "folder", "link", "gone", "base", "mask", "result", "answer"]
)
def test_whichever_file_of_a_job_is_another_its_results_are_whole_or_a_sentence_says_why_not(
    tmp_path: Path, job: Path, how: str, forgotten: bool
) -> None:
    others = {
        "base": "base-1.pnm",
        "mask": "layer-mask-1.pgm",
        "result": "result-1-2-1.pnm",
        "answer": "answer-1-1.png",
    }
    for number, name in enumerate(sorted(file.name for file in job.iterdir() if not file.name.startswith("."))):
        folder = Path(shutil.copytree(job, tmp_path / str(number) / job.name))
        if forgotten:
            _forget(folder)
        if how in ("pipe", "folder", "link"):
            (folder / name).touch()
            _spoil(folder / name, how)
        else:
            content = (job / name).read_bytes()
            kinds = {"empty": b"", "half": content[: len(content) // 2], "longer": content + b"0"}
            (folder / name).write_bytes(kinds[how] if how in kinds else (job / others.get(how, name)).read_bytes())
            if how == "gone":
                (folder / name).unlink()
        _check(folder.parent, job.name)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 99), SPOILT), min_size=1, max_size=2), st.booleans(), st.data())
def test_whatever_became_of_a_jobs_files_its_results_are_whole_or_a_sentence_says_why_not(
    tmp_path_factory: pytest.TempPathFactory,
    job: Path,
    spoilt: list[tuple[int, str]],
    forgotten: bool,
    data: st.DataObject,
) -> None:
    journal = tmp_path_factory.mktemp("home") / "journal"
    folder = Path(shutil.copytree(job, journal / job.name))
    if forgotten:
        _forget(folder)
    for number, kind in spoilt:
        files = [file for file in sorted(folder.iterdir()) if file.is_file() and not file.is_symlink()]
        _spoil(files[number % len(files)], kind, data)
    _check(journal, job.name)


def test_a_result_whose_provenance_no_layer_can_take_is_made_again_of_its_answer(tmp_path: Path, job: Path) -> None:
    folder = Path(shutil.copytree(job, tmp_path / "journal" / job.name))
    record = json.loads((folder / "request.json").read_text())
    record["result"]["results"][0]["provenance"] = '{"prompt": "Tür"}'  # PyGObject: 195 not in range -128 to 127
    (folder / "request.json").write_text(json.dumps(record))
    first, second = recovery.recall(tmp_path / "journal", job.name).finished.results
    assert json.loads(first.provenance)["prompt"] == json.loads(second.provenance)["prompt"] == "a red door"


@pytest.mark.parametrize("name", ["request.json", "selection.pgm", "base-1.pnm", "answer-1-1.png", "arriving-1-2"])
@pytest.mark.parametrize("kind", ["giant", "link"])
def test_an_endless_file_in_the_journal_does_not_fill_the_memory(
    tmp_path: Path, job: Path, name: str, kind: str
) -> None:
    folder = Path(shutil.copytree(job, tmp_path / "journal" / job.name))
    _forget(folder)
    if name == "arriving-1-2":
        (folder / "answer-1-2.png").rename(folder / name)
    _spoil(folder / name, kind)
    with at_most(32):
        _check(tmp_path / "journal", job.name)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "giant"])
def test_what_is_no_picture_file_is_neither_waited_for_nor_read_to_its_end(tmp_path: Path, kind: str) -> None:
    (tmp_path / "base-1.pnm").write_bytes(b"")
    _spoil(tmp_path / "base-1.pnm", kind)
    with at_most(1), pytest.raises(imaging.PictureError):
        imaging.read_pnm(tmp_path / "base-1.pnm")
