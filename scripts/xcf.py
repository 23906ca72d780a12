#!/usr/bin/env python3
"""Shows the layers of an XCF file, and how Photio made those that it made, without starting GIMP.

    xcf.py show FILE.xcf [--json]

Reads every precision and every version up to 25, also packed with gzip, bzip2 or xz, and never writes. If this Python
has no gimpformats, it continues in the tests' virtual environment (in the user's cache directory), which it sets up
once. docs/provenance.md explains the fields.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from test import environment

if TYPE_CHECKING:
    from xcf import reader


def lines(name: str, picture: reader.Picture) -> Iterator[str]:
    """The lines that describe the file to a person."""
    width, height = picture.size
    count = len(picture.layers)
    layers = "1 layer" if count == 1 else f"{count} layers"
    pixels = f"{width} × {height} px, {picture.colours}, {picture.precision}"
    yield f"{name}: {pixels}, {layers}, XCF version {picture.version}"
    for layer in picture.layers:
        indent = "  " * (layer.depth + 1)
        size, offset = "{} × {}".format(*layer.size), "{:+d} {:+d}".format(*layer.offset)
        mask = "mask {} × {}".format(*layer.mask) if layer.mask else "no mask"
        kind = "group, " if layer.group else ""
        state = "visible" if layer.visible else "hidden"
        yield f"{indent}“{layer.name}”: {kind}{size} at {offset}, {layer.mode}, {layer.opacity:.0%}, {state}, {mask}"
        if layer.problem:
            yield f"{indent}    Photio: {layer.problem}"
        yield from fields(layer.provenance or {}, indent)
        for number, told in layer.further.items():
            yield f"{indent}    repair {number}" + (f": {told}" if isinstance(told, str) else "")
            if isinstance(told, dict):
                yield from fields(told, indent)


def fields(provenance: dict[str, Any], indent: str) -> Iterator[str]:
    """The lines of one provenance."""
    for field, value in provenance.items():
        shown = value if isinstance(value, str) else json.dumps(value)
        yield f"{indent}    {field + ':':<17} {shown}".rstrip()


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show", help="print layers and provenance")
    show.add_argument("file", type=Path)
    show.add_argument("--json", action="store_true", help="for programs")
    asked = parser.parse_args()
    environment.require("gimpformats")
    from xcf import reader
    from xcf.provenance import printable

    sys.stdout.reconfigure(errors="backslashreplace")  # the terminal may lack letters of a layer's name
    sys.stderr.reconfigure(errors="backslashreplace")
    name = printable(str(asked.file))
    try:
        picture = reader.read(asked.file)
    except reader.XcfError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    text = json.dumps(asdict(picture), indent=2) if asked.json else "\n".join(lines(name, picture))
    try:
        print(text, flush=True)
    except (
        BrokenPipeError
    ):  # `| head` has closed the pipe; without this Python reports an error when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
