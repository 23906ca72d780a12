"""What `scripts/xcf.py show` says of files that real GIMPs wrote, and of files that nobody should have written."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.xcf.provenance import LONGEST_PROVENANCE, ProvenanceError, printable, provenance
from scripts.xcf.reader import Picture, XcfError, parse, read

DATA = Path(__file__).parent / "data"
SCRIPT = Path(__file__).parents[3] / "scripts" / "xcf.py"
RELEASES = ["gimp-3.0.xcf", "gimp-3.2.xcf"]
GOOD = (DATA / RELEASES[0]).read_bytes()


def show(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "show", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


def a_property(kind: int, payload: bytes) -> bytes:
    return struct.pack(">II", kind, len(payload)) + payload


def string(text: bytes) -> bytes:
    return struct.pack(">I", len(text) + 1) + text + b"\0"


def beginning(precision: int = 150) -> bytes:
    return b"gimp xcf v013\0" + struct.pack(">IIII", 64, 48, 0, precision) + a_property(0, b"")


def an_xcf(*layers: bytes, name: bytes = b"layer", precision: int = 150, repeat: int = 1) -> bytes:
    """A file with layers of 4 × 3 px, each with these properties; `repeat`: its pointers are all there so often."""
    start = beginning(precision)
    place = len(start) + 8 * (len(layers) * repeat + 2)
    bodies, pointers = b"", b""
    for layer in layers:
        pointers += struct.pack(">Q", place + len(bodies))
        bodies += struct.pack(">III", 4, 3, 1) + string(name) + layer + a_property(0, b"") + bytes(16)
    return start + pointers * repeat + bytes(16) + bodies


def parasite(data: bytes, name: bytes = b"photio-regen") -> bytes:
    return parasites({name: data})


def parasites(named: dict[bytes, bytes]) -> bytes:
    """GIMP writes all parasites of a layer into one property."""
    each = (string(name) + struct.pack(">II", 1, len(data)) + data for name, data in named.items())
    return a_property(21, b"".join(each))


def of(data: bytes) -> Picture:
    return parse(io.BytesIO(data))


@pytest.mark.parametrize("release", RELEASES)
def test_all_layers_of_a_file_by_a_real_gimp_are_shown_where_they_are(release):
    picture = read(DATA / release)
    shown = [(a.name, a.depth, a.group, a.size, a.offset, a.mode, a.mask, a.visible) for a in picture.layers]
    assert picture.size == (64, 48)
    assert shown[0][:3] == ("caption", 0, False)
    assert shown[1:] == [
        ("Photio: wet cobblestones", 0, True, (51, 29), (-5, 7), "Normal", (51, 29), True),
        ("seed 4294967296", 1, False, (24, 20), (-5, 7), "Normal", None, True),
        ("seed 8", 1, False, (24, 20), (-5, 7), "Normal", None, False),
        ("tones", 1, True, (16, 16), (30, 20), "Normal", None, True),
        ("Grün, 50 %", 2, False, (16, 16), (30, 20), "Multiply", None, True),
        ("photograph", 0, False, (64, 48), (0, 0), "Normal", (64, 48), True),
    ]
    assert [layer.opacity for layer in picture.layers] == [1, 1, 1, 1, 1, 0.5, 1]


@pytest.mark.parametrize("release", RELEASES)
def test_a_layers_provenance_is_shown_with_every_field(release):
    found = [layer.provenance for layer in read(DATA / release).layers]
    assert found.count(None) == 6
    assert found[2] == {
        "format": 1, "plugin": "0.1.0", "job": "20261123-021000-1a2b3c", "variation": 1,
        "time": "2026-11-23T02:10:00Z", "engine": "photio", "prompt": "wet cobblestones", "negative_prompt": "",
        "quality": "high", "seed": 4294967296, "cfg_scale": 7.5, "variations": 2, "sample": "layer", "context": 50,
        "grow": 4, "feather": 6, "fill_transparent": False, "areas": "auto", "resolution": "recommended",
        "match_colour": True, "match_grain": True,
        "crops": [{"box": [10, 4, 40, 32], "padding": [0, 0, 0, 8], "size": [1024, 1024]}],
    }  # fmt: skip


def test_the_layers_are_printed_as_a_tree():
    done = show(DATA / RELEASES[0])
    printed = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert printed[0].endswith("gimp-3.0.xcf: 64 × 48 px, RGB, 8-bit integer, perceptual, 7 layers, XCF version 22")
    assert "  “Photio: wet cobblestones”: group, 51 × 29 at -5 +7, Normal, 100%, visible, mask 51 × 29" in printed
    assert "    “seed 8”: 24 × 20 at -5 +7, Normal, 100%, hidden, no mask" in printed
    assert "      “Grün, 50 %”: 16 × 16 at +30 +20, Multiply, 50%, visible, no mask" in printed
    assert "        seed:             4294967296" in printed


def test_of_a_retouch_layer_every_repair_is_listed_in_its_order(tmp_path):
    names = (b"photio-regen", b"photio-regen-10", b"photio-regen-2", b"photio-regen-3", b"photio-regen-03", b"photio-x")
    told = parasites(
        {
            name: b"{}" if name.endswith(b"-3") else b'{"format": 1, "seed": %d}' % number
            for number, name in enumerate(names, 1)
        }
    )
    (layer,) = of(an_xcf(told)).layers
    assert layer.provenance == {"format": 1, "seed": 1}
    assert list(layer.further) == [2, 3, 10]
    assert [layer.further[number] for number in (2, 10)] == [{"format": 1, "seed": 3}, {"format": 1, "seed": 2}]
    (tmp_path / "retouched.xcf").write_bytes(an_xcf(told))
    printed = show(tmp_path / "retouched.xcf").stdout.splitlines()
    assert [line.strip() for line in printed if "seed" in line or "repair" in line] == [
        "seed:             1",
        "repair 2",
        "seed:             3",
        "repair 3: the provenance is none of Photio's: it has no format",
        "repair 10",
        "seed:             2",
    ]
    assert json.loads(show(tmp_path / "retouched.xcf", "--json").stdout)["layers"][0]["further"]["2"]["seed"] == 3


def test_programs_get_json():
    shown = json.loads(show(DATA / RELEASES[1], "--json").stdout)
    assert shown["size"] == [64, 48]
    assert [layer["name"] for layer in shown["layers"]][2] == "seed 4294967296"
    assert shown["layers"][2]["provenance"]["seed"] == 4294967296


def test_a_reader_that_has_seen_enough_ends_it_quietly():
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), "show", str(DATA / RELEASES[0])], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        assert running.stderr.read() == b""


def test_a_file_of_sixteen_bits_is_shown_as_one_of_eight():
    deep = read(DATA / "gimp-3.0-16-bit.xcf")
    assert deep.precision == "16-bit integer, perceptual"
    assert deep.layers == read(DATA / RELEASES[0]).layers


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not an XCF file"),
        (b"\x89PNG\r\n\x1a\n", "not an XCF file"),
        (b"gimp xcf v101\0" + bytes(64), "not an XCF file"),
        (GOOD[:20], "cut short"),
        (GOOD[: len(GOOD) // 2], "cut short"),
        (an_xcf(precision=400), "damaged"),
        (an_xcf(precision=151), "damaged"),
        (GOOD.replace(b"v022", b"v026", 1), "XCF version 26 is newer than what is known here (25): open it in GIMP."),
    ],
)
def test_what_is_no_whole_xcf_is_refused_in_a_sentence(content, sentence, tmp_path):
    (tmp_path / "stranger.xcf").write_bytes(content)
    done = show(tmp_path / "stranger.xcf")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr


def test_a_file_that_is_not_there_a_folder_and_a_pipe_are_refused_in_a_sentence(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "pipe"):
        with pytest.raises(XcfError, match="no such file"):
            read(path)


def test_the_file_is_not_written(tmp_path):
    file = tmp_path / "mine.xcf"
    file.write_bytes(GOOD)
    os.utime(file, (1, 1))
    file.chmod(0o400)
    assert show(file).returncode == 0
    assert (file.read_bytes(), file.stat().st_mtime, list(tmp_path.iterdir())) == (GOOD, 1, [file])


def test_properties_of_later_gimps_do_not_matter():
    (layer,) = of(an_xcf(a_property(42, b"\0" * 5) + a_property(4711, b"?") + a_property(8, bytes(4)))).layers
    assert (layer.name, layer.visible) == ("layer", False)


def test_a_mode_of_a_later_gimp_is_shown_by_its_number():
    assert of(an_xcf(a_property(7, struct.pack(">I", 99)))).layers[0].mode == "mode 99"


def test_a_file_of_gimp_2_8_is_shown_with_its_opacity_in_255ths():
    start = b"gimp xcf v003\0" + struct.pack(">III", 64, 48, 0) + a_property(0, b"")
    place = len(start) + 12
    layer = struct.pack(">III", 4, 3, 1) + string(b"old") + a_property(6, struct.pack(">I", 51)) + bytes(16)
    (shown,) = of(start + struct.pack(">III", place, 0, 0) + layer).layers
    assert (shown.name, shown.size, shown.opacity, shown.visible) == ("old", (4, 3), 0.2, True)


@pytest.mark.parametrize("beyond", [10_000, (1 << 64) - 1])
def test_a_file_that_ends_before_a_layer_or_a_channel_is_refused(beyond):
    for pointers in ((beyond, 0, 0), (0, beyond, 0)):
        with pytest.raises(XcfError, match="cut short"):
            of(beginning() + struct.pack(">QQQ", *pointers))


@pytest.mark.parametrize(
    "properties",
    [
        a_property(33, struct.pack(">f", float("nan"))),
        a_property(6, struct.pack(">I", 256)),
        a_property(30, b"\0\0\0"),
        a_property(30, bytes(4 * 66)),
        a_property(15, bytes(4)),
    ],
)
def test_impossible_properties_are_refused(properties):
    with pytest.raises(XcfError, match="damaged"):
        of(an_xcf(properties))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"{", "no valid JSON"),
        (b"\xff\xfe", "no valid JSON"),
        (b"[" * 50_000, "no valid JSON"),
        (b'{"format": 1, "seed": ' + b"9" * 5000 + b"}", "no valid JSON"),
        (b"[]", "has no format"),
        (b'{"format": true}', "has no format"),
        (b'{"format": 2, "new": {}}', "of format 2: only 1 is known here"),
        (b'{"format": 1, "seed": "4"}', "field seed"),
        (b'{"format": 1, "seed": 1e300}', "field seed"),
        (b'{"format": 1, "feather": NaN}', "field feather"),
        (b'{"format": 1, "match_grain": 1}', "field match_grain"),
        (b'{"format": 1, "match_detail": 1}', "field match_detail"),
        (b'{"format": 1, "source": 1.5}', "field source"),
        (b'{"format": 1, "prompt": ["x"]}', "field prompt"),
        (b'{"format": 1, "crops": [{"box": [0, 0, 1], "padding": [0, 0, 0, 0], "size": [1, 1]}]}', "field crops"),
        (b'{"format": 1, "prompt": "' + b"x" * LONGEST_PROVENANCE + b'"}', "longer than 64 kB"),
    ],
)
def test_a_strangers_provenance_is_refused_and_the_layer_shown(data, sentence, tmp_path):
    (tmp_path / "stranger.xcf").write_bytes(an_xcf(parasite(data)))
    done = show(tmp_path / "stranger.xcf")
    assert (done.returncode, done.stderr) == (0, "")
    _, layer, problem = done.stdout.splitlines()
    assert "“layer”: 4 × 3 at +0 +0" in layer
    assert sentence in problem


def test_unknown_fields_are_ignored():
    data = b'{"format": 1, "later": {"a": 1}, "crops": [{"box":[1,2,3,4],"padding":[0,0,0,0],"size":[8,8],"x":1}]}\0'
    box = {"box": [1, 2, 3, 4], "padding": [0, 0, 0, 0], "size": [8, 8]}
    assert provenance(data) == {"format": 1, "crops": [box]}


def test_of_two_parasites_the_last_counts_as_in_gimp():
    layer = parasite(b"{") + a_property(21, b"") + parasite(b'{"format": 1, "seed": 7}')
    assert of(an_xcf(layer)).layers[0].provenance == {"format": 1, "seed": 7}
    two = parasite(b'{"format": 1, "seed": 6}')[8:] + parasite(b'{"format": 1, "seed": 7}')[8:]
    assert of(an_xcf(a_property(21, two))).layers[0].provenance == {"format": 1, "seed": 7}


def test_a_strangers_text_does_not_steer_the_terminal():
    assert printable("a\x1b[2J\x9b\u202eb\nc\x00\ud800 \u200dé") == "a[2Jb c \u200dé"
    assert of(an_xcf(b"", name=b"\x1b[2Jlayer")).layers[0].name == "[2Jlayer"
    data = json.dumps({"format": 1, "prompt": "\x1b]0;title\x07x\u2028"}).encode()
    assert provenance(data)["prompt"] == "]0;titlex"


def test_a_small_file_that_describes_one_layer_very_often_is_refused_quickly():
    tracemalloc.start()
    with pytest.raises(XcfError):
        of(an_xcf(parasite(b'{"format": 1, "prompt": "' + b"x" * 50_000 + b'"}'), repeat=900))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_more_layers_than_anybody_has_are_refused():
    with pytest.raises(XcfError, match="more than 10000 layers"):
        of(an_xcf(b"", repeat=10_001))


def is_bounded(data: bytes) -> bool:
    try:
        picture = of(data)
    except XcfError:
        return True
    json.dumps([layer.provenance for layer in picture.layers], allow_nan=False)
    return all(layer.name == printable(layer.name) and 0 <= layer.opacity <= 1 for layer in picture.layers)


@settings(deadline=None)
@given(st.integers(0, len(GOOD)))
def test_a_file_cut_anywhere_is_shown_or_refused(length):
    assert is_bounded(GOOD[:length])


CHANGE = st.tuples(st.integers(0, len(GOOD) - 5), st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))


@settings(deadline=None, max_examples=300)
@given(st.lists(CHANGE, min_size=1, max_size=12), st.sampled_from([1, 4]))
def test_a_file_changed_anywhere_is_shown_or_refused(changes, width):
    data = bytearray(GOOD)
    for place, value in changes:
        data[place : place + width] = bytes([value]) * width
    assert is_bounded(bytes(data))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_provenance_is_shown_or_refused(data):
    try:
        shown = provenance(data)
    except ProvenanceError:
        return
    assert shown["format"] == 1
