#!/usr/bin/env python3
"""Installs Photio into every GIMP 3 of this user. Needs only Python 3.10 or later.

It creates `plug-ins/photio` in each GIMP's configuration directory. Then it does ahead of time what the plug-in would
do at its first use: it makes an environment with the bridge's packages in the user's data directory
(`~/.local/share/photio` on Linux). It changes nothing outside these folders.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent


def parser() -> argparse.ArgumentParser:
    """The options. Their names are those of `commands.Options`."""
    made = argparse.ArgumentParser(description="Install Photio for GIMP 3, for this user.")
    what = made.add_mutually_exclusive_group()
    what.add_argument("--uninstall", action="store_true", help="remove everything that this installer created")
    what.add_argument("--doctor", action="store_true", help="report what is found, what works, and what to do")
    made.add_argument("--dry-run", action="store_true", help="show what would be done, without changing anything")
    made.add_argument(
        "--gimp-dir",
        metavar="DIR",
        type=lambda path: Path(os.path.abspath(os.path.expanduser(path))),
        action="append",
        help="install only into this configuration directory, for example ~/.config/GIMP/3.0; repeatable",
    )
    made.add_argument("--link", action="store_true", help="for developers: link to this checkout instead of copying")
    made.add_argument("--neural", action="store_true", help="add the MI-GAN engine and its model (28 MB)")
    made.add_argument(
        "--model-file", metavar="PATH", type=Path, help="take the model from this file (implies --neural)"
    )
    made.add_argument(
        "--purge",
        action="store_true",
        help="with --uninstall: also remove settings, key, prompts, history, log and models",
    )
    return made


def main() -> int:
    # The checkout may be read-only, or another user's.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(CHECKOUT))
    from bridge.common.errors import PhotioError
    from bridge.setup import commands

    options = parser().parse_args(namespace=commands.Options(CHECKOUT))
    if options.purge and (not options.uninstall or options.gimp_dir):
        parser().error("--purge needs --uninstall, and excludes --gimp-dir")
    if os.environ.get("SUDO_USER") and os.geteuid() == 0:
        sys.exit("Run this without sudo: it installs Photio for the user who runs it, and GIMP does not run as root.")
    try:
        if options.uninstall:
            return commands.uninstall(options)
        return commands.examine(options) if options.doctor else commands.install(options)
    except PhotioError as error:
        commands.complain(error)
    except OSError as error:
        print(f"{error.filename or 'A file'}: {error.strerror}; fix that, then run this again.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped. An earlier installation still works. Run this again to finish.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    if sys.version_info < (3, 10):  # noqa: UP036 (users may run this file with an older Python)
        sys.exit("Photio's installer needs Python 3.10 or later; this is " + sys.version.split()[0] + ".")
    sys.exit(main())
