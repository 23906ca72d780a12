"""What `scripts/xcf.py show` says of every version and precision of XCF files, and of packed ones.

tests/gimp/test_xcf.py has files that a real GIMP writes; here is what today's GIMPs do not write any more.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.xcf import packed
from scripts.xcf.reader import Picture, XcfError, parse, read
from tests.unit.scripts.test_xcf import DATA, GOOD, RELEASES, a_property, an_xcf, show, string

PACKINGS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def of_version(version: int, precision: int | None, colours: int = 0, properties: bytes = b"") -> bytes:
    """A file with one layer of 4 × 3 px at −2 +1, with a mask."""
    pointer = ">Q" if version >= 11 else ">I"
    name = b"file" if version == 0 else b"v%03d" % version
    start = b"gimp xcf " + name + b"\0" + struct.pack(">III", 64, 48, colours)
    if precision is not None:
        start += struct.pack(">I", precision)
    start += properties + a_property(0, b"")
    here = a_property(15, struct.pack(">ii", -2, 1)) + a_property(6, struct.pack(">I", 255)) + a_property(0, b"")
    place = len(start) + 3 * struct.calcsize(pointer)
    layer = struct.pack(">III", 4, 3, 1) + string(b"layer") + here
    mask = place + len(layer) + 2 * struct.calcsize(pointer)
    pointers = struct.pack(pointer, place) + bytes(2 * struct.calcsize(pointer))
    ends = struct.pack(pointer, mask) * 2
    return start + pointers + layer + ends + struct.pack(">II", 4, 3) + string(b"layer mask")


def of(data: bytes) -> Picture:
    return parse(io.BytesIO(data))


@pytest.mark.parametrize("version", range(26))
def test_every_version_of_the_format_is_shown(version):
    picture = of(of_version(version, None if version < 4 else 0 if version == 4 else 150))
    (layer,) = picture.layers
    assert (picture.version, picture.size, picture.precision) == (version, (64, 48), "8-bit integer, perceptual")
    assert (layer.name, layer.size, layer.offset, layer.mask) == ("layer", (4, 3), (-2, 1), (4, 3))


@pytest.mark.parametrize(
    ("version", "code", "precision"),
    [
        (4, 1, "16-bit integer, perceptual"),
        (4, 2, "32-bit integer, linear"),
        (4, 3, "16-bit floating point, linear"),
        (4, 4, "32-bit floating point, linear"),
        (5, 100, "8-bit integer, linear"),
        (6, 350, "32-bit integer, perceptual"),
        (5, 400, "16-bit floating point, linear"),
        (6, 450, "16-bit floating point, perceptual"),
        (6, 500, "32-bit floating point, linear"),
        (5, 550, "32-bit floating point, perceptual"),
        (7, 500, "16-bit floating point, linear"),
        (12, 650, "32-bit floating point, perceptual"),
        (12, 700, "64-bit floating point, linear"),
        (25, 750, "64-bit floating point, perceptual"),
    ],
)
def test_the_precision_is_told_as_each_version_means_it(version, code, precision):
    assert of(of_version(version, code)).precision == precision


@pytest.mark.parametrize(("version", "code"), [(4, 5), (5, 600), (6, 99), (7, 0), (12, 800), (22, 0xFFFFFFFF)])
def test_a_precision_that_there_is_not_is_refused(version, code):
    with pytest.raises(XcfError, match="damaged"):
        of(of_version(version, code))


@pytest.mark.parametrize(("code", "colours"), [(0, "RGB"), (1, "gray"), (2, "indexed")])
def test_the_kind_of_colours_is_told(code, colours):
    assert of(of_version(11, 150, code)).colours == colours


def test_a_fourth_kind_of_colours_is_refused():
    with pytest.raises(XcfError, match="damaged"):
        of(of_version(11, 150, 3))


def test_a_colour_map_of_which_an_old_gimp_wrote_a_wrong_length_does_not_matter():
    colours = struct.pack(">I", 5) + bytes(range(15))
    for told in (len(colours), 5 + 4):
        colour_map = struct.pack(">II", 1, told) + colours
        assert of(of_version(1, None, 2, colour_map)).layers[0].name == "layer"


@pytest.mark.parametrize("missing", [0, 4], ids=["of a right length", "as GIMP 3.2.6 writes it"])
@pytest.mark.parametrize("path", [b"", b"linked.png"])
def test_a_layer_that_is_a_link_is_shown(path, missing):
    link = struct.pack(">I", 0) + (string(path) if path else bytes(4)) + struct.pack(">II", 90, 70)
    properties = struct.pack(">II", 48, len(link) - missing) + link + a_property(15, struct.pack(">ii", 5, -6))
    (layer,) = of(an_xcf(properties)).layers
    assert (layer.name, layer.offset) == ("layer", (5, -6))


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", ["photo.xcf.{}", "photo.xcf"], ids=["named so", "named otherwise"])
def test_a_packed_file_is_shown_as_it_is_inside(packing, name, tmp_path):
    file = tmp_path / name.format(packing)
    file.write_bytes(PACKINGS[packing](GOOD))
    assert read(file) == read(DATA / RELEASES[0])
    done = show(file)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_only_called_packed_is_shown(tmp_path):
    (tmp_path / "photo.xcf.gz").write_bytes(GOOD)
    assert read(tmp_path / "photo.xcf.gz") == read(DATA / RELEASES[0])


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_packed_file_that_is_cut_short_damaged_or_no_xcf_is_refused_in_a_sentence(packing, tmp_path):
    whole = PACKINGS[packing](GOOD)
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    for number, (content, sentence) in enumerate(
        (
            (whole[: len(whole) // 2], "cut short"),
            (whole[:-1], "cut short"),
            (whole[:7], "cut short"),
            (bytes(damaged), "cut short or damaged"),
            (PACKINGS[packing](GOOD[: len(GOOD) // 2]), "cut short"),
            (PACKINGS[packing](b"%PDF-1.7"), "not an XCF file"),
            (PACKINGS[packing](b""), "not an XCF file"),
            (PACKINGS[packing](whole), "not an XCF file"),
        )
    ):
        (tmp_path / f"{number}.xcf").write_bytes(content)
        done = show(tmp_path / f"{number}.xcf")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert sentence in done.stderr


def test_what_is_no_xcf_is_not_unpacked_to_its_end(tmp_path):
    (tmp_path / "zeros.gz").write_bytes(gzip.compress(bytes(200 << 20), 1))
    tracemalloc.start()
    with pytest.raises(XcfError, match="not an XCF file"):
        read(tmp_path / "zeros.gz")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20


def test_more_than_anybody_would_pack_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "LARGEST", len(GOOD) + (3 << 20))
    (tmp_path / "large.xcf.gz").write_bytes(gzip.compress(GOOD + bytes(3 << 20)))
    assert read(tmp_path / "large.xcf.gz").layers
    (tmp_path / "large.xcf.gz").write_bytes(gzip.compress(GOOD + bytes((3 << 20) + 1)))
    with pytest.raises(XcfError, match="unpack it, then try again"):
        read(tmp_path / "large.xcf.gz")


@settings(deadline=None, max_examples=200)
@given(packing=st.sampled_from(sorted(PACKINGS)), place=st.integers(0, 10_000), value=st.integers(1, 255))
def test_a_packed_file_changed_anywhere_is_shown_or_refused(tmp_path_factory, packing, place, value):
    data = bytearray(PACKINGS[packing](GOOD))
    data[place % len(data)] ^= value
    file: Path = tmp_path_factory.mktemp("changed") / "photo.xcf"
    file.write_bytes(bytes(data))
    with contextlib.suppress(XcfError):
        assert read(file).layers
