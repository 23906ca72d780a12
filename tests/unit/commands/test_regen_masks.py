"""What a mask means to `python -m bridge regen`, and what is refused before anything is sent or paid for."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageDraw, ImageFilter, ImageOps

from bridge.commands.mask_rule import MaskError, coverage
from bridge.commands.masks import read_mask
from bridge.commands.photograph import open_photograph
from tests.regen_server import RegenServer
from tests.unit.command_line import OBJECT, SIZE, Shell, adobe_rgb, mask, photograph

LEFT, TOP, RIGHT, BOTTOM = OBJECT
PHOTOGRAPH = photograph()


@pytest.fixture(scope="module")
def running() -> Iterator[RegenServer]:
    with RegenServer() as server:
        yield server


@pytest.fixture
def server(running: RegenServer) -> RegenServer:
    running.clear()
    running.script()
    return running


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    Image.fromarray(PHOTOGRAPH).save(tmp_path / "base.png")
    return Shell(tmp_path, monkeypatch, capsys)


def with_alpha(colours: Image.Image, opaque: Image.Image) -> Image.Image:
    picture = colours.convert("RGBA")
    picture.putalpha(opaque)
    return picture


def black_on_white() -> Image.Image:
    return ImageOps.invert(mask())


def painted_layer() -> Image.Image:
    return with_alpha(Image.new("RGB", SIZE, (255, 0, 0)), mask())


def hole_in_the_photograph() -> Image.Image:
    return with_alpha(Image.fromarray(PHOTOGRAPH), black_on_white())


def cut_out_object() -> Image.Image:
    return with_alpha(Image.fromarray(PHOTOGRAPH), mask())


def one_bit() -> Image.Image:
    return mask().convert("1")


def deep_gray() -> Image.Image:
    return Image.fromarray(np.asarray(mask()).astype(np.uint16) * 257)


DRAWINGS = [mask, black_on_white, painted_layer, hole_in_the_photograph, cut_out_object, one_bit, deep_gray]


def sent_mask(server: RegenServer) -> bytes:
    """The pixels of the mask that the service got; black is regenerated."""
    return Image.open(io.BytesIO(base64.b64decode(server.requests()[-1]["body"]["mask_image"]))).tobytes()


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.__name__)
def test_every_way_to_draw_the_object_regenerates_it(
    shell: Shell, server: RegenServer, drawing: Callable[[], Image.Image]
) -> None:
    mask().save(shell.folder / "mask.png")
    drawing().save(shell.folder / "drawing.png")
    for name in ("mask.png", "drawing.png"):
        status, _told, said = shell.regen("base.png", name, "o.png", "--origin", server.origin)
        assert status == 0, said
        assert "part is regenerated, 3% of the picture" in said
    first, second = server.requests()
    assert first["body"]["mask_image"] == second["body"]["mask_image"]
    assert first["body"]["base_image"] == second["body"]["base_image"]


def test_a_mask_that_was_saved_as_a_jpeg_regenerates_nothing_else(shell: Shell, server: RegenServer) -> None:
    mask().save(shell.folder / "mask.jpg", quality=60)
    mask().save(shell.folder / "mask.png")
    for name in ("mask.jpg", "mask.png"):
        assert shell.regen("base.png", name, "o.png", "--origin", server.origin, "--grow", "0")[0] == 0
    first, second = (np.frombuffer(each, np.uint8) for each in (sent_mask(server), sent_mask(server)))
    assert np.count_nonzero(first != second) < 500
    assert len(server.requests()) == 2


#: What a soft edge may have, from nothing to everything.
EVERY_VALUE = np.arange(256, dtype=np.uint8).reshape(8, 32)


@pytest.mark.parametrize("means", ["edit", "keep"])
@pytest.mark.parametrize("name", ["m.png", "m.tif", "m.webp", "m.bmp"])
def test_a_soft_edge_is_taken_as_it_was_drawn(tmp_path: Path, name: str, means: str) -> None:
    Image.new("L", (32, 8), 128).save(tmp_path / "base.png")
    drawn = Image.fromarray(EVERY_VALUE if means == "edit" else 255 - EVERY_VALUE)
    more = {"lossless": True, "icc_profile": adobe_rgb()} if name == "m.webp" else {}  # it comes before the pixels
    drawn.save(tmp_path / name, **more)
    found, _said = read_mask(tmp_path / name, open_photograph(tmp_path / "base.png", "photograph"), means)
    assert np.array_equal(found, EVERY_VALUE)


@pytest.mark.parametrize("name", ["m.jpg", "m.webp"])
def test_traces_of_compression_are_not_taken_for_a_soft_edge(tmp_path: Path, name: str) -> None:
    Image.fromarray(PHOTOGRAPH).save(tmp_path / "base.png")
    mask().save(tmp_path / name, quality=60, icc_profile=adobe_rgb()[:-1])  # an odd length
    assert len(np.unique(np.asarray(Image.open(tmp_path / name).convert("L"))[:, : LEFT - 2])) > 1, "there are traces"
    found, _said = read_mask(tmp_path / name, open_photograph(tmp_path / "base.png", "photograph"), "edit")
    assert not found[:, : LEFT - 2].any()


@pytest.mark.parametrize(("means", "opposite"), [("edit", "keep"), ("keep", "edit")])
def test_the_user_can_say_what_white_means(shell: Shell, server: RegenServer, means: str, opposite: str) -> None:
    half = Image.new("L", SIZE, 0)
    half.paste(255, (0, 0, 120, SIZE[1]))
    half.save(shell.folder / "half.png")
    ImageOps.invert(half).save(shell.folder / "other-half.png")
    wanted = ("--grow", "0", "--feather", "0", "--origin", server.origin)
    status, _told, said = shell.regen("base.png", "half.png", "o.png", *wanted)
    assert (status, server.requests()) == (1, [])
    assert "white part (50%) or its black part" in said
    assert "--mask-means keep" in said
    for name, told in (("half.png", means), ("other-half.png", opposite)):
        assert shell.regen("base.png", name, "o.png", *wanted, "--mask-means", told) == (
            0, f"{shell.folder / 'o.png'}: seed {server.requests()[-1]['body']['seed']}\n", ""
        )  # fmt: skip
    first, second = server.requests()
    assert first["body"]["mask_image"] == second["body"]["mask_image"]


def test_a_soft_mask_is_taken_if_the_user_says_what_white_means(shell: Shell, server: RegenServer) -> None:
    mask().filter(ImageFilter.GaussianBlur(12)).save(shell.folder / "soft.png")
    status, _told, said = shell.regen("base.png", "soft.png", "o.png", "--origin", server.origin)
    assert (status, server.requests()) == (1, [])
    assert "no drawing in black and white" in said
    assert shell.regen("base.png", "soft.png", "o.png", "--mask-means", "edit", "--origin", server.origin)[0] == 0


def _gray_photograph() -> Image.Image:
    return Image.fromarray(PHOTOGRAPH).convert("L")


def _another_photograph() -> Image.Image:
    return Image.fromarray(photograph()[::-1]).convert("L")


def _red_drawing() -> Image.Image:
    drawing = Image.new("RGB", SIZE, "white")
    drawing.paste((255, 0, 0), OBJECT)
    return drawing


def _two_drawings() -> Image.Image:
    drawing = Image.new("RGB", SIZE, "black")
    drawing.paste("white", OBJECT)
    opaque = Image.new("L", SIZE, 255)
    ImageDraw.Draw(opaque).rectangle((0, 0, 60, 60), 0)
    return with_alpha(drawing, opaque)


def _of_another_size() -> Image.Image:
    return mask((SIZE[0], SIZE[1] + 1))


def _black() -> Image.Image:
    return Image.new("L", SIZE, 0)


def _white() -> Image.Image:
    return Image.new("L", SIZE, 255)


WRONG = [
    (lambda: Image.fromarray(PHOTOGRAPH), (), "is the photograph itself"),
    (lambda: Image.fromarray(PHOTOGRAPH), ("--mask-means", "keep"), "is the photograph itself"),
    (_gray_photograph, ("--mask-means", "edit"), "is the photograph itself"),
    (_another_photograph, (), "no drawing in black and white"),
    (_red_drawing, (), "a picture in colours"),
    (_two_drawings, (), "black, white and transparent parts"),
    (_of_another_size, (), "240 × 161 px, but the photograph has 240 × 160 px"),
    (_black, (), "is the same everywhere"),
    (_white, (), "is the same everywhere"),
    (_black, ("--mask-means", "edit"), "keeps the whole picture"),
    (_white, ("--mask-means", "keep"), "keeps the whole picture"),
    (_white, ("--mask-means", "edit"), "regenerates the whole picture"),
    (_black, ("--mask-means", "keep"), "regenerates the whole picture"),
    (lambda: with_alpha(Image.fromarray(PHOTOGRAPH), _black()), (), "is the same everywhere"),
]


@pytest.mark.parametrize(("drawing", "more", "sentence"), WRONG, ids=[f"{n}: {row[2]}" for n, row in enumerate(WRONG)])
def test_a_mask_that_shows_nothing_is_refused_before_anything_is_sent(
    shell: Shell, server: RegenServer, drawing: Callable[[], Image.Image], more: tuple[str, ...], sentence: str
) -> None:
    drawing().save(shell.folder / "mask.png")
    expect_refusal(
        shell, server, shell.regen("base.png", "mask.png", "o.png", *more, "--origin", server.origin), sentence
    )


def expect_refusal(shell: Shell, server: RegenServer, ended: tuple[int, str, str], sentence: str) -> None:
    """One sentence, and nothing was sent or is left."""
    status, told, said = ended
    assert (status, told) == (1, "")
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert said.endswith(".\n")
    assert server.requests() == []
    assert not list(shell.folder.glob("o.*"))
    assert not list(shell.folder.glob("home/journal/*"))


def test_the_photograph_as_its_own_mask_is_refused_unless_it_has_a_hole(shell: Shell, server: RegenServer) -> None:
    ended = shell.regen("base.png", "base.png", "o.png", "--origin", server.origin)
    expect_refusal(shell, server, ended, "is the photograph itself")
    hole_in_the_photograph().save(shell.folder / "base.png")
    assert shell.regen("base.png", "base.png", "o.png", "--origin", server.origin)[0] == 0


def test_a_mask_of_the_stored_pixels_of_a_turned_photograph_is_refused(shell: Shell, server: RegenServer) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(PHOTOGRAPH).save(shell.folder / "base.jpg", exif=exif)
    mask().save(shell.folder / "mask.png")
    ended = shell.regen("base.jpg", "mask.png", "o.png", "--origin", server.origin)
    expect_refusal(shell, server, ended, "240 × 160 px, but the photograph has 160 × 240 px, seen as its EXIF")


def _frames(folder: Path) -> str:
    frames = [Image.new("RGB", SIZE, (level, 9, 9)) for level in (10, 200)]
    frames[0].save(folder / "frames.webp", save_all=True, append_images=frames[1:])
    return "frames.webp"


def _cmyk(folder: Path) -> str:
    Image.new("CMYK", SIZE).save(folder / "cmyk.jpg")
    return "cmyk.jpg"


def _floats(folder: Path) -> str:
    Image.new("F", SIZE).save(folder / "floats.tif")
    return "floats.tif"


def _text(folder: Path) -> str:
    (folder / "text.png").write_text("no picture")
    return "text.png"


def _half_a_file(folder: Path) -> str:
    content = (folder / "base.png").read_bytes()
    (folder / "half.png").write_bytes(content[: len(content) // 2])
    return "half.png"


def _gif(folder: Path) -> str:
    Image.fromarray(PHOTOGRAPH).save(folder / "old.gif")
    return "old.gif"


FILES = [
    (_cmyk, "has CMYK pixels: convert it"),
    (_floats, "has 32-bit pixels: convert it"),
    (_frames, "has 2 frames or pages"),
    (_text, "must be an undamaged PNG"),
    (_half_a_file, "must be an undamaged PNG"),
    (_gif, "must be an undamaged PNG"),
    (lambda folder: "nowhere.png", "There is no file"),
]


@pytest.mark.parametrize(("made", "sentence"), FILES, ids=[row[1] for row in FILES])
def test_a_photograph_that_cannot_be_kept_is_refused_before_anything_is_sent(
    shell: Shell, server: RegenServer, made: Callable[[Path], str], sentence: str
) -> None:
    mask().save(shell.folder / "mask.png")
    ended = shell.regen(made(shell.folder), "mask.png", "o.png", "--origin", server.origin)
    expect_refusal(shell, server, ended, sentence)


OPTIONS = [
    (["--variations", "0"], "“variations” is 0, but it must be 1 to 8"),
    (["--variations", "9"], "“variations” is 9"),
    (["--grow", "501"], "“grow” is 501"),
    (["--context", "-1"], "“context” is -1"),
    (["--quality", "best"], "“quality” is 'BEST'"),
    (["--seed", "0"], "“seed” is 0"),
    (["--out", "{folder}/base.png"], "would be overwritten"),
    (["--out", "{folder}/nowhere/o.png"], "a folder that exists"),
    (["--out", "{folder}/o.gif"], "a file name that ends with .png, .tif"),
    (["--base", "https://example.org/a.png"], "download the picture"),
    (["--engine", "offline", "--prompt", "a cat"], "can only remove things"),
    (["--raw", "--grow", "3"], "“--grow” means nothing with it"),
    (["--raw", "--mask-means", "keep"], "“--mask-means” means nothing with it"),
]


@pytest.mark.parametrize(("more", "sentence"), OPTIONS, ids=[" ".join(row[0]) for row in OPTIONS])
def test_an_option_that_cannot_work_is_refused_before_anything_is_sent(
    shell: Shell, server: RegenServer, more: list[str], sentence: str
) -> None:
    mask().save(shell.folder / "mask.png")
    told = [each.format(folder=shell.folder) for each in more]
    # said outright, so that nothing is said about how the mask is understood
    means = [] if "--raw" in told else ["--mask-means", "edit"]
    ended = shell.regen("base.png", "mask.png", "o.png", "--origin", server.origin, *means, *told)
    expect_refusal(shell, server, ended, sentence)


def test_a_mask_is_needed(shell: Shell, server: RegenServer) -> None:
    ended = shell.regen("base.png", None, "o.png", "--origin", server.origin)
    expect_refusal(shell, server, ended, "“--mask” is missing")


def test_transparency_is_not_lost_in_a_jpeg(shell: Shell, server: RegenServer) -> None:
    mask().save(shell.folder / "mask.png")
    hole_in_the_photograph().save(shell.folder / "base.png")
    ended = shell.regen("base.png", "mask.png", "o.jpg", "--origin", server.origin)
    expect_refusal(shell, server, ended, "JPEG has no transparency")


@pytest.mark.parametrize(("out", "kind"), [("o.jpg", "JPEG"), ("o.webp", "WEBP")])
def test_the_loss_of_16_bits_is_said(shell: Shell, server: RegenServer, out: str, kind: str) -> None:
    mask().save(shell.folder / "mask.png")
    Image.fromarray(photograph(channels=1, deep=True)[..., 0]).save(shell.folder / "base.png")
    status, _told, said = shell.regen("base.png", "mask.png", out, "--origin", server.origin)
    assert status == 0, said
    assert f"{kind} has 8 bits a channel" in said


def test_more_requests_than_the_settings_allow_are_refused(shell: Shell, server: RegenServer) -> None:
    (shell.folder / "home").mkdir()
    (shell.folder / "home" / "settings.json").write_text('{"most_requests": 2}')
    mask().save(shell.folder / "mask.png")
    more = ("--variations", "3", "--mask-means", "edit", "--origin", server.origin)
    expect_refusal(shell, server, shell.regen("base.png", "mask.png", "o.png", *more), "would take 3 requests")


@pytest.mark.parametrize(
    ("rows", "means"),
    [
        ((b"\0\0\0\0\0", b"\0\xff\xff\0\0", b"\0\0\0\0\0"), "edit"),
        ((b"\xff\xff\xff\xff\xff", b"\xff\0\0\xff\xff", b"\xff\xff\xff\xff\xff"), "keep"),
    ],
)
def test_the_rule_that_the_demo_shares(rows: tuple[bytes, ...], means: str) -> None:
    assert coverage(b"".join(rows), 5) == (bytes(6) + b"\xff\xff" + bytes(7), means)
    assert coverage(b"\x05\0\0\0\0\0\xfa\xff\0\0\0\0\x09\0\0", 5, lossy=True)[0] == bytes(6) + b"\xff\xff" + bytes(7)
    with pytest.raises(MaskError, match="does not show"):
        coverage(b"\xff\xff\0\0" * 3, 4)
