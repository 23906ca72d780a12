"""Whether each locked package has a wheel for every system and Python that Photio is for. `uv` decides that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LOCKS = ("requirements.lock", "requirements-neural.lock")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

#: Each system: uv's name for it, and the oldest macOS that the wheels have to work on.
SYSTEMS = {
    "Windows": ("x86_64-pc-windows-msvc", ""),
    "Windows on ARM": ("aarch64-pc-windows-msvc", ""),
    "macOS 11 on Intel": ("x86_64-apple-darwin", "11.0"),
    "macOS 11 on Apple silicon": ("aarch64-apple-darwin", "11.0"),
    "macOS 14 on Intel": ("x86_64-apple-darwin", "14.0"),
    "macOS 14 on Apple silicon": ("aarch64-apple-darwin", "14.0"),
    "Linux": ("x86_64-unknown-linux-gnu", ""),
    "Linux on ARM": ("aarch64-unknown-linux-gnu", ""),
}

#: What is known to have no wheels, for any Python: onnxruntime, and with it MI-GAN (docs/not-checked.md).
WITHOUT = {
    ("requirements-neural.lock", "macOS 11 on Intel"),
    ("requirements-neural.lock", "macOS 11 on Apple silicon"),
    ("requirements-neural.lock", "macOS 14 on Intel"),
}


class Answer(NamedTuple):
    """What uv says of one lock, system and Python; `reason` is "" if every package has a wheel."""

    lock: str
    system: str
    python: str
    reason: str

    @property
    def expected(self) -> bool:
        return bool(self.reason) == ((self.lock, self.system) in WITHOUT)

    def __str__(self) -> str:
        outcome = self.reason or "all wheels are there"
        return f"{self.lock}, {self.system}, Python {self.python}: {outcome}" + (
            "" if self.expected else "  UNEXPECTED"
        )


def check(folder: Path) -> int:
    """Prints an answer for each lock in the folder, system and Python. Returns the exit status."""
    uv = shutil.which("uv")
    if uv is None:
        print("There is no uv in PATH: “pip install uv” gets it. The locked packages were not checked.")
        return 1
    unexpected = 0
    for answer in answers(uv, folder):
        print(answer, flush=True)
        unexpected += not answer.expected
    print(f"{unexpected} unexpected" if unexpected else "all as expected")
    return int(unexpected > 0)


def answers(uv: str, folder: Path) -> Iterator[Answer]:
    """Asks uv to plan each installation, with hashes and wheels only. Nothing is installed."""
    with tempfile.TemporaryDirectory() as nowhere:
        for lock in LOCKS:
            for system, (platform, oldest) in SYSTEMS.items():
                for python in PYTHONS:
                    command = [uv, "pip", "install", "--dry-run", "--require-hashes", "--only-binary", ":all:"]
                    command += ["--python-platform", platform, "--python-version", python, "--target", nowhere]
                    command += ["--no-config", "-r", str(folder / lock)]
                    variables = {**os.environ, **({"MACOSX_DEPLOYMENT_TARGET": oldest} if oldest else {})}
                    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
                    yield Answer(lock, system, python, _reason(done.stderr) if done.returncode else "")


def _reason(output: str) -> str:
    """The cause in uv's words, without what follows from it; else the whole output in one line."""
    cause = re.search(r"Because (\S+ has no .*?) and you require", " ".join(output.split()))
    return cause.group(1) if cause else " ".join(output.split()) or "uv failed and said nothing"
