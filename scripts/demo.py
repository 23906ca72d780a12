#!/usr/bin/env python3
"""Removes an object from a photograph inside a real GIMP, through the plug-in, with the offline engine.

    demo.py [PHOTO [--mask MASK] [--mask-means keep|edit]] [--out DIR] [--release 3.0|3.2] [--fresh]

MASK is a picture of the photograph's size that shows the object: in black and white, or by transparency, as “python -m
bridge regen” takes it (docs/scripting.md). Without it PHOTO-object.png beside the photograph is used. Writes
before.png, after.png and the layered result.xcf. Sets up what is missing. With --fresh it begins with the release,
which it unzips into an empty home, and everything is fetched anew.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
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
    parser.add_argument("--fresh", action="store_true", help="begin with an unzipped release in an empty home")
    asked = parser.parse_args()
    surroundings.enter(surroundings.NETWORK)
    mask = asked.mask or asked.photo.with_name(f"{asked.photo.stem}-object.png")
    for file in (asked.photo, mask):
        if not file.is_file():
            print(f"There is no file {file}: name a photograph, and its object with --mask.", file=sys.stderr)
            return 1
    arguments = [str(path.resolve()) for path in (asked.photo, mask, asked.out)]
    arguments += [asked.mask_means] if asked.mask_means else []
    try:
        asked.out.mkdir(parents=True, exist_ok=True)
        real = real_gimp.find(asked.release)
        return _from_the_release(real, arguments) if asked.fresh else _from_the_checkout(real, arguments)
    except (rootfs.SetupError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _from_the_checkout(real: real_gimp.RealGimp, arguments: list[str]) -> int:
    began = time.perf_counter()
    real.install_plugin()
    print(f"{time.perf_counter() - began:7.2f} s  plug-in set up in GIMP {real.release}", flush=True)
    return _remove_object(real, arguments)


def _from_the_release(real: real_gimp.RealGimp, arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="photio-demo-", dir=rootfs.cache_directory()) as home:
        done = subprocess.run([sys.executable, HERE / "release.py", "--out", home], capture_output=True, text=True)
        if done.returncode:
            raise rootfs.SetupError(f"The release could not be built:\n{done.stdout}{done.stderr}")
        (release,) = Path(home).glob("*.zip")
        began = time.perf_counter()
        fresh = replace(real, own_home=Path(home))
        fresh.unzip_plugin(release)
        print(f"{time.perf_counter() - began:7.2f} s  release unzipped and set up, all fetched anew", flush=True)
        status = _remove_object(fresh, arguments)
        print(f"{time.perf_counter() - began:7.2f} s  from the zip to the pictures")
        return status


def _remove_object(real: real_gimp.RealGimp, arguments: list[str]) -> int:
    began = time.perf_counter()
    status = real_gimp.run_quietly(real, HERE / "demo" / "inside.py", arguments)
    print(f"{time.perf_counter() - began:7.2f} s  all that happened in GIMP, its start included")
    return status


if __name__ == "__main__":
    sys.exit(main())
