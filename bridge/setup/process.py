"""`python bridge setup`: makes the environment, and tells whoever started it what it does, in lines of JSON.

GIMP's own Python runs this, where GIMP runs: the plug-in starts it for its window, and `install.py` for the terminal.
So paths, Python and permissions are the right ones by construction. It first says what it would fetch, and waits for
the line "go". When its standard input ends, it stops, removes what is half-made, and ends with status 130.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bridge.common import environments
from bridge.common.errors import PhotioError
from bridge.doctor import Check
from bridge.engine import models
from bridge.setup import environment, gimps
from bridge.setup.gimps import Computer
from bridge.setup.system import failed_to_store, run

_BRIDGE = Path(__file__).absolute().parent.parent  # of the link, in a developer's installation
_CANCELLED = 130
_LICENCE = "MIT"  # of MI-GAN and its weights


def main(arguments: Sequence[str]) -> int:
    """Runs the set-up. Returns the exit status: 0 done, 1 failed, 130 cancelled."""
    parser = argparse.ArgumentParser(prog="bridge setup", description="Makes the environment that the bridge runs in.")
    parser.add_argument("--neural", action="store_true", help="with MI-GAN: its packages and its model")
    parser.add_argument("--model-file", type=Path, help="take MI-GAN's model from this file")
    parser.add_argument("--plan", action="store_true", help="only say what would be fetched")
    parser.add_argument("--doctor", action="store_true", help="only say what works, as “doctor --json” does")
    chosen = parser.parse_args(arguments)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
        return _examine() if chosen.doctor else _set_up(chosen)
    except KeyboardInterrupt:
        return _CANCELLED
    except PhotioError as error:
        return _failed(error)
    except OSError as error:
        return _failed(failed_to_store(error))


def _set_up(chosen: argparse.Namespace) -> int:
    neural = chosen.neural or chosen.model_file is not None or environment.wanted_neural()
    fetches = environment.plan(_BRIDGE, neural)
    if fetches:
        damaged = environments.usable(environments.folder(str(_BRIDGE), neural))
        _tell(
            kind="plan",
            reason="damaged" if damaged else "missing",
            fetches=fetches,
            folder=str(environment.programs()),
            licence=_LICENCE if neural else "",
        )
        if chosen.plan:
            return 0
        if sys.stdin.readline().strip() != "go":
            return _CANCELLED
        threading.Thread(target=_watch, daemon=True).start()
    if not chosen.plan:
        _work(neural, chosen.model_file)
    _tell(kind="done")
    return 0


def _work(neural: bool, model_file: Path | None) -> None:
    made = environment.set_up(_BRIDGE, neural, _progress)
    # They stay English where the folder cannot be written to; a release has its catalogues compiled.
    python = environments.command(str(made), "")[0]
    run([python, "-I", "-B", str(_BRIDGE / "setup" / "catalogues.py"), str(_BRIDGE.parent / "locale")])
    if neural:
        _progress("model", 0, models.MODEL_SIZE)
        models.fetch_model(model_file, lambda line: None)
    folders = {_BRIDGE.parent, *(gimp.folder for gimp in gimps.configured(Computer.this()))}
    list(environment.remove_unused(folders, environment.programs()))


def _examine() -> int:
    found = environments.find(str(_BRIDGE))
    if found is None:
        row = Check("bridge", "problem", "not set up", "choose anything in Filters > Photio, or run install.py")
        print(json.dumps({"checks": [asdict(row)]}))
        return 1
    done = run(environments.command(found, str(_BRIDGE), "doctor", "--json"), 120.0, {"LANGUAGE": "en"})
    print(done.output or done.errors)
    return done.status


def _progress(step: str, done: int, total: int) -> None:
    _tell(kind="progress", step=step, done=done, total=total)


def _watch() -> None:
    """Interrupts the main thread when standard input ends."""
    while sys.stdin.readline():
        pass
    if sys.platform == "win32":
        import _thread

        _thread.interrupt_main()
    else:
        os.kill(os.getpid(), signal.SIGINT)  # a signal also ends a wait for the network


def _tell(**message: object) -> None:
    try:
        print(json.dumps(message), flush=True)
    except BrokenPipeError:
        raise KeyboardInterrupt from None


def _failed(error: PhotioError) -> int:
    _tell(kind="failed", code=error.code, sentence=error.sentence, details=error.details)
    return 1
