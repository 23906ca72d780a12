"""Files of all kinds come out as they went in, but for the result; the report says what became of each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bridge.commands import deep
from tests.batch.support import MAKE, MODEL, SIZE, TAKEN, Batch, deep_tiff, mask, picture
from tests.regen_server import RegenServer
from tests.unit.command_line import adobe_rgb

LONG = "l" * 240  # with its ending, the longest name that a file may have here is 255 bytes


def flat_files(folder: Path, layered: Path) -> tuple[Path, np.ndarray[Any, Any]]:
    """A folder of files without a selection; and the pixels of the deep one."""
    inputs = folder / "in"
    (inputs / "sub").mkdir(parents=True)
    pixels = deep_tiff(inputs / "deep.tif", adobe_rgb())
    picture("L").save(inputs / "gray.png")
    exif = Image.Exif()
    exif[271] = MAKE
    picture().save(inputs / "sub" / "photo ü 写真.jpg", quality=95, exif=exif)
    picture().save(inputs / f"{LONG}.png")
    picture().save(inputs / "web.webp", lossless=True)
    picture().quantize(16).save(inputs / "indexed.png")
    picture().save(inputs / "without.png")
    (inputs / "broken.png").write_bytes((inputs / "gray.png").read_bytes()[:200])
    for name in ("layered.psd", "layered.ora"):
        shutil.copy(layered / name, inputs / f"{name[-3:]}{name[-4:]}")
    for file in inputs.rglob("*.*"):
        if file.stem != "without":
            mask(folder / "masks", file.stem)
    return inputs, pixels


def test_files_of_all_kinds_come_out_in_their_kind_and_the_report_says_what_became_of_each(
    batch: Batch, service: RegenServer, layered: Path, tmp_path: Path, look: Any
) -> None:
    service.script(*[{"answer": "invert"}] * 20)
    inputs, pixels = flat_files(tmp_path, layered)
    out = tmp_path / "out"
    arguments = (inputs, "--mask-dir", tmp_path / "masks", "--out", out, "--format", "xcf,same")
    done = batch(*arguments)
    failed = {"broken.png", "indexed.png"}
    wanted = {str(file.relative_to(inputs)): "done" for file in inputs.rglob("*.*")}
    wanted |= dict.fromkeys(failed, "failed") | {"without.png": "skipped"}
    assert done.states == wanted, done.said
    assert done.status == 3
    assert "There is no mask for it" in done.why("without.png")
    assert "indexed" in done.why("indexed.png")
    assert "GIMP cannot open it" in done.why("broken.png")
    for name in (*failed, "without.png"):
        assert name in done.said, "each problem has a line"

    for name in (name for name, state in wanted.items() if state == "done"):
        assert (out / name).exists()
        assert (out / Path(name).with_suffix(".xcf")).exists()
    assert not list(out.rglob(".photio-*")), "nothing unfinished is left"
    with Image.open(out / "gray.png") as gray:
        assert (gray.mode, gray.size) == ("L", SIZE)
    with Image.open(out / "sub" / "photo ü 写真.jpg") as photo:
        assert photo.getexif()[271] == MAKE
    with Image.open(out / "deep.tif") as tiff:
        assert tiff.tag_v2[258] == (16, 16, 16)
        assert tiff.info["icc_profile"] == adobe_rgb()
        exif = tiff.getexif()
        assert (exif[271], exif[272], exif.get_ifd(34665)[36867]) == (MAKE, MODEL, TAKEN)
    changed = (deep.read(out / "deep.tif") != pixels).any(axis=2)
    assert changed[80:100, 120:150].any()
    changed[60:120, 100:170] = False
    assert not changed.any(), "only the spot differs"

    xcfs = look(out / "ora.xcf", out / "psd.xcf")
    assert [[layer["name"] for layer in each["layers"]] for each in xcfs.values()] == [
        ["Photio: removed", "note", "photograph"]
    ] * 2

    again = batch(*arguments)
    assert {state for name, state in again.states.items() if name not in failed} == {"there already", "skipped"}
    assert again.report["requests"] == 0


def test_an_xcf_differs_from_the_original_by_exactly_one_layer(
    batch: Batch, layered: Path, tmp_path: Path, look: Any
) -> None:
    files = [layered / "grouped ü.xcf", layered / "gray-16.xcf"]
    own, dust = tmp_path / "own", tmp_path / "dust"
    by_selection = batch(*files, "--out", own, "--engine", "offline")
    by_name = batch(*files, "--mask", "dust", "--out", dust, "--format", "xcf,png", "--engine", "offline")
    assert (by_selection.status, by_name.status) == (0, 0), by_selection.said + by_name.said
    before = look(*files)
    for out in (own, dust):
        after = look(*(out / file.name for file in files))
        for name, was in before.items():
            new, *others = after[name]["layers"]
            assert new["name"] == "Photio: removed"
            assert new["parasites"] == ["photio-regen"]
            assert {**after[name], "layers": others} == was
    assert look(own / "gray-16.xcf")["gray-16.xcf"]["layers"][0]["offsets"] != [0, 0]
    with Image.open(dust / "gray-16.png") as flat:
        assert flat.mode == "I;16"
