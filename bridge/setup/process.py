"""`python bridge setup`: makes the environment, and says what it does.

GIMP's own Python runs this, where GIMP runs: the plug-in starts it for its window, and `install.py` for the terminal.
So paths, Python and permissions are the right ones by construction. It first says what it would fetch. When its
standard input ends, it stops, removes what is half-made, and ends with status 130.

To the window it speaks lines of JSON, and waits for the line "go" before it fetches anything. With `--terminal` it
speaks sentences, and does not wait: whoever runs `install.py` has decided.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bridge.common import environments, systems
from bridge.common.errors import PhotioError
from bridge.engine import models
from bridge.setup import environment, gimps
from bridge.setup.system import failed_to_store, run, starting
from bridge.store.places import program_directory

FAILED = 3  # the exit status if it has said why
_CANCELLED = 130
_BRIDGE = Path(__file__).absolute().parent.parent  # of the link, in a developer's installation
_STEPS = {
    "uv": "fetching uv, which installs Python packages",
    "python": "looking for Python",
    "packages": "fetching the bridge's packages",
    "check": "checking them",
    "model": "fetching MI-GAN's model",
}


def main(arguments: Sequence[str]) -> int:
    """Runs the set-up. Returns the exit status: 0 done, `FAILED`, or 130 cancelled."""
    parser = argparse.ArgumentParser(prog="bridge setup", description="Makes the environment that the bridge runs in.")
    parser.add_argument("--neural", action="store_true", help="with MI-GAN: its packages and its model")
    parser.add_argument("--model-file", type=Path, help="take MI-GAN's model from this file")
    parser.add_argument("--plan", action="store_true", help="only say what would be fetched")
    parser.add_argument("--doctor", action="store_true", help="only say what works, as “doctor --json” does")
    parser.add_argument("--terminal", action="store_true", help="speak to people, not to the window")
    chosen = parser.parse_args(arguments)
    tell = _tell_terminal if chosen.terminal else _tell_window
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
        return _examine() if chosen.doctor else _set_up(chosen, tell)
    except KeyboardInterrupt:
        return _CANCELLED
    except (OSError, PhotioError) as error:
        failure = failed_to_store(error) if isinstance(error, OSError) else error
        tell("failed", code=failure.code, sentence=failure.sentence, details=failure.details)
        return FAILED


def _set_up(chosen: argparse.Namespace, tell: Callable[..., None]) -> int:
    # An update adds MI-GAN's packages again for who has its model.
    neural = chosen.neural or chosen.model_file is not None or models.model_path().exists()
    fetches = environment.plan(_BRIDGE, neural)
    if fetches:
        reason = "damaged" if environments.usable(environments.folder(str(_BRIDGE), neural)) else "missing"
        licence = "MIT" if neural else ""  # of MI-GAN and its weights
        tell("plan", reason=reason, fetches=fetches, folder=str(program_directory()), licence=licence)
        if chosen.plan:
            return 0
        if not chosen.terminal and sys.stdin.readline().strip() != "go":
            return _CANCELLED
        threading.Thread(target=_watch, daemon=True).start()
    if not chosen.plan:
        _work(chosen, neural, tell)
    tell("done")
    return 0


def _work(chosen: argparse.Namespace, neural: bool, tell: Callable[..., None]) -> None:
    def progress(step: str, done: int, total: int) -> None:
        tell("progress", step=step, done=done, total=total)

    made = environment.set_up(_BRIDGE, neural, progress)
    # They stay English where the folder cannot be written to; a release has its catalogues compiled.
    python = environments.command(str(made), "")[0]
    run([python, "-I", "-B", str(_BRIDGE / "commands" / "catalogues.py"), str(_BRIDGE.parent / "locale")])
    if neural:
        progress("model", 0, models.MODEL_SIZE)
        option = "--model-file" if chosen.terminal else ""
        models.fetch_model(chosen.model_file, lambda line: None, option=option)
    known = [_BRIDGE.parent, *map(gimps.plug_in, gimps.configured())]
    environment.remove_unused(known, program_directory())


def _examine() -> int:
    found = environments.find(str(_BRIDGE))
    if found is None:
        print("not set up", file=sys.stderr)
        return 1
    command = environments.command(found, str(_BRIDGE), "doctor", "--json")
    return subprocess.call(command, env=systems.without_foreign() | {"LANGUAGE": "en"})


def _watch() -> None:
    """Interrupts the main thread when standard input ends."""
    while sys.stdin.readline():
        pass
    with starting:
        if sys.platform == "win32":
            signal.raise_signal(signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)  # this one also ends the main thread's wait for the network


def _tell_window(kind: str, **message: Any) -> None:
    _print(json.dumps({"kind": kind, **message}))


def _tell_terminal(kind: str, **message: Any) -> None:
    if kind == "plan":
        for fetch in message["fetches"]:
            _print_once(f"  to fetch: {fetch['what']}, about {fetch['bytes'] / 1e6:.0f} MB from {fetch['source']}")
    elif kind == "progress":
        _print_once(f"  {_STEPS[message['step']]}")
    elif kind == "failed":
        print(message["details"], message["sentence"], sep="\n", file=sys.stderr, flush=True)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:  # whoever started this has gone
        raise KeyboardInterrupt from None


_print_once = cache(_print)
