"""What came of an answer is on the disk before anything else is done with it, and never with the key in it."""

from __future__ import annotations

import base64
import io
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from bridge.history import listing
from bridge.history.index import look
from bridge.regen.http_content import Content
from bridge.store.arriving import Arriving, adopt
from bridge.store.journal import JobFolder
from bridge.store.locks import Lock
from tests.unit.history_jobs import put, quick_record

KEY = 'secret"key'


def answer(colour: str = "red", size: tuple[int, int] = (8, 8)) -> bytes:
    """As a service answers."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return json.dumps({"status_code": 200, "body": base64.b64encode(buffer.getvalue()).decode()}).encode()


def test_each_piece_is_in_the_file_as_soon_as_it_came(tmp_path: Path) -> None:
    file = tmp_path / "arriving-1-1"
    arriving = Arriving(file, KEY)
    arriving.begin()
    content = Content({}, 1000, arriving.write)
    content.add(b"first, ")
    assert file.read_bytes() == b"first, "
    content.add(b"second")
    assert file.read_bytes() == b"first, second"
    assert file.stat().st_mode & 0o777 == 0o600
    arriving.remove()
    assert not file.exists()


def test_of_a_repeated_request_only_the_last_answer_is_there(tmp_path: Path) -> None:
    arriving = Arriving(tmp_path / "arriving-1-1", None)
    for content in (b"too many requests", b"image"):
        arriving.begin()
        arriving.write(content)
    assert (tmp_path / "arriving-1-1").read_bytes() == b"image"


def test_what_comes_after_nobody_waits_any_longer_makes_no_file(tmp_path: Path) -> None:
    arriving = Arriving(tmp_path / "arriving-1-1", None)
    arriving.begin()
    arriving.remove()
    arriving.write(b"late")
    arriving.begin()
    arriving.write(b"later")
    assert not os.listdir(tmp_path)


@given(
    some.lists(
        some.sampled_from([KEY.encode(), json.dumps(KEY)[1:-1].encode(), b"s", b"secre", b'secret\\"', b"x", b"y"])
    ),
    some.integers(1, 7),
)
def test_the_key_is_never_in_it_however_the_answer_is_cut_to_pieces(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], step: int
) -> None:
    file = tmp_path_factory.mktemp("job") / "arriving-1-1"
    content = b"".join(parts)
    arriving = Arriving(file, KEY)
    arriving.begin()
    for at in range(0, len(content), step):
        arriving.write(content[at : at + step])
        written = file.read_bytes()
        assert KEY.encode() not in written
        assert json.dumps(KEY)[1:-1].encode() not in written
    clean = content.replace(KEY.encode(), b"[key]").replace(json.dumps(KEY)[1:-1].encode(), b"[key]")
    assert clean.startswith(written if content else b"")
    assert len(clean) - len(written if content else b"") < len(KEY) + 1


def test_a_disk_that_takes_nothing_does_not_stop_the_answer(tmp_path: Path) -> None:
    arriving = Arriving(tmp_path / "nowhere" / "arriving-1-1", None)
    arriving.begin()
    arriving.write(b"x")
    arriving.remove()
    full = Path("/dev/full")
    if full.exists():
        (tmp_path / "arriving-1-2").symlink_to(full)
        arriving = Arriving(tmp_path / "arriving-1-2", None)
        arriving.begin()
        arriving.write(b"x")
        assert full.exists()


def _left_by_a_killed_bridge(journal: Path, content: bytes) -> JobFolder:
    record = quick_record(started=time.time(), result=False)
    folder = JobFolder.existing(journal, put(journal, record, answers=()))
    folder.file("arriving-1-1").write_bytes(content)
    return folder


def test_an_answer_that_nobody_lived_to_save_is_saved_when_the_history_is_next_looked_at(tmp_path: Path) -> None:
    folder = _left_by_a_killed_bridge(tmp_path, answer())
    assert listing.browse(tmp_path, "", 0, 10).total == 1
    (saved,) = folder.path.glob("answer-*")
    assert saved.name == "answer-1-1.png"
    assert not list(folder.path.glob("arriving-*"))


@pytest.mark.parametrize("content", [answer()[:-30], b'{"status_code": 401}', b"\0" * 50])
def test_what_is_no_image_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    folder = _left_by_a_killed_bridge(tmp_path, content)
    assert listing.browse(tmp_path, "", 0, 10).total == 0
    assert folder.file("answer-1-1.unreadable").read_bytes() == content


def test_as_long_as_a_bridge_works_in_it_nobody_takes_it_away(tmp_path: Path) -> None:
    folder = _left_by_a_killed_bridge(tmp_path, answer())
    busy = Lock(folder.file(".busy"))
    assert busy.take()
    known = look(folder.path)
    assert known is not None
    assert (known.answered, known.variations) == (True, ())
    assert folder.file("arriving-1-1").exists()
    busy.release()
    assert listing.browse(tmp_path, "", 0, 10).total == 1


def test_an_answer_that_is_saved_already_is_not_saved_again(tmp_path: Path) -> None:
    folder = _left_by_a_killed_bridge(tmp_path, b"half")
    folder.file("answer-1-1.png").write_bytes(b"whole")
    assert not adopt(folder.path)
    assert folder.file("answer-1-1.png").read_bytes() == b"whole"
    assert not list(folder.path.glob("arriving-*"))
    assert not list(folder.path.glob("*.unreadable"))


def test_what_arrived_keeps_a_job_folder_from_being_discarded(tmp_path: Path) -> None:
    folder = JobFolder.create(tmp_path)
    folder.file("arriving-1-1").write_bytes(answer())
    folder.discard_if_unanswered()
    assert folder.path.exists()
    folder.file("arriving-1-1").unlink()
    folder.discard_if_unanswered()
    assert not folder.path.exists()
