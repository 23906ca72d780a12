#!/usr/bin/env python3
"""A real GIMP 3 with this checkout's plug-in: run a Python file in it, open its window, or a shell beside it.

    gimp.py [--release 3.0|3.2] run [--window] [--home FOLDER] FILE.py [ARGUMENTS …]
    gimp.py [--release 3.0|3.2] gui [IMAGE]
    gimp.py [--release 3.0|3.2] shell

Uses the machine's GIMP where it is of that release, else sets one up in the user's cache directory (as root,
on Debian). GIMP's profile, settings and results of such runs are kept in the cache too, so that your own GIMP
stays as it is. PHOTIO_API_KEY, PHOTIO_ORIGIN and PHOTIO_HOME are passed on, except to a file of tests/: tests see none
of your own variables, and empty FOLDER, which is a folder in the cache by default.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from gimp import real_gimp, rootfs, surroundings


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", choices=sorted(rootfs.SUITES), help="default: the machine's, else 3.0")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a Python file inside GIMP, without a window")
    run.add_argument("--window", action="store_true", help="with a window, on a virtual display")
    run.add_argument("--home", type=Path, help="PHOTIO_HOME for the run")
    run.add_argument("file", type=Path)
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    gui = commands.add_parser("gui", help="open GIMP's window")
    gui.add_argument("image", type=Path, nargs="?")
    commands.add_parser("shell", help="a shell where that GIMP is")
    asked = parser.parse_args()
    try:
        gimp = real_gimp.find(asked.release)
        gimp.install_plugin()
        if asked.command == "run":
            if not asked.file.is_file():
                raise rootfs.SetupError(f"There is no file {asked.file}: name a Python file to run inside GIMP.")
            if asked.file.resolve().is_relative_to(real_gimp.CHECKOUT / "tests"):
                surroundings.enter()
                asked.home = asked.home or gimp.home / "tests"
            if asked.home:
                os.environ["PHOTIO_HOME"] = str(asked.home.absolute())
            return real_gimp.run_file(gimp, asked.file.resolve(), asked.arguments, asked.window)
        if asked.command == "gui":
            return real_gimp.open_window(gimp, asked.image.resolve() if asked.image else None)
        shell = gimp.command(["bash"] if gimp.tree else [os.environ.get("SHELL", "sh")])
        return subprocess.run(shell, env=gimp.environment()).returncode
    except rootfs.SetupError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
