#!/usr/bin/env python3
"""The release: `photio-for-gimp-X.Y.Z.zip`, the folder that users unzip into GIMP's plug-ins folder.

    release.py [--out FOLDER]    builds it (in `out`), and prints the file, its size and its sha256
    release.py --check-lock      asks uv whether each locked package has a wheel for every system and Python

The same commit makes the same bytes, wherever and whenever it is built. What git does not know stays out.
docs/release.md tells how to release.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from test import environment

CHECKOUT = Path(__file__).resolve().parent.parent


def build(out: Path) -> int:
    """Builds the zip and says what it is. Returns the exit status."""
    environment.require("polib")
    sys.path.insert(0, str(CHECKOUT))
    from release import package

    try:
        for line in package.not_committed(CHECKOUT):
            print(f"not committed: {line}", file=sys.stderr)
        path = package.build(CHECKOUT, out)
    except package.ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    content = path.read_bytes()
    print(f"{path}\n{len(content):,} bytes\nsha256 {hashlib.sha256(content).hexdigest()}")
    return 0


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--out", type=Path, metavar="FOLDER", default=CHECKOUT / "out")
    what.add_argument("--check-lock", action="store_true")
    asked = parser.parse_args()
    if asked.check_lock:
        from release import wheels

        return wheels.check(CHECKOUT / "bridge")
    return build(asked.out)


if __name__ == "__main__":
    sys.exit(main())
