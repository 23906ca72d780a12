"""`python -m bridge`, or `python -I /path/to/bridge` where nothing is installed."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path


def _find_packages() -> None:
    """Make `bridge` itself importable, and what `install.py` put beside the plug-in (Flatpak)."""
    parent = Path(__file__).absolute().parent.parent  # of the link, in a developer's installation
    if not __package__:  # run as a directory: then this directory is the first place, not the one it is in
        sys.path[0] = str(parent)
    try:
        installed = json.loads((parent / "install.json").read_text("utf-8"))
        extra = installed.get("python_path", [])
    except (OSError, ValueError, AttributeError):
        return  # not installed, or by a version that wrote none
    if isinstance(extra, list):
        sys.path.extend(place for place in extra if isinstance(place, str))


if __name__ == "__main__":
    _find_packages()
    if sys.argv[1:] == ["service"]:  # somebody waits in front of GIMP: without what only the command line needs
        gc.disable()  # no garbage is made while modules are loaded, but a tenth of that time is spent looking for it
        from bridge.service.session import main
    else:
        from bridge.commands.cli import main

    from bridge.common import core_dumps
    from bridge.store import locks

    core_dumps.forbid()  # before there is a key in memory
    locks.share(Path(sys.prefix) / ".photio-complete")  # so that no update removes the packages that we run with

    sys.exit(main())
