"""Files of all kinds come out as they went in, but for the result; the report says what became of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bridge.commands import deep
from tests.batch.shelf import TURNED, Shelf, fill
from tests.batch.support import MAKE, MODEL, SIZE, SPOT, TAKEN, Batch, Done
from tests.unit.command_line import adobe_rgb


@pytest.fixture(scope="module")
def shelf(layered: Path, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """A studio's shelf."""
    return fill(tmp_path_factory.mktemp("shelf"), layered)


def test_of_sixty_files_of_all_kinds_each_comes_out_in_its_kind_or_the_report_says_why_not(
    batch: Batch, shelf: Shelf, tmp_path: Path, look: Any
) -> None:
    out = tmp_path / "out"
    arguments = ("--mask-dir", shelf.masks, "--out", out, "--format", "xcf,same", "--engine", "offline")
    done = batch(shelf.inputs, *arguments)
    assert len(shelf.names) >= 60
    wanted = dict.fromkeys(shelf.made, "done")
    wanted |= dict.fromkeys(shelf.failed, "failed") | dict.fromkeys(shelf.skipped, "skipped")
    assert done.states == wanted, done.said
    assert done.status == 3
    for name, words in {**shelf.failed, **shelf.skipped}.items():
        assert words in done.why(name)
        assert f"{name}: {wanted[name]}: " in done.said, "each problem has a line"
    made = {out / name for name in shelf.made}
    files = {file for file in out.rglob("*") if file.is_file() and ".photio" not in file.parts}
    assert files == made | {file.with_suffix(".xcf") for file in made}, "nothing else, and nothing unfinished, is left"
    check_reported_outputs(done, files)
    check_flat(out)
    check_deep(shelf, out)
    check_layered(shelf, out, look)


def check_reported_outputs(done: Done, files: set[Path]) -> None:
    """The report names the files that are there, each once, and what made them."""
    reported = [Path(path) for file in done.report["files"] for path in file["outputs"]]
    assert sorted(reported) == sorted(files)
    for file in done.report["files"]:
        expected = ("offline", 1) if file["state"] == "done" else ("", 0)
        assert (file["engine"], file["requests"]) == expected, file["name"]


def check_flat(out: Path) -> None:
    """Files of one picture keep their kind, and what photographs tell about themselves."""
    modes = {"gray.png": "L", "gray-16.deep.png": "I;16", "gray-alpha.png": "LA", "rgba.png": "RGBA", "rgb.png": "RGB"}
    modes |= {"sub/gray.jpeg": "L", "web.webp": "RGB", "web-alpha.webp": "RGBA", "eight-gray.tif": "L"}
    for name, mode in modes.items():
        with Image.open(out / name) as flat:
            assert (name, flat.mode, flat.size) == (name, mode, SIZE)
    with Image.open(out / "eight.tiff") as compressed:
        assert compressed.info["icc_profile"] == adobe_rgb()
    with Image.open(out / "sub" / "photo.jpg") as photo:
        exif = photo.getexif()
        assert (exif[271], exif[272], exif.get_ifd(34665)[36867]) == (MAKE, MODEL, TAKEN)
        assert photo.info["icc_profile"] == adobe_rgb()
    with Image.open(out / "sub" / "turned.jpg") as turned:
        assert (turned.getexif()[274], turned.size) == (TURNED, SIZE[::-1])
    with Image.open(out / "web.webp") as web:
        assert web.getexif()[271] == MAKE


def check_deep(shelf: Shelf, out: Path) -> None:
    """TIFFs keep 16 bits, profile and EXIF data, and every pixel but those of the spot."""
    left, top, right, bottom = SPOT
    for name, pixels in shelf.deep.items():
        with Image.open(out / name) as tiff:
            assert tiff.tag_v2[258] == (16, 16, 16)
            assert tiff.info["icc_profile"] == adobe_rgb()
            exif = tiff.getexif()
            assert (exif[271], exif[272], exif.get_ifd(34665)[36867]) == (MAKE, MODEL, TAKEN)
        changed = (deep.read(out / name) != pixels).any(axis=2)
        assert changed[top:bottom, left:right].any()
        changed[top - 20 : bottom + 20, left - 20 : right + 20] = False
        assert not changed.any(), "only the spot differs"
    with Image.open(out / "deep-gray.tif") as gray:
        assert gray.tag_v2[258] == (16,)


def check_layered(shelf: Shelf, out: Path, look: Any) -> None:
    """GIMP finds one layer more in what has layers, and all else as it was."""
    kept = [name for name in shelf.made if name.endswith((".xcf", ".psd", ".ora"))]
    assert len(kept) == 16
    before = {name: shelf.inputs / name for name in kept}
    after = {name: out / name for name in kept}
    found = look(*before.values(), *after.values())
    for name in kept:
        was, now = found[before[name]], found[after[name]]
        if name.endswith(".xcf"):
            check_one_layer_more(was, now)
        else:
            assert [layer["name"] for layer in now["layers"]] == ["Photio: removed", "note", "photograph"], name


def check_one_layer_more(before: dict[str, Any], after: dict[str, Any]) -> None:
    """The top layer is new, and nothing else differs."""
    new, *others = after["layers"]
    assert new["name"] == "Photio: removed"
    assert new["parasites"] == ["photio-regen"]
    assert {**after, "layers": others} == before


def test_an_xcf_differs_from_the_original_by_exactly_one_layer_where_its_selection_or_a_channel_is_changed(
    batch: Batch, gimp: Any, layered: Path, tmp_path: Path, look: Any
) -> None:
    log = gimp.home / "batch.log"
    before = len(log.read_bytes()) if log.exists() else 0
    files = [layered / "grouped ü.xcf", layered / "gray-16.xcf"]
    own, dust = tmp_path / "own", tmp_path / "dust"
    by_selection = batch(*files, "--out", own, "--engine", "offline")
    by_name = batch(*files, "--mask", "dust", "--out", dust, "--format", "xcf,png", "--engine", "offline")
    assert (by_selection.status, by_name.status) == (0, 0), by_selection.said + by_name.said
    assert b"GeglBuffers leaked" not in log.read_bytes()[before:], "GIMP keeps nothing of a file in memory"
    found = look(*files, *(out / file.name for out in (own, dust) for file in files))
    for file in files:
        for out in (own, dust):
            check_one_layer_more(found[file], found[out / file.name])
    assert found[own / "gray-16.xcf"]["layers"][0]["offsets"] != found[dust / "gray-16.xcf"]["layers"][0]["offsets"]
    with Image.open(dust / "gray-16.png") as flat:
        assert flat.mode == "I;16"
