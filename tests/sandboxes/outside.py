"""`install.py`, run by a user outside of GIMP's sandbox, where `flatpak` and `snap` are stand-ins for the programs.

They answer what the installer asks, and enter the same `bwrap` as the tests.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.sandboxes.rig import CHECKOUT, Sandbox

_STAND_INS = {
    "flatpak": """
case "$1" in
list) printf 'org.example.Other\\t1.0\\norg.gimp.GIMP\\t3.0.4\\n' ;;
run) program=${2#--command=}; [ "$3" = org.gimp.GIMP ] || exit 1; shift 3; exec ENTER "$program" "$@" ;;
*) exit 1 ;;
esac
""",
    "snap": """
case "$1" in
list) printf 'Name  Version  Rev  Tracking       Publisher\\ngimp  3.0.4    525  latest/stable  snapcrafters\\n' ;;
run) [ "$2 $3" = "--shell gimp" ] || exit 1; shift 3; exec ENTER /bin/sh "$@" ;;
*) exit 1 ;;
esac
""",
}


def install(kind: str, sandbox: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `install.py` on a computer that has no other GIMP.

    Args:
        kind: "flatpak" or "snap".
        sandbox: what that program runs things in.
    """
    programs = sandbox.home.parent / "programs"
    programs.mkdir(exist_ok=True)
    enter = f"env PATH={shlex.quote(os.environ['PATH'])} {shlex.join(sandbox.command())}"
    stand_in = programs / kind
    stand_in.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{_STAND_INS[kind].replace('ENTER', enter)}")
    stand_in.chmod(0o755)
    sees = {"HOME": str(sandbox.home), "PATH": str(programs), "LANG": "C.UTF-8"}
    command = [sys.executable, "-I", str(CHECKOUT / "install.py"), *arguments]
    return subprocess.run(
        command, env=sees, cwd=Path("/"), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
