"""The bridge's command line. Commands import what they need when they run, so that help appears at once."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge import __version__
from bridge.commands.regen_options import add_options
from bridge.common.errors import PhotioError
from bridge.regen.validation import SettingsError
from bridge.store import settings
from bridge.store.settings import OFFLINE_MODELS, Settings

Command = Callable[[argparse.Namespace], int]
_INTERRUPTED = 130  # the exit status that shells expect after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 1 failed with a sentence on stderr, 2 wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a character that the terminal lacks must not make a paid request fail
            reconfigure(errors="backslashreplace")
    chosen = _parser().parse_args(arguments)
    command: Command = chosen.command
    try:
        return command(chosen)
    except PhotioError as error:
        _warn(error.sentence)
        return 1
    except KeyboardInterrupt:
        _warn("Interrupted.")
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bridge",
        description="Photio's bridge: removes or regenerates the masked part of an image, "
        "with the Photio service or with an engine on this computer.",
        epilog="Environment: PHOTIO_API_KEY (used before any stored key), PHOTIO_ORIGIN (another service's "
        "address), PHOTIO_HOME (one directory for settings, journal, log and models).",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"Photio for GIMP {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_options(_command(commands, "regen", _regen, "regenerate a part of a photograph"))
    _add_key(commands)
    _add_engine(commands)
    service = _command(commands, "service", _service, "serve the plug-in over standard input and output")
    service.description = "The plug-in starts this and exchanges lines of JSON with it. Not for interactive use."
    doctor = _command(commands, "doctor", _doctor, "check that everything works; spends nothing")
    doctor.add_argument("--json", action="store_true", help="print JSON instead of a table")
    doctor.add_argument("--packages", action="store_true", help="check only what the set-up installed")
    return parser


def _add_key(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    key = _command(commands, "key", None, "store, show or forget the API key")
    actions = key.add_subparsers(title="actions", metavar="ACTION", required=True)
    _command(actions, "set", _key_set, "type the key at a prompt, or send it through a pipe")
    _command(actions, "show", _key_show, "say where the key is kept, and its last four characters")
    _command(actions, "clear", _key_clear, "forget the key")


def _add_engine(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = _command(commands, "serve", _serve, "run the offline engine as a server on this computer")
    serve.add_argument("--port", type=int, default=0, help="0 (default) for any free one")
    serve.add_argument("--model", choices=OFFLINE_MODELS, help="(default: as configured, else texture)")
    serve.add_argument("--require-key", metavar="KEY", help="answer 401 to requests without this key")
    model = _command(commands, "model", None, "the offline engine's neural model")
    actions = model.add_subparsers(title="actions", metavar="ACTION", required=True)
    fetch = _command(actions, "fetch", _model_fetch, "download MI-GAN (28 MB) and check it")
    fetch.add_argument("--file", type=Path, metavar="PATH", help="take this copy instead of downloading one")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Command | None, summary: str
) -> argparse.ArgumentParser:
    description = summary[0].upper() + summary[1:] + "."
    parser = commands.add_parser(name, help=summary, description=description, allow_abbrev=False)
    if run is not None:
        parser.set_defaults(command=run)
    return parser


def _regen(chosen: argparse.Namespace) -> int:
    from bridge.commands.regen import regenerate_files

    return regenerate_files(chosen, _settings(), _warn)


def _key_set(chosen: argparse.Namespace) -> int:
    from bridge.store.key import KEY_VARIABLE, store_key

    prompt = "API key (it is not shown): "
    value = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline(4096)
    stored = store_key(value.strip(), _settings())
    print(f"The key {stored.hint} is stored: {stored.where}.")
    for warning in stored.warnings:
        _warn(warning)
    if os.environ.get(KEY_VARIABLE):
        _warn(f"{KEY_VARIABLE} is set and is used before it.")
    return 0


def _key_show(chosen: argparse.Namespace) -> int:
    from bridge.store.key import find_key, older_key

    current = _settings()
    if older := older_key(current):
        _warn(older)
    found = find_key(current)
    if found is None:
        print("No key is stored: “python -m bridge key set” stores one.")
        return 0
    for warning in found.warnings:
        _warn(warning)
    print(f"{found.hint} ({found.where})")
    return 0


def _key_clear(chosen: argparse.Namespace) -> int:
    from bridge.store.key import KEY_VARIABLE, clear_key

    places = clear_key(_settings())
    print(f"The key is forgotten: {' and '.join(places)}." if places else "No key was stored.")
    if os.environ.get(KEY_VARIABLE):
        _warn(f"{KEY_VARIABLE} is still set and will still be used.")
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    from bridge.engine.server import serve

    if not 0 <= chosen.port <= 65535:
        raise SettingsError("A port is a number from 0 to 65535.")
    return serve(chosen.port, chosen.model or _settings().offline_model, chosen.require_key)


def _service(chosen: argparse.Namespace) -> int:
    from bridge.service.session import main as service

    return service()


def _model_fetch(chosen: argparse.Namespace) -> int:
    from bridge.engine.models import fetch_model

    print(fetch_model(chosen.file, _warn, option="--file"))
    return 0


def _doctor(chosen: argparse.Namespace) -> int:
    from bridge.doctor import as_table, has_problem
    from bridge.doctor.checks import as_json, examine, examine_packages

    checks = examine_packages() if chosen.packages else examine()
    print(as_json(checks) if chosen.json else as_table(checks))
    return int(has_problem(checks))


def _settings() -> Settings:
    found, warnings = settings.load()
    for warning in warnings:
        _warn(warning)
    return found


def _warn(sentence: str) -> None:
    print(sentence, file=sys.stderr)
