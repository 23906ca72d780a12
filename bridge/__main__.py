"""`python -m bridge`, or `python -I /path/to/bridge` where nothing is installed."""

from __future__ import annotations

import gc
import sys
from pathlib import Path


def _find_ourselves() -> None:
    """Makes `bridge` importable where it is run as a folder: then this folder is on the path, not the one it is in."""
    if not __package__:
        sys.path[0] = str(Path(__file__).absolute().parent.parent)  # of the link, in a developer's installation


if __name__ == "__main__":
    _find_ourselves()
    if sys.argv[1:] == ["service"]:  # somebody waits in front of GIMP: without what only the command line needs
        gc.disable()  # no garbage is made while modules are loaded, but a tenth of that time is spent looking for it
        from bridge.service.session import main
    elif sys.argv[1:2] == ["setup"]:  # GIMP's Python runs this, before there are any packages
        from bridge.setup import process

        sys.exit(process.main(sys.argv[2:]))
    else:
        from bridge.commands.cli import main

    from bridge.common import core_dumps
    from bridge.common.environments import MARKER
    from bridge.store import locks

    core_dumps.forbid()  # before there is a key in memory
    locks.share(Path(sys.prefix) / MARKER)  # so that no update removes the packages that we run with

    sys.exit(main())
