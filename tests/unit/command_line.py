"""A person at a shell, for tests: runs `python -m bridge`, and makes the files that are given to it."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bridge.commands import cli

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-0123456789abcdef"

#: The photograph and what is to be regenerated in it: left, top, right, bottom.
SIZE, OBJECT = (240, 160), (100, 60, 140, 90)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What the command sees."""
    own = {"PHOTIO_HOME": str(folder / "home"), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PHOTIO_")}
    return {**inherited, **own, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", **more}


def bridge(folder: Path, *arguments: str, text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=ROOT,
        env=environment(folder, **variables),
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


class Shell:
    """Types commands in this very process, which is quicker, and a server that is a real one all the same.

    Attributes:
        folder: where the files are, and the home.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        for name in [name for name in os.environ if name.startswith("PHOTIO_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("PHOTIO_HOME", str(folder / "home"))
        monkeypatch.setenv("PHOTIO_API_KEY", KEY)

    def regen(self, base: str, mask: str | None, out: str, *more: str) -> tuple[int, str, str]:
        """The status of `regen`, and what it said on the two streams."""
        return self.type(*regen_arguments(self.folder, base, mask, out, *more))

    def type(self, *arguments: str) -> tuple[int, str, str]:
        """The status of a command, and what it said on the two streams."""
        try:
            status = cli.main(arguments)
        except SystemExit as left:  # argparse's way
            status = int(left.code or 0)
        said = self._capsys.readouterr()
        assert KEY not in said.out + said.err
        assert "Traceback" not in said.err
        return status, said.out, said.err


def regen_arguments(folder: Path, base: str, mask: str | None, out: str, *more: str) -> list[str]:
    """`regen` with files in a folder."""
    masked = ["--mask", str(folder / mask)] if mask else []
    return ["regen", "--base", str(folder / base), *masked, "--out", str(folder / out), *more]


def photograph(size: tuple[int, int] = SIZE, channels: int = 3, deep: bool = False) -> NDArray[Any]:
    """A photograph's pixels: slow changes and noise, uint8 or uint16 [height, width, channels], not at their limits."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    waves = [np.sin(x / 31 + number) + np.cos(y / 23 - number) for number in range(channels)]
    noise = np.random.default_rng(5).normal(0, 0.05, (size[1], size[0], channels))
    values = 0.5 + 0.18 * np.dstack(waves) + 0.5 * noise
    most = 65535 if deep else 255
    return (np.clip(values, 0.1, 0.9) * most).astype(np.uint16 if deep else np.uint8)


def mask(size: tuple[int, int] = SIZE, box: tuple[int, int, int, int] = OBJECT) -> Image.Image:
    """White where the object is, black elsewhere."""
    drawn = Image.new("L", size, 0)
    drawn.paste(255, box)
    return drawn


def outside(pixels: NDArray[Any], box: tuple[int, int, int, int] = OBJECT, reach: int = 9) -> NDArray[np.bool_]:
    """Which pixels lie further from the object than it is grown and feathered: [height, width]."""
    left, top, right, bottom = box
    far = np.ones(pixels.shape[:2], np.bool_)
    far[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach] = False
    return far


def adobe_rgb() -> bytes:
    """An ICC profile of version 2 with the primaries and the gamma of Adobe RGB (1998), adapted to D50."""
    columns = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
    text = b"Adobe RGB (1998)\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {
        b"desc": description + bytes(-len(description) % 4),
        b"cprt": b"text" + bytes(4) + b"CC0\0",
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        **{name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(4) + struct.pack(">IH", 1, 563) + bytes(2)),
    }
    start, table, content = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(content), len(data))
        content += data
    head = bytes(4) + struct.pack(">I", 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return struct.pack(">I", 128 + len(table + content)) + head + table + content


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(each * 65536) for each in values))


def deep_png(pixels: NDArray[np.uint16], *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 16 bits a channel, without any filter; https://www.w3.org/TR/png-3/."""
    height, width, channels = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    data = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes(), 1)
    found = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")):
        found += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return found


def read_deep_png(content: bytes) -> tuple[NDArray[np.uint16], dict[bytes, bytes]]:
    """The pixels and the other chunks of a PNG of 16 bits a channel with the filter “None” or “Up” in all rows."""
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", content, at + 8 + length)[0] == zlib.crc32(name + data)
        chunks[name] = chunks.get(name, b"") + data
        at += 12 + length
    width, height, depth, kind = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert depth == 16
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[kind]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    rows = lines[:, 1:].reshape(height, width, 2 * channels).copy()
    (filtered,) = np.unique(lines[:, 0])
    assert filtered in (0, 2)
    if filtered:
        rows = np.add.accumulate(rows, axis=0, dtype=np.uint8)
    return rows.view(">u2").astype(np.uint16), chunks


def deep_tiff(pixels: NDArray[np.uint16]) -> bytes:
    """An uncompressed TIFF, Motorola's byte order, of 16 bits a channel, with three channels."""
    height, width, _channels = pixels.shape
    entries = ((256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 158), (259, 3, 1, 1 << 16), (262, 3, 1, 2 << 16),
               (273, 4, 1, 164), (277, 3, 1, 3 << 16), (278, 4, 1, height), (279, 4, 1, pixels.nbytes),
               (284, 3, 1, 1 << 16))  # fmt: skip
    assert 8 + 2 + 12 * len(entries) + 4 <= 158
    directory = struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", *each) for each in entries) + bytes(4)
    head = (b"MM\0*" + struct.pack(">I", 8) + directory).ljust(158, b"\0") + struct.pack(">3H", 16, 16, 16)
    return head + pixels.astype(">u2").tobytes()


def read_deep_tiff(content: bytes) -> NDArray[np.uint16]:
    """The pixels of an uncompressed TIFF of 16 bits a channel, Intel's byte order, in one strip."""
    with Image.open(io.BytesIO(content)) as image:
        tags = image.tag_v2
        assert tags[258] == (16,) * tags[277]
        assert tags[259] == 1
        at = content[tags[273][0] : tags[273][0] + tags[279][0]]
    return np.frombuffer(at, "<u2").reshape(tags[257], tags[256], tags[277])
