"""Whatever happens to `python -m bridge regen`, nothing that was paid for is lost."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.history.listing import browse
from bridge.history.recovery import recall
from tests.regen_server import RegenServer
from tests.unit.command_line import KEY, ROOT, Shell, environment, mask, photograph, regen_arguments

UNREADABLE = {"answer": "status", "body": base64.b64encode(b"this is no picture").decode()}


@pytest.fixture
def server() -> Iterator[RegenServer]:
    with RegenServer() as running:
        yield running


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    Image.fromarray(photograph()).save(tmp_path / "a photo (1).png")
    mask().save(tmp_path / "mask.png")
    return Shell(tmp_path, monkeypatch, capsys)


BASE = "a photo (1).png"


def regen(shell: Shell, server: RegenServer, *more: str) -> tuple[int, str, str]:
    return shell.regen(BASE, "mask.png", "o.png", "--mask-means", "edit", "--origin", server.origin, *more)


def journal(shell: Shell) -> Path:
    return shell.folder / "home" / "journal"


def test_the_result_is_in_the_history_for_the_photograph(shell: Shell, server: RegenServer) -> None:
    assert regen(shell, server, "--seed", "7", "--variations", "2")[0] == 0
    page = browse(journal(shell), "", 0, 10)
    assert [(each.image, each.seed, each.engine, each.inserted) for each in page.entries] == [
        (BASE, 7, "photio", True), (BASE, 8, "photio", True)
    ]  # fmt: skip
    recalled = recall(journal(shell), page.entries[0].id)
    assert recalled.document.files == (f"file://{shell.folder.as_posix()}/a%20photo%20(1).png",)  # as GIMP writes it
    assert recalled.document.canvas == (240, 160)
    assert [each.variation for each in recalled.finished.results] == [1, 2]
    assert KEY not in "".join(file.read_text("latin-1") for file in journal(shell).glob("*/*") if file.is_file())


def test_an_answer_that_is_no_picture_is_kept_beside_the_result(shell: Shell, server: RegenServer) -> None:
    server.script(UNREADABLE)
    status, told, said = regen(shell, server)
    assert (status, told) == (1, "")
    assert "may have been billed" in said
    assert f"What the service answered is in “{shell.folder / 'o.png.unreadable'}”." in said
    assert b"this is no picture" in (shell.folder / "o.png.unreadable").read_bytes()
    assert not (shell.folder / "o.png").exists()
    assert list(journal(shell).glob("*/*.unreadable")), "the history has it as well"


def test_with_raw_too(shell: Shell, server: RegenServer) -> None:
    server.script(UNREADABLE)
    status, told, said = shell.regen(BASE, "mask.png", "o.png", "--raw", "--origin", server.origin)
    assert (status, told) == (1, "")
    assert "o.png.unreadable" in said
    server.script({**UNREADABLE, "body": base64.b64encode(b"nor is this").decode()})
    assert "o.png-2.unreadable" in shell.regen(BASE, "mask.png", "o.png", "--raw", "--origin", server.origin)[2]
    assert b"this is no picture" in (shell.folder / "o.png.unreadable").read_bytes()
    assert b"nor is this" in (shell.folder / "o.png-2.unreadable").read_bytes()


def test_what_can_be_had_of_several_results_is_written(shell: Shell, server: RegenServer) -> None:
    server.script(UNREADABLE, {})
    status, told, said = regen(shell, server, "--variations", "2")
    assert status == 1, "a result is missing"
    assert len(told.splitlines()) == len(list(shell.folder.glob("o-?.png"))) == 1
    assert "A part of the result is missing" in said
    assert (shell.folder / "o.png.unreadable").exists()


def test_a_result_that_cannot_be_put_in_place_is_kept_elsewhere_and_in_the_history(
    shell: Shell, server: RegenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, elsewhere = shell.folder / "out", shell.folder / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))

    def vanish(image: Image.Image) -> Image.Image:
        out.rmdir()
        return image

    server.script({"change": vanish})
    status, told, said = regen(shell, server, "--out", str(out / "o.png"))
    assert (status, told) == (1, "")
    (kept,) = elsewhere.iterdir()
    assert f"could not be written: the result is in “{kept}”" in said
    assert Image.open(kept).size == (240, 160)
    ((entry,)) = browse(journal(shell), "", 0, 10).entries
    assert not entry.inserted


def test_a_refusal_by_the_service_leaves_nothing(shell: Shell, server: RegenServer) -> None:
    server.script({"answer": "status", "status_code": 401, "body": f"unknown key {KEY}"})
    status, told, said = regen(shell, server)
    assert (status, told, len(said.splitlines())) == (1, "", 1)
    assert "does not accept the API key" in said
    assert [file.name for file in shell.folder.glob("o*")] == []
    assert list(journal(shell).iterdir()) == []


#: A shell's background jobs, and so perhaps these tests, ignore Ctrl-C: a terminal's foreground does not.
HEARING = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('bridge', run_name='__main__', alter_sys=True)"
)


class Process:
    """`regen` in a process of its own, to be interrupted."""

    def __init__(self, shell: Shell, server: RegenServer, *more: str) -> None:
        arguments = regen_arguments(shell.folder, BASE, "mask.png", "o.png", "--origin", server.origin, *more)
        self._process = subprocess.Popen(
            [sys.executable, "-c", HEARING, *arguments],
            cwd=ROOT,
            env=environment(shell.folder, PHOTIO_API_KEY=KEY, PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def hear(self, text: str) -> str:
        """The next line of its errors that has a text."""
        assert self._process.stderr
        return next(line for line in self._process.stderr if text in line)

    def end(self) -> tuple[int, str, str]:
        told, said = self._process.communicate(timeout=180)
        assert "Traceback" not in said
        return self._process.returncode, told, said


def test_interrupted_before_the_request_is_sent_nothing_is_billed_or_left(shell: Shell, server: RegenServer) -> None:
    server.script({"hold": "before-body"})
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (1600, 2000, 3), dtype=np.uint8)).save(shell.folder / BASE)
    mask((2000, 1600), (500, 500, 1500, 1200)).save(shell.folder / "mask.png")
    process = Process(shell, server, "--resolution", "native")
    server.wait("headers")
    process.interrupt()
    assert process.end() == (130, "", process_said(shell, "Interrupted.\n"))
    assert [folder for folder in journal(shell).iterdir() if folder.is_dir()] == []
    assert not list(shell.folder.glob("o*"))


def process_said(shell: Shell, more: str) -> str:
    return f"The mask's white part is regenerated, 22% of the picture (“--mask-means keep” says the opposite).\n{more}"


def test_interrupted_after_it_was_sent_the_answer_still_comes_into_the_history(
    shell: Shell, server: RegenServer
) -> None:
    server.script({"hold": "before-answer"})
    process = Process(shell, server, "--mask-means", "edit")
    server.wait("body")
    process.interrupt()
    assert "may have been billed: its answer is awaited" in process.hear("sent already")
    server.release()
    status, told, said = process.end()
    assert (status, told) == (130, "")
    assert "The answer has come" in said
    assert said.endswith("Interrupted.\n")
    (entry,) = browse(journal(shell), "", 0, 10).entries
    assert not entry.inserted
    assert recall(journal(shell), entry.id).finished.results
    assert not (shell.folder / "o.png").exists()


def test_interrupted_twice_it_ends_at_once_and_says_what_it_may_cost(shell: Shell, server: RegenServer) -> None:
    server.script({"hold": "before-answer"})
    process = Process(shell, server, "--mask-means", "edit")
    server.wait("body")
    process.interrupt()
    process.hear("may have been billed")
    process.interrupt()
    status, told, said = process.end()
    assert (status, told, said) == (130, "", "Interrupted.\n")
    server.release()


def test_a_killed_process_leaves_what_the_history_needs(shell: Shell, server: RegenServer) -> None:
    server.script({"hold": "mid-answer"})
    process = Process(shell, server, "--mask-means", "edit")
    server.wait("answering")
    process._process.kill()
    process.end()
    (folder,) = journal(shell).glob("2*")
    record = json.loads((folder / "request.json").read_text())
    assert record["state"] == "sending"
    assert {"selection.pgm", "base-1.pnm"} <= {file.name for file in folder.iterdir()}
    server.release()
