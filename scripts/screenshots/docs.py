"""Writes smaller versions of the pictures to docs/, and a page that shows them with captions."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from gimp.rootfs import SetupError

DOCS = Path(__file__).resolve().parents[2] / "docs"

#: The states that the page shows in every variant.
COMPARED = ("regenerate-results", "history", "settings")

#: In px; a picture at scale 2 is shown no larger than the others.
WIDTH = 720


def write_docs(
    out: Path,
    states: Mapping[str, str],
    variants: Mapping[str, str],
    command: Callable[[list[str], list[Path]], list[str]],
) -> None:
    """Writes docs/windows.md and its pictures.

    Args:
        out: where the pictures are; what is not there is left out.
        states: names and captions.
        variants: the same of those that are not in each state's name.
        command: how to run something where ImageMagick is.

    Raises:
        SetupError: a picture could not be converted.
    """
    pictures = DOCS / "windows"
    pictures.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Every window and state",
        "",
        "`python3 scripts/screenshots.py --docs` took these pictures in a real GIMP. The offline engine removed the",
        "hikers. It also takes the place of the Photio service here, so the prompts and keys in the pictures are",
        "examples.",
        "",
    ]
    shown = [(state, caption) for state, caption in states.items()]
    shown += [
        (f"{state}-{variant}", f"{states[state].rstrip('.')} ({caption}).")
        for variant, caption in variants.items()
        for state in COMPARED
    ]
    for name, caption in shown:
        picture = out / f"{name}.png"
        if picture.exists():
            _reduce(picture, pictures / picture.name, command)
            lines += [f"{caption}", "", f'<img src="windows/{picture.name}" width="{WIDTH}" alt="{name}">', ""]
    (DOCS / "windows.md").write_text("\n".join(lines))


def _reduce(source: Path, target: Path, command: Callable[[list[str], list[Path]], list[str]]) -> None:
    """Reduces each colour to 52 steps. Nobody sees that (unlike a palette), and it saves almost half of the file."""
    colours = [
        "+dither",
        "-posterize",
        "52",
        "-define",
        "png:compression-level=9",
        "-define",
        "png:compression-filter=5",
    ]
    convert = command(["convert", str(source), *colours, str(target)], [source, target.parent])
    done = subprocess.run(convert, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{target} could not be written:\n{done.stderr}")
