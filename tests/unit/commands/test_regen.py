"""`python -m bridge regen` as GIMP does it: what comes out of it, over real HTTP."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, IptcImagePlugin, PngImagePlugin, TiffImagePlugin, TiffTags

from tests.regen_server import RegenServer
from tests.unit import command_line
from tests.unit.command_line import OBJECT, SIZE, Shell, bridge, mask, outside, photograph, regen_arguments

INSIDE = (120, 75)  # x, y
GREEN = {"answer": "colour", "rgb": [10, 200, 30]}
PLAIN = ("--no-match-colour", "--no-match-detail", "--no-match-grain")


@pytest.fixture(scope="module")
def running() -> Iterator[RegenServer]:
    with RegenServer() as server:
        yield server


@pytest.fixture
def server(running: RegenServer) -> RegenServer:
    running.clear()
    running.script(GREEN)
    return running


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)


def regen(shell: Shell, server: RegenServer, out: str, *more: str, base: str = "base.png") -> str:
    """Regenerates the object; what was said."""
    status, _told, said = shell.regen(base, "mask.png", out, "--origin", server.origin, *PLAIN, *more)
    assert status == 0, said
    return said


def picture_sent(server: RegenServer, name: str = "base_image", number: int = 0) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(server.requests()[number]["body"][name]))))


def expect_only_the_object_changed(before: NDArray[Any], after: NDArray[Any], new: tuple[int, ...]) -> None:
    assert after.dtype == before.dtype
    assert after.shape == before.shape
    far = outside(before)
    assert np.array_equal(before[far], after[far])
    assert tuple(after[INSIDE[1], INSIDE[0]]) == new


@pytest.mark.parametrize(("out", "channels"), [("o.png", 3), ("o.tif", 3), ("o.webp", 3), ("o.png", 1), ("o.tif", 1)])
def test_only_the_object_changes_to_the_last_bit(
    tmp_path: Path, shell: Shell, server: RegenServer, out: str, channels: int
) -> None:
    before = photograph(channels=channels)
    Image.fromarray(before.squeeze()).save(tmp_path / "base.png")
    mask().save(tmp_path / "mask.png")
    said = regen(shell, server, out)
    assert "white part is regenerated" in said
    after = np.asarray(Image.open(tmp_path / out)).reshape(before.shape)
    expect_only_the_object_changed(before, after, (10, 200, 30) if channels == 3 else (147,))


def test_a_large_jpeg_keeps_its_exif_data_and_its_profile(tmp_path: Path, shell: Shell, server: RegenServer) -> None:
    size, box = (6000, 4000), (3000, 2000, 3400, 2300)
    picture = Image.fromarray(np.tile(photograph((600, 400)), (10, 10, 1)))
    exif = picture.getexif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "Made-up Cameras", 1
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] = 2.8
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] = 47.5
    profile = command_line.adobe_rgb()
    picture.save(tmp_path / "base.jpg", quality=88, exif=exif.tobytes(), icc_profile=profile, dpi=(300, 300))
    mask(size, box).save(tmp_path / "mask.png")
    server.script(GREEN, GREEN)
    before = Image.open(tmp_path / "base.jpg")
    for out in ("o.tif", "o.jpg"):
        said = regen(shell, server, out, base="base.jpg")
        assert ("JPEG is compressed anew" in said) == (out == "o.jpg")
        after = Image.open(tmp_path / out)
        assert after.info["icc_profile"] == profile
        assert tuple(round(each) for each in after.info["dpi"]) == (300, 300)
        kept = after.getexif()
        assert kept[ExifTags.Base.Make] == "Made-up Cameras"
        assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] == pytest.approx(2.8)
        assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] == pytest.approx(47.5)
        assert not kept.get_ifd(ExifTags.IFD.IFD1)
        far = outside(np.asarray(after), box, 16)
        away = np.abs(np.asarray(after)[far].astype(np.int16) - np.asarray(before)[far])
        assert away.max() == 0 if out == "o.tif" else away.mean() < 1.5
        if out == "o.jpg":
            assert after.quantization == before.quantization
    srgb = ImageCms.createProfile("sRGB")
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    green = ImageCms.profileToProfile(Image.new("RGB", (1, 1), (10, 200, 30)), srgb, own, 1)
    found = Image.open(tmp_path / "o.tif").getpixel((3200, 2150))
    assert found != (10, 200, 30)
    assert np.abs(np.subtract(found, green.getpixel((0, 0)))).max() <= 1
    # the service gets sRGB: the whole crop is a little more colourful than the numbers in the file say
    shown = ImageCms.profileToProfile(before.resize((600, 400), Image.Resampling.BOX), own, srgb, 1)
    assert picture_sent(server).mean() == pytest.approx(np.asarray(shown).mean(), abs=2)
    assert abs(picture_sent(server)[..., 0].mean() - np.asarray(before)[..., 0].mean()) > 2


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_of_16_bits_stays_one(tmp_path: Path, shell: Shell, server: RegenServer, channels: int) -> None:
    before = photograph(channels=channels, deep=True)
    profile = command_line.adobe_rgb()
    density = (b"pHYs", b"\0\0\x2e\x23" * 2 + b"\1")
    (tmp_path / "base.png").write_bytes(command_line.deep_png(before, density))
    mask().save(tmp_path / "mask.png")
    regen(shell, server, "o.png")
    after, chunks = command_line.read_deep_png((tmp_path / "o.png").read_bytes())
    new = tuple(257 * level for level in (10, 200, 30)) if channels > 2 else (37864,)
    alpha = (before[INSIDE[1], INSIDE[0], -1],) if channels in (2, 4) else ()
    expect_only_the_object_changed(before, after, (*new, *alpha))
    assert chunks[b"pHYs"] == density[1]
    Image.open(tmp_path / "o.png").load()
    assert profile not in chunks.values()


@pytest.mark.parametrize("out", ["o.tif", "o.png"])
def test_a_tiff_of_16_bits_stays_one(tmp_path: Path, shell: Shell, server: RegenServer, out: str) -> None:
    before = photograph(deep=True)
    (tmp_path / "base.tif").write_bytes(command_line.deep_tiff(before))
    mask().save(tmp_path / "mask.png")
    regen(shell, server, out, base="base.tif")
    content = (tmp_path / out).read_bytes()
    after = command_line.read_deep_tiff(content) if out == "o.tif" else command_line.read_deep_png(content)[0]
    expect_only_the_object_changed(before, after, (2570, 51400, 7710))


def test_16_bits_and_a_profile_of_its_own_keep_fine_gradations(
    tmp_path: Path, shell: Shell, server: RegenServer
) -> None:
    server.script({})  # the service returns what it got
    before = photograph(deep=True)
    profile = (b"iCCP", b"Adobe RGB\0\0" + zlib.compress(command_line.adobe_rgb()))
    (tmp_path / "base.png").write_bytes(command_line.deep_png(before, profile))
    mask().save(tmp_path / "mask.png")
    regen(shell, server, "o.png", "--feather", "20")
    after, chunks = command_line.read_deep_png((tmp_path / "o.png").read_bytes())
    assert zlib.decompress(chunks[b"iCCP"].partition(b"\0\0")[2]) == command_line.adobe_rgb()
    left, top, right, bottom = OBJECT
    changed = after[top:bottom, left:right].astype(np.int32)
    assert np.abs(changed - before[top:bottom, left:right]).mean() < 6 * 257  # sent smaller or larger, and in 8 bits
    assert len(np.unique(changed)) > 900, "there are more shades than 8 bits have"


def test_transparency_stays_as_it_is(tmp_path: Path, shell: Shell, server: RegenServer) -> None:
    before = photograph(channels=4)
    before[:, :110, 3] = 0
    before[:, 110:130, 3] = 128
    Image.fromarray(before).save(tmp_path / "base.png")
    mask().save(tmp_path / "mask.png")
    regen(shell, server, "o.png")
    after = np.asarray(Image.open(tmp_path / "o.png"))
    assert np.array_equal(before[..., 3], after[..., 3])
    expect_only_the_object_changed(before, after, (10, 200, 30, 128))


def test_transparent_parts_are_filled_where_that_is_wanted(tmp_path: Path, shell: Shell, server: RegenServer) -> None:
    before = photograph(channels=4)
    before[..., 3] = 255
    before[40:60, 20:50, 3] = 0
    Image.fromarray(before).save(tmp_path / "base.png")
    status, _told, said = shell.regen(
        "base.png", None, "o.png", "--origin", server.origin, "--fill-transparent", *PLAIN
    )
    assert status == 0, said
    after = np.asarray(Image.open(tmp_path / "o.png"))
    assert (after[..., 3] == 255).all()
    assert tuple(after[50, 35]) == (10, 200, 30, 255)
    far = outside(before, (20, 40, 50, 60))
    assert np.array_equal(before[far], after[far])


@pytest.mark.parametrize("stored", [3, 6])
def test_a_turned_photograph_is_worked_on_as_it_is_seen(
    tmp_path: Path, shell: Shell, server: RegenServer, stored: int
) -> None:
    before = photograph()
    turned = np.rot90(before, {3: 2, 6: 1}[stored])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = stored
    width, height = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
    exif.get_ifd(ExifTags.IFD.Exif).update({width: turned.shape[1], height: turned.shape[0]})
    Image.fromarray(np.ascontiguousarray(turned)).save(tmp_path / "base.png", exif=exif)
    mask().save(tmp_path / "mask.png")
    regen(shell, server, "o.png")
    after = Image.open(tmp_path / "o.png")
    assert after.getexif()[ExifTags.Base.Orientation] == 1
    described = after.getexif().get_ifd(ExifTags.IFD.Exif)
    assert (described[width], described[height]) == after.size == SIZE
    expect_only_the_object_changed(before, np.asarray(after), (10, 200, 30))


@pytest.mark.parametrize("out", ["o.tif", "o.png", "o.jpg", "o.webp"])
def test_exif_and_xmp_data_of_a_tiff_are_kept(tmp_path: Path, shell: Shell, server: RegenServer, out: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "Made-up Cameras", 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] = 2.8
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6" dc:title="ridge"/></x:xmpmeta>'
    stored = Image.fromarray(photograph((SIZE[1], SIZE[0])))
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in exif:
        info[tag] = exif[tag]
    info[34665], info[700] = exif.get_ifd(ExifTags.IFD.Exif), xmp
    stored.save(tmp_path / "base.tif", tiffinfo=info)
    mask().save(tmp_path / "mask.png")
    regen(shell, server, out, base="base.tif")
    after = Image.open(tmp_path / out)
    assert after.size == SIZE
    kept = after.getexif()
    assert kept.get(ExifTags.Base.Orientation, 1) == 1
    assert kept[ExifTags.Base.Make] == "Made-up Cameras"
    assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] == pytest.approx(2.8)
    assert b'dc:title="ridge"' in after.info["xmp"]
    assert b'tiff:Orientation="6"' not in after.info["xmp"]


#: A caption as news agencies write it: record 2, data set 120, of an odd length.
CAPTION = b"\x1c\x02\x78\x00\x05ridge"

#: Photoshop's image resources: a thumbnail, which shows what was there before, and the caption.
RESOURCES = b"8BIM\x04\x0c\0\0\0\0\0\x05thumb\0" + b"8BIM\x04\x04\0\0" + len(CAPTION).to_bytes(4, "big") + CAPTION


def captioned(folder: Path, base: str) -> None:
    """A photograph with IPTC data."""
    picture = Image.fromarray(photograph())
    if base == "base.jpg":
        content = b"Photoshop 3.0\0" + RESOURCES
        picture.save(folder / base, extra=b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content)
        return
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[33723], info[34377] = CAPTION + bytes(2), RESOURCES
    picture.save(folder / base, tiffinfo=info)
    # Adobe's programs call it numbers of four bytes, which Pillow cannot write
    stored, adobes = (struct.pack("<HHI", 33723, *each) for each in ((TiffTags.UNDEFINED, 12), (TiffTags.LONG, 3)))
    content = (folder / base).read_bytes()
    assert content.count(stored) == 1
    (folder / base).write_bytes(content.replace(stored, adobes))


@pytest.mark.parametrize("out", ["o.jpg", "o.tif", "o.png"])
@pytest.mark.parametrize("base", ["base.jpg", "base.tif"])
def test_iptc_data_is_kept_where_the_format_has_a_place_for_it_or_else_that_is_said(
    tmp_path: Path, shell: Shell, server: RegenServer, base: str, out: str
) -> None:
    captioned(tmp_path, base)
    mask().save(tmp_path / "mask.png")
    said = regen(shell, server, out, base=base)
    assert ("PNG has no place for the photograph's IPTC data" in said) == (out == "o.png")
    kept = IptcImagePlugin.getiptcinfo(Image.open(tmp_path / out)) if out != "o.png" else None
    assert kept == (None if out == "o.png" else {(2, 120): b"ridge"})
    assert b"thumb" not in (tmp_path / out).read_bytes()


def test_a_jpegs_comment_is_kept(tmp_path: Path, shell: Shell, server: RegenServer) -> None:
    Image.fromarray(photograph()).save(tmp_path / "base.jpg", comment="above the désert".encode())
    mask().save(tmp_path / "mask.png")
    regen(shell, server, "o.jpg", base="base.jpg")
    assert Image.open(tmp_path / "o.jpg").info["comment"] == "above the désert".encode()


@pytest.mark.parametrize("deep", [False, True], ids=["8-bits", "16-bits"])
def test_a_pngs_texts_are_kept_by_a_png_or_else_that_is_said(
    tmp_path: Path, shell: Shell, server: RegenServer, deep: bool
) -> None:
    texts = {"Title": "désert", "Author": "山田"}
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    info.add_text("Description", "at noon, " * 99, zip=True)
    info.add_text("Raw profile type iptc", "\niptc\n 4\n1c020000\n")  # no text, but what ImageMagick hides in one
    chunks = [(name, content) for name, content, _after in info.chunks]
    if deep:
        (tmp_path / "base.png").write_bytes(command_line.deep_png(photograph(deep=True), *chunks))
    else:
        Image.fromarray(photograph()).save(tmp_path / "base.png", pnginfo=info)
    mask().save(tmp_path / "mask.png")
    assert "no place" not in regen(shell, server, "o.png")
    with Image.open(tmp_path / "o.png") as after:
        assert isinstance(after, PngImagePlugin.PngImageFile)
        assert after.text == {**texts, "Description": "at noon, " * 99}
    assert "TIFF has no place for the photograph's texts (Title, Author, Description)" in regen(shell, server, "o.tif")


def test_metadata_that_a_format_cannot_take_is_refused_before_anything_is_sent(
    tmp_path: Path, shell: Shell, server: RegenServer
) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "x" * 70_000)
    Image.fromarray(photograph()).save(tmp_path / "base.png", pnginfo=text)
    mask().save(tmp_path / "mask.png")
    status, told, said = shell.regen("base.png", "mask.png", "o.jpg", "--origin", server.origin)
    assert (status, told, server.requests()) == (1, "", [])
    assert "JPEG cannot take the photograph's EXIF, XMP or IPTC data" in said
    regen(shell, server, "o.webp")
    assert len(Image.open(tmp_path / "o.webp").info["xmp"]) == 70_000


def test_several_results_get_numbers_and_seeds(tmp_path: Path, shell: Shell, server: RegenServer) -> None:
    Image.fromarray(photograph()).save(tmp_path / "base.png")
    mask().save(tmp_path / "mask.png")
    server.script(GREEN, GREEN)
    more = ("--variations", "2", "--seed", "7", "--origin", server.origin)
    status, told, said = shell.regen("base.png", "mask.png", "o.png", *more)
    assert status == 0, said
    assert told == f"{tmp_path / 'o-1.png'}: seed 7\n{tmp_path / 'o-2.png'}: seed 8\n"
    assert sorted(file.name for file in tmp_path.glob("o*")) == ["o-1.png", "o-2.png"]
    assert sorted(each["body"]["seed"] for each in server.requests()) == [7, 8]


def test_the_part_around_the_object_is_sent_and_no_more(tmp_path: Path, shell: Shell, server: RegenServer) -> None:
    Image.fromarray(photograph((900, 600))).save(tmp_path / "base.png")
    mask((900, 600)).save(tmp_path / "mask.png")
    regen(
        shell,
        server,
        "o.png",
        "--prompt",
        "a cat",
        "--grow",
        "2",
        "--feather",
        "0",
        "--spill",
        "0",
        "--resolution",
        "native",
    )
    height, width = picture_sent(server).shape[:2]
    assert (width, height) == (176, 160)  # the object, 2 px, 64 px where the picture has them, in steps of 8
    kept = picture_sent(server, "mask_image")
    assert (kept == 0).sum() == 44 * 34 - 4 * 3, "the grown object, with round corners, is black"
    assert server.requests()[0]["body"]["prompt"] == "a cat"


def test_without_a_key_the_offline_engine_removes_the_object(tmp_path: Path) -> None:
    before = photograph()
    before[65:85, 105:135] = (255, 0, 255)
    Image.fromarray(before).save(tmp_path / "base.png")
    mask().save(tmp_path / "mask.png")
    done = bridge(tmp_path, *regen_arguments(tmp_path, "base.png", "mask.png", "o.png", "--resolution", "native"))
    assert done.returncode == 0, done.stderr
    assert "No API key" in done.stderr
    after = np.asarray(Image.open(tmp_path / "o.png"))
    assert np.array_equal(before[outside(before)], after[outside(before)])
    assert not (after == (255, 0, 255)).all(axis=2).any()
    assert Image.open(tmp_path / "o.png").size == SIZE
