"""The commands install, uninstall and doctor of `install.py`, step by step."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bridge.common import environments, systems
from bridge.common.errors import PhotioError
from bridge.setup import doctor, environment, gimps, personal, plugin_folder
from bridge.setup.gimps import Computer, Gimp, Program
from bridge.setup.personal import Belongings
from bridge.setup.system import SetupError, only_one, remove, remove_if_empty, run
from bridge.store import places

_STEPS = {
    "uv": "fetching uv, which installs Python packages",
    "python": "looking for Python",
    "packages": "fetching the bridge's packages",
    "check": "checking them",
    "model": "fetching MI-GAN's model",
}


@dataclass(frozen=True)
class Options:
    """What the user asked for on the command line."""

    checkout: Path
    gimp_dirs: tuple[Path, ...] = ()
    link: bool = False
    neural: bool = False
    model_file: Path | None = None
    dry_run: bool = False
    purge: bool = False


say = partial(print, flush=True)


def complain(error: PhotioError) -> None:
    """Prints an error to standard error: first the details, then the sentence, which the user sees last."""
    for text in filter(None, (error.details, error.sentence)):
        print(text, file=sys.stderr, flush=True)


def install(options: Options, computer: Computer) -> int:
    """Puts the plug-in into the chosen GIMPs. Returns the exit status; raises `SetupError` or `OSError`."""
    started = gimps.programs(computer)
    found = _named(options, computer) or gimps.find(computer, started)
    if not found:
        raise SetupError(
            "No GIMP 3 was found; install GIMP 3.0 or later and run this again, "
            "or name its configuration directory with --gimp-dir."
        )
    if options.dry_run:
        return _each(found, lambda gimp: _preview(gimp, options, started))
    with only_one(places.program_directory() / "folders.lock"):
        status = _each(found, lambda gimp: _install_one(gimp, options, started))
    if status == 0:
        say("Start GIMP (again, if it is running): Filters > Photio.")
    return status


def uninstall(options: Options, computer: Computer) -> int:
    """Removes what `install` made in the chosen GIMPs. Returns the exit status.

    With `purge`, it also removes everything that the bridge made. If something is left, the status is 1, and the output
    says what and why. Running it twice is harmless.
    """
    noted = [folder for home in _program_homes(computer) for folder in environment.folders(home)]
    known = [gimps.classify(folder.parent.parent, computer) for folder in noted]
    found = _named(options, computer) or list(dict.fromkeys([*gimps.configured(computer), *known]))
    if options.dry_run:
        _preview_removal(found, options, computer)
        return 0
    if options.purge:
        _clear_keys(found, gimps.programs(computer))
    status = _each(found, _uninstall_one)
    status = max(status, _forget_unused(found, computer))
    if options.purge:
        status = max(status, _purge(found, computer))
    elif yours := [each.folder for each in _personal(computer)]:
        say("Kept, because they are yours: " + ", ".join(map(str, yours)))
        say("(and the API key, if there is one in the keyring; --uninstall --purge removes all of these too)")
    remove_if_empty(*(folder for home in _homes(computer) for folder in home), places.program_directory())
    return status


def examine(options: Options, computer: Computer) -> int:
    """Prints the doctor's table. Returns 1 if there is a problem in it, else 0."""
    started = gimps.programs(computer)
    rows = doctor.examine(_named(options, computer) or gimps.find(computer, started), started)
    say(doctor.table(rows))
    return int(any(row.state == "problem" for row in rows))


def _named(options: Options, computer: Computer) -> list[Gimp]:
    return [gimps.classify(path, computer) for path in options.gimp_dirs]


def _each(found: Sequence[Gimp], step: Callable[[Gimp], None]) -> int:
    """Runs the step for each GIMP, also after a failure. Returns the exit status."""
    status = 0
    for gimp in found:
        try:
            step(gimp)
        except PhotioError as error:
            complain(error)
            status = 1
    return status


def _preview(gimp: Gimp, options: Options, started: Sequence[Program]) -> None:
    say(f"{gimp.name}: {gimp.directory}")
    plugin_folder.refuse_foreign(gimp.folder)
    verb = "link" if options.link else "replace" if gimp.folder.exists() else "put"
    say(f"  would {verb} the plug-in: {gimp.folder}")
    for each in gimps.sharing(gimp, started):
        command = [*_setup_command(each, started, options.checkout / "bridge", options), "--plan"]
        for message in _messages(run(gimps.inside(each, command), 120.0).output.splitlines()):
            for fetch in message.get("fetches", []):
                say(f"  would fetch {fetch['what']}: about {fetch['bytes'] / 1e6:.0f} MB from {fetch['source']}")


def _install_one(gimp: Gimp, options: Options, started: Sequence[Program]) -> None:
    say(f"{gimp.name}: {gimp.directory}")
    if plugin_folder.repair(gimp):
        say("  an interrupted install was put right")
    plugin_folder.refuse_foreign(gimp.folder)
    with plugin_folder.replaced(gimp, options.checkout, options.link):
        for each in gimps.sharing(gimp, started):
            _set_up(each, started, options)
    say(f"  plug-in: {'linked' if options.link else 'installed'}, {gimp.folder}")


def _setup_command(gimp: Gimp, started: Sequence[Program], bridge: Path, options: Options) -> list[str]:
    python, first = gimps.setup_python(gimp, started), gimps.plug_in_python(gimp, started)
    if gimp.kind == "native" and not gimps.has_bindings(gimp, first):
        say(f"  {first} has no GIMP 3 bindings. If Photio is not in GIMP's menu, run install.py --doctor.")
    neural = ["--neural"] if options.neural else []
    model = ["--model-file", str(options.model_file.absolute())] if options.model_file else []
    return [python, "-I", "-B", str(bridge), "setup", *neural, *model]


def _set_up(gimp: Gimp, started: Sequence[Program], options: Options) -> None:
    """Makes the environment, with GIMP's own Python and where GIMP runs. Raises `SetupError`."""
    command = gimps.inside(gimp, _setup_command(gimp, started, gimp.folder / "bridge", options))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=systems.without_foreign()
    ) as program:
        assert program.stdin is not None  # both are pipes
        assert program.stdout is not None
        with suppress(BrokenPipeError):  # it has ended already, and may have said why
            program.stdin.write("go\n")
            program.stdin.flush()
        shown, last = "", {}
        for last in _messages(program.stdout):
            if last["kind"] == "progress" and last["step"] != shown:
                shown = last["step"]
                say(f"  {_STEPS[shown]}")
    if last.get("kind") == "failed":
        raise SetupError(last["sentence"], last["details"])
    if last.get("kind") != "done":
        raise SetupError(f"{command[0]} could not set up the bridge; run this again, and ask for help if that fails.")
    say(f"  bridge: ready in {environment.programs() if gimp.kind == 'native' else 'the ' + gimp.kind.capitalize()}")


def _messages(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """What the set-up says. `flatpak` and `snap` may print lines of their own."""
    for line in lines:
        if line.startswith("{"):
            yield json.loads(line)


def _uninstall_one(gimp: Gimp) -> None:
    if plugin_folder.uninstall(gimp):
        say(f"Removed {gimp.folder}")


def _forget_unused(found: Sequence[Gimp], computer: Computer) -> int:
    """Removes the packages that no plug-in folder uses, in the sandboxes, too. Returns 1 if some are kept, else 0."""
    known = [gimp.folder for gimp in (*gimps.configured(computer), *found)]
    status = 0
    for home in _program_homes(computer):
        for folder, removed in environment.remove_unused(known, home):
            if removed:
                say(f"Removed packages: {folder}")
            else:
                say(f"Kept, for Photio may be running with it: {folder}; close GIMP, then run this again.")
                status = 1
        if not (home / "environments").exists():
            names = ("uv-*", "fetching-*", "python", "install.lock", "folders.lock", "installations.json")  # 0.1.0's
            for path in [path for name in names for path in home.glob(name)]:
                remove(path)
    return status


def _program_homes(computer: Computer) -> list[Path]:
    return list(dict.fromkeys([places.program_directory(), *(data for _config, data in gimps.sandbox_homes(computer))]))


def _clear_keys(found: Sequence[Gimp], started: Sequence[Program]) -> None:
    for gimp in (each for one in found for each in gimps.sharing(one, started) if one.folder.exists()):
        made = environment.of_any_python(gimp.folder / "bridge") if gimp.kind == "native" else None
        if made is None:
            continue  # a sandbox has no keyring of its own, and its file is removed with the others
        outcome = run(environments.command(made, str(gimp.folder / "bridge"), "key", "clear"))
        if outcome.status != 0:
            say(f"{gimp.name}: the API key could not be cleared. {outcome.last_lines(1)}")


def _purge(found: Sequence[Gimp], computer: Computer) -> int:
    """Removes all files of the bridge. Returns 1 if some are left, else 0."""
    status = 0
    for config, _data in _homes(computer):
        if personal.key_is_in_keyring(config):  # the settings, which say so, are removed next
            say("The API key is still in the system's keyring: remove the entry “photio” there.")
            status = 1
    for each in _all_personal(found, computer):
        stayed = personal.clear(each)
        for path in stayed:
            say(f"Kept, for Photio is at work with it: {path}; run this again when it is done.")
            status = 1
        if each.made and not stayed:
            say(f"Removed {each.folder}" if not each.folder.exists() else f"Removed what Photio made in {each.folder}")
    return status


def _preview_removal(found: Sequence[Gimp], options: Options, computer: Computer) -> None:
    for gimp in found:
        if gimp.folder.exists():
            say(f"Would remove {gimp.folder}")
    for home in _program_homes(computer):
        say(f"Would remove packages that nothing else uses from {home / 'environments'}")
    for each in _all_personal(found, computer) if options.purge else []:
        say(f"Would remove what Photio made in {each.folder}")


def _homes(computer: Computer) -> list[tuple[Path, Path]]:
    """The directories for settings and for data: on this computer, and in the sandboxes of its GIMPs."""
    return list(dict.fromkeys([(places.config_directory(), places.data_directory()), *gimps.sandbox_homes(computer)]))


def _personal(computer: Computer) -> list[Belongings]:
    """Settings, key, prompts, history, models and logs."""
    return [each for config, data in _homes(computer) for each in personal.kept(config, data)]


def _all_personal(found: Sequence[Gimp], computer: Computer) -> list[Belongings]:
    """As `_personal`, and GIMP's files with the last values of Photio's procedures."""
    return _personal(computer) + [each for gimp in found if (each := personal.asked_last(gimp.directory)).made]
