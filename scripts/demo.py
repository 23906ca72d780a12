#!/usr/bin/env python3
"""Removes an object from a photograph inside a real GIMP, through the plug-in, with the offline engine.

    demo.py [PHOTO [--mask MASK] [--mask-means keep|edit]] [--out DIR] [--release 3.0|3.2]

MASK is a picture of the photograph's size that shows the object: in black and white, or by transparency, as “python -m
bridge regen” takes it (docs/scripting.md). Without it PHOTO-object.png beside the photograph is used. Writes
before.png, after.png and the layered result.xcf. Sets up what is missing.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from gimp import real_gimp, rootfs, surroundings

HERE = Path(__file__).resolve().parent
PHOTO = HERE / "photos" / "extreme-desert-hike.jpg"


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", nargs="?", type=Path, default=PHOTO)
    parser.add_argument("--mask", type=Path)
    parser.add_argument("--mask-means", choices=["keep", "edit"], help="what is done with the mask's white part")
    parser.add_argument("--out", type=Path, default=Path("out"), help="default: ./out")
    parser.add_argument("--release", choices=sorted(rootfs.SUITES), help="default: the machine's GIMP, else 3.0")
    asked = parser.parse_args()
    surroundings.enter(surroundings.NETWORK)
    mask = asked.mask or asked.photo.with_name(f"{asked.photo.stem}-object.png")
    for file in (asked.photo, mask):
        if not file.is_file():
            print(f"There is no file {file}: name a photograph, and its object with --mask.", file=sys.stderr)
            return 1
    began = time.perf_counter()
    try:
        real = real_gimp.find(asked.release)
        real.install_plugin()
        asked.out.mkdir(parents=True, exist_ok=True)
    except (rootfs.SetupError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    ready = time.perf_counter()
    arguments = [str(path.resolve()) for path in (asked.photo, mask, asked.out)]
    arguments += [asked.mask_means] if asked.mask_means else []
    status = real_gimp.run_file(real, HERE / "demo" / "inside.py", arguments)
    print(f"{ready - began:7.2f} s  GIMP {real.release} and the plug-in set up")
    print(f"{time.perf_counter() - ready:7.2f} s  all that happened in GIMP, its start included")
    return status


if __name__ == "__main__":
    sys.exit(main())
