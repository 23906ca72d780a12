"""Whatever is typed at a shell: it is done, or refused in one sentence, before anything is sent."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.commands import cli, photograph, raw, regen, saving
from bridge.common.errors import PhotioError
from bridge.regen.errors import ParameterError
from tests.unit.damage import damaged

BASE = Image.effect_noise((12, 8), 60).convert("RGB")


class NothingIsSentError(PhotioError):
    """All was well, up to the moment at which something would have been sent."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def backend(*_arguments: object) -> None:
        raise NothingIsSentError("Nothing is sent.")

    module: Any = ModuleType("keyring")
    module.get_keyring = lambda: type("Ring", (), {"priority": 0})()
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setattr(regen, "_backend", backend)
    monkeypatch.setattr(regen, "RegenJob", backend)
    monkeypatch.setattr("bridge.store.log.start", lambda: None)
    monkeypatch.setattr("bridge.engine.server.serve", lambda *_arguments: 0)
    for command in ("_doctor", "_service", "_model_fetch", "_key_set"):  # they take long, or wait for what is typed
        monkeypatch.setattr(cli, command, lambda _chosen: 0)
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    BASE.save(tmp_path / "base.png")
    mask = Image.new("L", BASE.size, 0)
    mask.paste(255, (4, 3, 7, 5))
    mask.save(tmp_path / "mask.png")
    return tmp_path


GOOD = [
    "regen", "--base", "base.png", "--mask", "mask.png", "--out", "out.png", "--seed", "7", "--cfg-scale", "2.5",
    "--quality", "low", "--prompt", "a door", "--negative-prompt", "", "--origin", "https://studio.example",
    "--mask-means", "edit", "--variations", "2", "--context", "20", "--grow", "1", "--feather", "1", "--areas", "auto",
    "--resolution", "native", "--engine", "auto", "--match-colour", "--no-match-grain",
    "--no-match-detail",
]  # fmt: skip
RAW = [*GOOD[: GOOD.index("--mask-means")], "--raw"]
ODD = [
    "", " ", "-", "--", "-1", "0", "nan", "inf", "1e999", "9" * 400, "9" * 5000, "١", "x" * 300, "x" * 250 + ".png",
    "x" * 300 + ".png", "y/" * 3000 + "a.png", ".png", "..", "/", "/dev/null", "/dev/full", "~", "\udcff", "\udcff.png",
    "é.PNG", "a\nb.png", "http://", "https://[", "http://[::1%]:9", "https://a@b", "https://x" + "y" * 9000, "file:///",
    "--help=1", "--seed=0x10", "--bogus", "%s", "{0}", "out.gif", "base.png/out.png", "home",
]  # fmt: skip
COMMANDS = [
    GOOD,
    GOOD,
    RAW,
    ["key", "show"],
    ["key", "clear"],
    ["key"],
    ["model"],
    ["serve", "--port"],
    ["doctor", "x"],
]


@st.composite
def arguments(draw: st.DrawFn) -> list[str]:
    """A command line with one to three things in it that do not belong there."""
    typed = list(draw(st.sampled_from(COMMANDS)))
    word = st.sampled_from(ODD) | st.text(st.characters(exclude_characters="\0"), max_size=9)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(1, len(typed)))
        if draw(st.integers(0, 4)):
            typed[at : at + 1] = [draw(word)]
        else:
            typed[at:at] = [draw(word)]
    return typed


def test_whatever_is_typed_in_one_place_is_done_or_refused_in_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for good, places, odds in (
        (GOOD, range(1, len(RAW)), ODD),
        (GOOD, range(len(RAW), len(GOOD)), ODD[::3]),
        (RAW, range(1, 7), ODD),  # the files
    ):
        for place in places:
            for odd in odds:
                check([*good[:place], odd, *good[place + 1 :]], capsys)


@settings(max_examples=150)
@given(arguments())
def test_whatever_is_typed_is_done_or_refused_in_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], typed: list[str]
) -> None:
    check(typed, capsys)


def check(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command line ends as it should, with a sentence where it failed."""
    status: object = None
    try:
        status = cli.main(typed)
    except SystemExit as left:  # argparse's way
        status = left.code
    told = capsys.readouterr()
    assert status in (0, 1, 2)
    assert status != 1 or 1 <= len(told.err.splitlines()) <= 2
    assert "Traceback" not in told.err


def _files() -> list[bytes]:
    """The picture in every format that Pillow writes by itself, and that somebody may have."""
    made = []
    for kind in (
        "PNG",
        "JPEG",
        "WEBP",
        "TIFF",
        "GIF",
        "BMP",
        "ICO",
        "PCX",
        "TGA",
        "PPM",
        "SGI",
        "DDS",
        "JPEG2000",
    ):
        buffer = io.BytesIO()
        BASE.save(buffer, kind, **({"exif": _turned()} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}))
        made.append(buffer.getvalue())
    return made


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 6  # “rotate by 90°”
    return exif


@pytest.mark.filterwarnings("ignore")  # Pillow's own, about what is broken
@settings(max_examples=300)
@given(st.sampled_from(_files()).flatmap(damaged))
def test_whatever_file_is_named_it_is_a_picture_or_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "picture").write_bytes(content)
    with contextlib.suppress(ParameterError):
        image = raw._image("base", str(tmp_path / "picture"))
        assert isinstance(image, Image.Image)
        assert image.mode in ("RGB", "RGBA")
    with contextlib.suppress(photograph.PhotographError):
        found = photograph.open_photograph(tmp_path / "picture", "photograph")
        assert found.pixels.ndim == 3
        assert 1 <= found.pixels.shape[2] <= 4
        for kind in ("PNG", "TIFF", "WEBP", "JPEG"):
            with contextlib.suppress(photograph.PhotographError):  # before anything is sent
                saving.not_kept(found, kind)
                saving.encode(found, found.pixels, kind)


def test_a_result_may_have_the_longest_name_that_there_is(tmp_path: Path) -> None:
    out = tmp_path / ("x" * 251 + ".png")
    saving.replace(out, b"picture")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(out.name, b"picture")]
